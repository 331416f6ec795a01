/* ---- attention: shares of all that a note looked at, with the mean over the layers and heads that are chosen ---- */
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
let looked = null;
function setLooks(raw) {
  const before = looked;
  looked = null;
  if (!raw) return;
  const keys = bytes(raw.keys).buffer, same = before && before.heads === raw.heads && before.layers === raw.layers;
  looked = { layers: raw.layers, heads: raw.heads, top: raw.top, on: same ? before.on : Array(raw.heads).fill(true),
    keys: raw.wide ? new Uint32Array(keys) : new Uint16Array(keys), none: raw.wide ? 0xffffffff : 0xffff,
    weights: bytes(raw.weights), others: bytes(raw.others) };
  if (!same) { layer = -1; showHeads(); }
}
const headColour = (head) => piece.heads[head % piece.heads.length];
/* What a note looked at: `notes` as {key, head, weight}, the smallest first; `others`, the weight [head] of earlier
   notes that are not among them; `rest`, that of all else. Each head that is on has 1 in total, as a mean over layers. */
function lookedAt(note) {
  const found = new Map();
  if (!looked || note < 0) return { notes: [], others: [], rest: [] };
  const layers = layer < 0 ? [...Array(looked.layers).keys()] : [layer];
  const others = Array(looked.heads).fill(0), rest = looked.on.map(Number);
  for (const each of layers) for (let head = 0; head < looked.heads; head++) {
    if (!looked.on[head]) continue;
    const row = (note * looked.layers + each) * looked.heads + head, base = row * looked.top;
    others[head] += looked.others[row] / 255 / layers.length;
    for (let place = base; place < base + looked.top; place++) {
      const key = looked.keys[place], weight = looked.weights[place] / 255 / layers.length;
      if (key === looked.none || weight === 0) continue;
      const id = key * looked.heads + head;
      found.set(id, (found.get(id) || 0) + weight);
      rest[head] -= weight;
    }
  }
  const notes = [...found].map(([id, weight]) => ({ key: Math.floor(id / looked.heads), head: id % looked.heads, weight }));
  return { notes: notes.sort((a, b) => a.weight - b.weight), others, rest: rest.map((share, head) => Math.max(0, share - others[head])) };
}
/* The buttons of layers and heads, for a model of another shape than before. */
function showHeads() {
  const select = byId("layer");
  select.replaceChildren(new Option("all", -1));
  for (let each = 0; each < looked.layers; each++) select.add(new Option(each + 1, each));
  select.onchange = () => { layer = Number(select.value); choose(chosen, true); };
  byId("heads").replaceChildren();
  for (let head = 0; head < looked.heads; head++) {
    const button = document.createElement("button"), dot = document.createElement("i");
    dot.className = "head";
    dot.style.background = headColour(head);
    button.append(dot, `head ${head + 1}`);
    button.setAttribute("aria-pressed", "true");
    button.onclick = () => { looked.on[head] = !looked.on[head]; button.setAttribute("aria-pressed", looked.on[head]); choose(chosen, true); };
    byId("heads").append(button);
  }
}
