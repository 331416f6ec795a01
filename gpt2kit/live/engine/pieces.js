/* ---- pieces: tokens in visible form, as in gpt2kit/inspection/pieces.py ----
   A piece is [text, kind, bytes in hexadecimal]; the kind is text, part (some bytes of a character) or name (not text). */
const MARKS = { " ": "·", "\n": "↵", "\t": "⇥", "\r": "␍" };
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/* The text of bytes, or null if they are not whole characters. */
function textOf(bytes) {
  try { return strictUtf8.decode(bytes); } catch { return null; }
}

/* A character, or a substitute for one that is invisible or would move others. */
function visibleCharacter(character) {
  if (MARKS[character]) return MARKS[character];
  if (/^[\p{C}\p{Z}]$/u.test(character)) return `⟨U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  return /^\p{Mn}$/u.test(character) ? `◌${character}` : character;
}

const hexOf = (byte) => byte.toString(16).padStart(2, "0");

/* Visible text: bytes that are not whole characters are in hexadecimal. */
function visibleText(bytes) {
  let shown = "";
  for (let place = 0; place < bytes.length;) {
    let size = 1, text = null;
    while (text === null && size <= 4) {
      text = textOf(bytes.subarray(place, place + size));
      if (text === null) size++;
    }
    shown += text === null ? `⟨${hexOf(bytes[place]).toUpperCase()}⟩` : [...text].map(visibleCharacter).join("");
    place += text === null ? 1 : size;
  }
  return shown.replaceAll("⟩⟨", " ");
}

/* The piece of an id; `spelled` is its bytes, a name, or nothing for an id without a token. */
function pieceOf(id, spelled) {
  if (!spelled || !spelled.length) return [`⟨${id}⟩`, "name", ""];
  if (typeof spelled === "string") return [[...spelled].map((each) => each === " " ? each : visibleCharacter(each)).join(""), "name", ""];
  const kind = textOf(spelled) === null ? "part" : "text";
  return [visibleText(spelled), kind, [...spelled].map(hexOf).join(" ")];
}
