/* The paragraphs of a document in the order of their relevance to its title, as gpt2kit/metrics/extractive.py has it. */
const LINE_ENDS = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/;
const SPACES = new RegExp(`[${SPACE}]+`);
const WRAPPED = 100, UNFINISHED = 50;  // characters of a line

/* Scripts without spaces between words: Chinese and Japanese, then Thai, Lao, Tibetan, Burmese, Khmer and others. */
const UNSPACED = "\\u3005-\\u3007\\u3040-\\u30ff\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\uff66-\\uff9f"
  + "\\u{20000}-\\u{323af}\\u0e00-\\u0fff\\u1000-\\u109f\\u1780-\\u17ff\\u1950-\\u19ff\\u1a20-\\u1aaf\\u1b00-\\u1b7f\\ua980-\\ua9ff"
  + "\\uaa60-\\uaa7f";
const MARK = "(?:(?![\\u{1f000}-\\u{10ffff}])\\p{M}|[\\u200c\\u200d])", LETTER = `(?:(?![${UNSPACED}])[\\p{L}\\p{N}])`;
const A_WORD = new RegExp(`(?=[\\p{L}\\p{N}])[${UNSPACED}]${MARK}*|${LETTER}(?:${LETTER}|${MARK})*`, "gu");

/* Runs of letters and digits, in lower case; each letter of a script without spaces is a word. */
function wordsOf(text) {
  const lower = text.toLowerCase();
  return (/^[\0-\x7f]*$/.test(lower) ? lower.match(/[a-z0-9]+/g) : lower.normalize("NFC").match(A_WORD)) ?? [];
}

/* The paragraphs of a text, each one line, without headings. Blank lines, headings and line breaks separate paragraphs;
   in a wrapped text a long line continues on the next one, as does a line before a lower-case letter. */
function paragraphsOf(text) {
  const lines = text.split(LINE_ENDS).map((line) => line.split(SPACES).filter(Boolean).join(" "));
  const wrapped = lines.every((line) => [...line].length <= WRAPPED), found = [];
  let open = [];
  const close = () => {
    if (open.length) found.push(open.join(" "));
    open = [];
  };
  for (const line of lines) {
    const heading = line.startsWith("=") && line.endsWith("=") && /[^= ]/.test(line);
    const continues = wrapped && open.length && (/^\p{Lowercase}/u.test(line) || [...open.at(-1)].length >= UNFINISHED);
    if (heading || !line || !continues) close();
    if (line && !heading) open.push(line);
  }
  close();
  return found;
}

/* The numbers of paragraphs, the most relevant to the title first: of Liu et al. 2018, the sum over the title's words of
   N_w log(N_d / N_dw). */
function tfidfOrder(paragraphs, title) {
  const wanted = new Set(wordsOf(title)), having = new Map();
  const counts = paragraphs.map((paragraph) => {
    const count = new Map();
    for (const word of wordsOf(paragraph)) if (wanted.has(word)) count.set(word, (count.get(word) ?? 0) + 1);
    for (const word of count.keys()) having.set(word, (having.get(word) ?? 0) + 1);
    return count;
  });
  const scores = counts.map((count) => [...count.keys()].sort().reduce(
    (sum, word) => sum + count.get(word) * Math.log(paragraphs.length / having.get(word)), 0));
  return paragraphs.map((_, place) => place).sort((one, other) => scores[other] - scores[one]);
}

/* A text with its first line, the title, and then its paragraphs, the most relevant to the title first. */
function paragraphsByTitle(text) {
  const end = text.indexOf("\n"), title = end < 0 ? text : text.slice(0, end), body = end < 0 ? "" : text.slice(end + 1);
  const paragraphs = paragraphsOf(body);
  return `${title}\n${tfidfOrder(paragraphs, title).map((place) => paragraphs[place]).join("\n")}`;
}
