/* Where the text of an answer ends: before a stop text, and never within a character; as gpt2kit/pipeline/endings.py. */
const LONGEST_CHARACTER = 4;

/* The last bytes of the text of ids, at least `size` if there are as many, as a string of one character each; control
   tokens have none. */
function lastBytes(ids, size, bpe) {
  let found = "";
  for (let place = ids.length - 1; place >= 0 && found.length < size; place--) {
    const piece = bpe.spell(ids[place]);
    if (typeof piece !== "string") found = byteString(piece) + found;
  }
  return found;
}

const byteString = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

/* The beginning of a character of UTF-8 that the end of a text does not complete; for Python also half of a surrogate. */
const INCOMPLETE = new RegExp([
  "[\\xc2-\\xf4]",
  "(?:\\xe0[\\xa0-\\xbf]|[\\xe1-\\xef][\\x80-\\xbf])",
  "(?:\\xf0[\\x90-\\xbf]|[\\xf1-\\xf3][\\x80-\\xbf]|\\xf4[\\x80-\\x8f])[\\x80-\\xbf]?",
].map((bytes) => `${bytes}$`).join("|"));

/* The text of ids without the beginning of a character that they do not complete. */
function wholeText(text, ids, bpe) {
  if (!text.endsWith("\ufffd")) return text;
  return INCOMPLETE.test(lastBytes(ids, LONGEST_CHARACTER, bpe)) ? text.slice(0, -1) : text;
}

/* The texts that end an answer. `decode` makes the answer of ids. */
class Stops {
  constructor(texts, bpe, decode) {
    this.texts = texts;
    this.bpe = bpe;
    this.decode = decode;
    this.spelled = texts.map((text) => byteString(UTF8.encode(text)));
    this.longest = Math.max(0, ...this.spelled.map((bytes) => bytes.length));
  }

  /* Whether an answer contains one of the texts, of which the last id completes the first. */
  ended(ids) {
    if (!this.texts.length) return false;
    const seen = lastBytes(ids, this.longest + lastBytes(ids.slice(-1), 1, this.bpe).length, this.bpe);
    if (!this.spelled.some((bytes) => seen.includes(bytes))) return false;
    const text = this.decode(ids);
    return this.texts.some((stop) => text.includes(stop));
  }

  /* The text before the stop text in it that is complete first. */
  cut(text) {
    let end = Infinity, begin = text.length;
    for (const stop of this.texts) {
      const place = text.indexOf(stop), after = place + stop.length;
      if (place >= 0 && (after < end || (after === end && place < begin))) [end, begin] = [after, place];
    }
    return text.slice(0, begin);
  }

  /* The number of characters at the end that may be the beginning of a stop text: not shown before more is known. */
  held(text) {
    let most = 0;
    for (const stop of this.texts) {
      for (let size = most + 1; size < stop.length; size++) if (text.endsWith(stop.slice(0, size))) most = size;
    }
    return most;
  }
}
