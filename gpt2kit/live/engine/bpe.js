/* Byte-level BPE as in GPT-2, equal to the library `tokenizers` as gpt2kit uses it: text never becomes a control token. */

/* Letters and digits that Unicode 17 added: `tokenizers` has the tables of Unicode 16. */
const ADDED = "\\u{88f}\\u{c5c}\\u{cdc}\\u{a7ce}\\u{a7cf}\\u{a7d2}\\u{a7d4}\\u{a7f1}\\u{10940}-\\u{10959}\\u{10ec5}-\\u{10ec7}\\u{11db0}-\\u{11ddb}"
  + "\\u{11de0}-\\u{11de9}\\u{16ea0}-\\u{16eb8}\\u{16ebb}-\\u{16ed3}\\u{16ff2}-\\u{16ff6}\\u{187f8}-\\u{187ff}\\u{18d09}-\\u{18d1e}"
  + "\\u{18d80}-\\u{18df2}\\u{1e6c0}-\\u{1e6de}\\u{1e6e0}-\\u{1e6e2}\\u{1e6e4}\\u{1e6e5}\\u{1e6e7}-\\u{1e6ed}\\u{1e6f0}-\\u{1e6f4}"
  + "\\u{1e6fe}\\u{1e6ff}\\u{2b73a}-\\u{2b73f}\\u{2cea2}-\\u{2cead}\\u{323b0}-\\u{33479}";

/* GPT-2's pieces of text, between which no merge reaches. White space is not JavaScript's: U+0085 is, U+FEFF is not. */
const PIECE = new RegExp([
  "'s|'t|'re|'ve|'m|'ll|'d", ` ?[\\p{L}--[${ADDED}]]+`, ` ?[\\p{N}--[${ADDED}]]+`, ` ?[[^\\p{White_Space}\\p{L}\\p{N}]${ADDED}]+`,
  "\\p{White_Space}+(?!\\P{White_Space})", "\\p{White_Space}+",
].join("|"), "gv");

/* The characters that represent bytes in a vocabulary: printable bytes represent themselves, the others start at 256. */
function byteAlphabet() {
  const characters = [];
  let others = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte < 127) || (byte >= 161 && byte < 173) || byte >= 174;
    characters.push(String.fromCharCode(printable ? byte : others++));
  }
  return characters;
}

const UTF8 = new TextEncoder(), PLACES = 2 ** 32;
const LONGEST_KNOWN = 32, MOST_KNOWN = 1 << 14;  // of the pieces whose ids are kept

class Bpe {
  /* `tokens` are spelled in the characters of `byteAlphabet`, `merges` are two tokens with a space between them,
     `special` are the ids of the control tokens. */
  constructor({ tokens, merges, special }) {
    this.tokens = tokens;
    this.special = new Set(special);
    this.ids = new Map(tokens.map((token, id) => [token, id]));
    this.bytes = [];
    this.known = new Map();
    const characters = byteAlphabet();
    this.byteOf = new Map(characters.map((character, byte) => [character, byte]));
    this.idOfByte = characters.map((character) => this.ids.get(character));
    this.merges = new Map(merges.map((pair, rank) => {
      const [left, right] = pair.split(" ");
      return [this.pair(this.ids.get(left), this.ids.get(right)), [rank, this.ids.get(left + right)]];
    }));
  }

  /* The id of a token as the vocabulary spells it. */
  id(token) {
    return this.ids.get(token);
  }

  /* The ids of a text; of a long one at least the first `most`. */
  encode(text, most = Infinity) {
    const ids = [];
    for (const [piece] of text.matchAll(PIECE)) {
      for (const id of this.idsOf(piece)) ids.push(id);
      if (ids.length >= most) break;
    }
    return ids;
  }

  /* The text of ids; an incomplete character becomes U+FFFD, control tokens are dropped unless `special`. */
  decode(ids, special = false) {
    const parts = ids.filter((id) => special || !this.special.has(id)).map((id) => this.bytesOf(id));
    const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let place = 0;
    for (const part of parts) {
      bytes.set(part, place);
      place += part.length;
    }
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  /* The bytes of a token, which may be part of a character; the name of a control token. */
  spell(id) {
    return this.special.has(id) ? this.tokens[id] : this.bytesOf(id);
  }

  /* A token with a character that represents no byte is its own text. */
  bytesOf(id) {
    return this.bytes[id] ??= this.bytesOfToken(this.tokens[id] ?? "");
  }

  bytesOfToken(token) {
    const bytes = Array.from(token, (character) => this.byteOf.get(character));
    return bytes.includes(undefined) ? UTF8.encode(token) : Uint8Array.from(bytes);
  }

  pair(left, right) {
    return left * this.tokens.length + right;
  }

  idsOf(piece) {
    let ids = this.known.get(piece);
    if (ids === undefined) {
      ids = this.encodePiece(piece);
      if (piece.length <= LONGEST_KNOWN && this.known.size < MOST_KNOWN) this.known.set(piece, ids);
    }
    return ids;
  }

  encodePiece(piece) {
    const ids = [];
    for (const byte of UTF8.encode(piece)) if (this.idOfByte[byte] !== undefined) ids.push(this.idOfByte[byte]);
    return this.merge(ids);
  }

  /* Merge neighbors, the pair of the lowest rank first and of equal ones the first; time grows as n log n. */
  merge(ids) {
    const next = ids.map((_, place) => place + 1), before = ids.map((_, place) => place - 1), heap = new Heap();
    const consider = (place) => {
      const found = place >= 0 && next[place] < ids.length ? this.merges.get(this.pair(ids[place], ids[next[place]])) : undefined;
      if (found) heap.push(found[0] * PLACES + place);
    };
    ids.forEach((_, place) => consider(place));
    while (heap.size) {
      const key = heap.pop(), place = key % PLACES, gone = next[place];
      if (ids[place] === null || gone >= ids.length) continue;
      const [rank, merged] = this.merges.get(this.pair(ids[place], ids[gone])) ?? [];
      if (rank !== Math.floor(key / PLACES)) continue;  // one of the two has been merged since
      ids[place] = merged;
      ids[gone] = null;
      next[place] = next[gone];
      if (next[place] < ids.length) before[next[place]] = place;
      consider(before[place]);
      consider(place);
    }
    return ids.filter((id) => id !== null);
  }
}
