/* ---- the data: arrays are decoded on first use ---- */
const byId = (id) => document.getElementById(id);
const settings = JSON.parse(byId("settings").textContent), HEADS = JSON.parse(byId("colours").textContent);
let data = JSON.parse(byId("data").textContent);
const state = { token: 0, layer: 0, head: 0, allHeads: false, stage: 0, lensFrom: 0, step: 0, clock: 0 };

let halves = null;
function halfTable() {
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31, fraction = bits & 1023, sign = bits & 32768 ? -1 : 1;
    halves[bits] = sign * (exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction ? NaN : Infinity) : (1 + fraction / 1024) * 2 ** (exponent - 15));
  }
}
/* The numbers of a packed array. */
function numbers(packed) {
  if (packed.values) return packed.values;
  const letters = atob(packed.data), bytes = new Uint8Array(letters.length), { buffer } = bytes;
  for (let place = 0; place < bytes.length; place++) bytes[place] = letters.charCodeAt(place);
  if (packed.kind === "u1") packed.values = bytes;
  else if (packed.kind === "u2") packed.values = new Uint16Array(buffer);
  else if (packed.kind === "u4") packed.values = new Uint32Array(buffer);
  else if (packed.kind === "score") packed.values = Float32Array.from(new Uint16Array(buffer), (steps) => steps === 65535 ? NaN : packed.low + steps / 65534 * (packed.high - packed.low));
  else if (packed.kind === "share") packed.values = Float32Array.from(new Uint16Array(buffer), (root) => (root / 65535) ** 2);
  else if (packed.kind === "f4") packed.values = new Float32Array(buffer);
  else {
    if (!halves) halfTable();
    const stored = new Uint16Array(buffer);
    packed.values = new Float32Array(stored.length);
    for (let place = 0; place < stored.length; place++) packed.values[place] = halves[stored[place]];
  }
  delete packed.data;
  return packed.values;
}
const NONE = { u2: 0xffff, u4: 0xffffffff };  // packed -1
/* The place of an index in a packed array: at(packed, i, j) begins the row [i, j]. */
function at(packed, ...index) {
  let place = 0;
  packed.shape.forEach((size, axis) => { place = place * size + (index[axis] || 0); });
  return place;
}
const number = (packed, ...index) => numbers(packed)[at(packed, ...index)];
const row = (packed, ...index) => {
  const size = packed.shape.slice(index.length).reduce((a, b) => a * b, 1);
  return numbers(packed).subarray(at(packed, ...index), at(packed, ...index) + size);
};

/* ---- tokens ---- */
const count = () => data.tokens.length;
const piece = (id) => data.pieces[id] || ["?", "name", ""];
const shown = (id) => piece(id)[0];
const quoted = (id) => `“${shown(id)}”`;
const isMusic = () => data ? data.model.task === "music" : settings.fixed;
const unit = () => isMusic() ? "event" : "token";
const units = () => `${unit()}s`;
/* What is said of tokens, said of events where the model plays. */
const inUnits = (text) => isMusic() ? text.replaceAll("a token", "an event").replaceAll("token", "event") : text;
/* Decimals with a proper minus sign, which 0 has not. */
const rounded = (value, digits = 2) => value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace("-", "−");
/* "1 layer", "2 layers". */
const several = (many, name) => `${inWords(many)} ${name}${many === 1 ? "" : "s"}`;
/* What a classifier chooses from. */
const labelName = () => (data ? data.model.labels.length === 1 : settings.choices) ? "choice" : "label";
const follower = (token) => data.followers[token];
const percent = (share) => share >= 0.0995 ? `${(100 * share).toFixed(0)}%` : share >= 0.00095 ? `${(100 * share).toFixed(1)}%` : share > 0 ? "< 0.1%" : "0%";
const inWords = (value) => value.toLocaleString("en");

/* ---- the lens: stage 0 is the input of layer 1, stage l the output of layer l ---- */
const stages = () => data.model.layers + 1;
const rank = (stage, token) => number(data.lens.ranks, stage, token);
function likeliest(stage, token) {
  const ids = row(data.lens.ids, stage, token), chances = row(data.lens.chances, stage, token);
  return [...ids].map((id, place) => ({ id, chance: chances[place] }));
}

/* ---- attention ---- */
/* The keys that a token looks at in one head, [{key, weight}], the largest weight first. */
function lookedAt(layer, head, token) {
  const { ends, heads } = data.looked[layer], { columns, weights } = heads[head], keys = numbers(columns), shares = numbers(weights), end = number(ends, token), found = [];
  for (let place = token ? number(ends, token - 1) : 0; place < end; place++) if (keys[place] !== NONE[columns.kind]) found.push({ key: keys[place], weight: shares[place] });
  return found;
}
/* The first and the last token of a key; -1 for the learned key of compressed attention. */
const span = (layer, key) => data.looked[layer].spans ? data.looked[layer].spans[key] : [key, key];
/* A token's attention weight on each token, the mean over layers and heads; -1 means all of them. */
function rowOver(layer, head, token) {
  const found = new Float32Array(count());
  const layers = layer < 0 ? [...data.looked.keys()] : [layer];
  const heads = head < 0 ? [...Array(data.model.heads).keys()] : [head];
  for (const each of layers) for (const one of heads) for (const { key, weight } of lookedAt(each, one, token)) {
    const [first, last] = span(each, key);
    for (let place = first; first >= 0 && place <= last; place++) found[place] += weight / (last - first + 1);
  }
  return found.map((share) => share / layers.length / heads.length);
}
const colourOf = (head) => HEADS[head % HEADS.length];
const keyName = (layer, key) => {
  const [first, last] = span(layer, key);
  return first < 0 ? "∅ learned" : first === last ? shown(data.tokens[first]) : data.tokens.slice(first, last + 1).map(shown).join(piece(data.tokens[first])[1] === "name" ? ", " : "");
};
