/* ---- 6: one token at a time ---- */
const MOST_CELLS = 48;
/* Whether a layer looks at an earlier place from `place`. */
function inSight(kind, place, earlier) {
  const { block, compression } = data.model, blocks = Math.floor(place / block) - Math.floor(earlier / block);
  if (kind === "local") return blocks === 0;
  if (kind === "relative-local") return blocks <= 1;
  if (kind === "compressed") return Math.floor(earlier / compression) < Math.floor((place + 1) / compression);
  return true;
}
/* Keys of a layer behind so many tokens. */
const kept = (kind, tokens) => kind === "compressed" ? 1 + Math.floor(tokens / data.model.compression) : tokens;
const clockSteps = () => Math.max(1, count() - data.prompt + 1);
function showCache() {
  const step = state.clock, last = data.prompt - 1 + step, first = step === 0 ? 0 : last, from = Math.max(0, last - MOST_CELLS + 1);
  const places = [...Array(Math.min(count(), from + MOST_CELLS) - from).keys()].map((each) => each + from);
  const cell = (kind, place) => place > last ? ["later", "not there yet"] : place >= first ? ["new", "computed now"] : inSight(kind, last, place) ? ["cached", "read from the cache"] : ["unread", "in the cache, out of sight"];
  fill("cache",
    make("tr", {}, make("th", { scope: "col", text: "" }), ...places.map((place) => make("th", { scope: "col", class: place > last ? "later" : null }, place > last ? "" : tokenName(data.tokens[place])))),
    ...[...data.model.kinds.keys()].reverse().map((layer) => make("tr", {}, make("th", { scope: "row", text: `layer ${layer + 1}` }), ...places.map((place) => { const [kind, title] = cell(data.model.kinds[layer], place); return make("td", { class: kind, title: `layer ${layer + 1}, ${shown(data.tokens[place])}: ${title}` }); }))));
  const { layers, width } = data.model, came = follower(last), computed = last + 1 - first;
  fill("step-text", step === 0 ? `The prompt is read at once, ${inWords(data.prompt)} tokens; ` : `Step ${step} of ${clockSteps() - 1}: `, step === 0 ? "" : make("b", {}, tokenName(data.tokens[last])), step === 0 ? "out comes " : " goes in, out comes ", came < 0 ? "what is next" : make("b", {}, tokenName(came)), ".");
  const keys = data.model.kinds.reduce((all, kind) => all + kept(kind, last + 1), 0);
  byId("step-count").textContent = `Computed: ${inWords(computed)} ${computed === 1 ? "column" : "columns"} of ${layers} layers. In the cache afterwards: ${inWords(keys)} keys and as many values of ${inWords(width)} numbers each, ${inWords(2 * width * keys)} in all.${step ? ` Without a cache all ${inWords(last + 1)} columns would be computed again.` : ""}`;
  byId("step-back").disabled = step === 0;
  byId("step-on").disabled = step >= clockSteps() - 1;
  byId("cache").dataset.step = step;
}
byId("step-back").onclick = () => { state.clock = Math.max(0, state.clock - 1); showCache(); };
byId("step-on").onclick = () => { state.clock = Math.min(clockSteps() - 1, state.clock + 1); showCache(); };
