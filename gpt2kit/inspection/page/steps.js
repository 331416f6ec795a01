/* ---- 6: one token at a time ---- */
const MOST_CELLS = 48;
/* Whether a layer sees an earlier position from a later one. */
function isVisible(layer, place, earlier) {
  const { visible } = data.looked[layer], first = number(visible, place, 0), last = number(visible, place, 1);
  return first !== NONE[visible.kind] && first <= earlier && earlier <= last;
}
/* The number of keys that a layer keeps of the first tokens: a key of several is kept once all of them are read. */
const kept = ({ spans }, tokens) => spans ? spans.filter(([, last]) => last < tokens).length : tokens;
const clockSteps = () => Math.max(1, count() - data.prompt + 1);
function showCache() {
  const step = state.clock, last = data.prompt - 1 + step, first = step === 0 ? 0 : last, from = Math.max(0, last - MOST_CELLS + 1);
  const places = [...Array(Math.min(count(), from + MOST_CELLS) - from).keys()].map((each) => each + from);
  const cell = (layer, place) => place > last ? ["later", "not read yet"] : place >= first ? ["new", "computed now"] : isVisible(layer, last, place) ? ["cached", "read from the cache"] : ["unread", "in the cache, but hidden"];
  fill("cache",
    make("tr", {}, make("th", { scope: "col", text: "" }), ...places.map((place) => make("th", { scope: "col", class: place > last ? "later" : null }, place > last ? "" : tokenName(data.tokens[place])))),
    ...[...data.model.kinds.keys()].reverse().map((layer) => make("tr", {}, make("th", { scope: "row", text: `layer ${layer + 1}` }), ...places.map((place) => { const [kind, title] = cell(layer, place); return make("td", { class: kind, title: `layer ${layer + 1}, ${shown(data.tokens[place])}: ${title}` }); }))));
  const { layers, width } = data.model, came = follower(last), computed = last + 1 - first;
  fill("step-text", step === 0 ? `The ${data.model.labels.length ? "input" : "prompt"} of ${several(data.prompt, unit())} is read in one step` : `Step ${step} of ${clockSteps() - 1} reads `, step === 0 ? "" : make("b", {}, tokenName(data.tokens[last])), ...(came < 0 ? [`: no ${unit()} follows.`] : [`; the next ${unit()} is `, make("b", {}, tokenName(came)), "."]));
  const keys = data.looked.reduce((all, looked) => all + kept(looked, last + 1), 0);
  byId("step-count").textContent = `Computed: ${several(computed, "column")} of ${several(layers, "layer")}. The cache then holds ${several(keys, "key")} and ${several(keys, "value")} of ${inWords(width)} numbers each, ${inWords(2 * width * keys)} numbers in total.${step ? ` Without the cache all ${inWords(last + 1)} columns would be computed again.` : ""}`;
  byId("step-back").disabled = step === 0;
  byId("step-on").disabled = step >= clockSteps() - 1;
  byId("cache").dataset.step = step;
}
byId("step-back").onclick = () => { state.clock = Math.max(0, state.clock - 1); showCache(); };
byId("step-on").onclick = () => { state.clock = Math.min(clockSteps() - 1, state.clock + 1); showCache(); };
