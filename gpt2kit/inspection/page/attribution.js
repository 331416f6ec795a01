/* ---- 5: what each part of the model adds to the logit of a token ---- */
const LISTED_PARTS = 12;
const explanation = { of: null, step: -1, id: -1, against: -1 };
/* The parts of a token's logit at a step: token, position, biases, last norm, the heads of each layer, the MLPs. */
function logitParts(step, id) {
  const place = row(data.attribution.ids, step).indexOf(id);
  return place < 0 ? null : row(data.attribution.parts, step, place);
}
const explainable = (step) => [...row(data.attribution.ids, step)].filter((id) => id !== NONE[data.attribution.ids.kind]);
function partName(place, token) {
  const { layers, heads } = data.model;
  if (place < 4) return [`the vector of ${shown(data.tokens[token])}`, "the position vector", "biases", "the last norm's bias"][place];
  const part = place - 4;
  return part < layers * heads ? `layer ${Math.floor(part / heads) + 1}, head ${part % heads + 1}` : `layer ${part - layers * heads + 1}, MLP`;
}
const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
/* A bar to the right of the middle for a positive number, to the left for a negative one. */
function signedBar(value, most) {
  const wide = 50 * Math.abs(value) / (most || 1);
  return make("span", { class: "meter signed" }, make("span", { class: value < 0 ? "against" : "", style: `width:${wide}%;margin-left:${value < 0 ? 50 - wide : 50}%` }));
}
function showAttribution() {
  const { step } = state, ids = explainable(step), came = follower(data.steps[step]);
  if (explanation.of !== data || explanation.step !== step) Object.assign(explanation, { of: data, step, id: ids.includes(came) ? came : ids[0], against: -1 });
  if (explanation.against === explanation.id || !ids.includes(explanation.against)) explanation.against = -1;
  const option = (id) => make("option", { value: id, text: shown(id) }), { id, against } = explanation;
  fill("explained", ...ids.map(option));
  fill("against", make("option", { value: -1, text: "nothing" }), ...ids.filter((each) => each !== id).map(option));
  byId("explained").value = id;
  byId("against").value = against;
  const other = against < 0 ? null : logitParts(step, against), parts = logitParts(step, id).map((value, place) => value - (other ? other[place] : 0));
  fill("parts", partsList(parts, data.steps[step], other ? "the difference" : "the logit"), make("div", { class: "wide" }, partsGrid(parts)));
  byId("parts-caption").textContent = inUnits(`What each part of the model adds to the logit of ${quoted(id)} after ${quoted(data.tokens[data.steps[step]])}${other ? `, less what it adds to that of ${quoted(against)}` : ""}: blue raises it, orange lowers it. The last norm is taken at its actual scale, so that the parts add up exactly.${other ? "" : " Probabilities depend on differences of logits only: compare with another token to leave out what raises both."}`);
}
/* The largest parts as signed bars, the sum of the others, and that of all. */
function partsList(parts, token, sum) {
  const order = [...parts.keys()].sort((a, b) => Math.abs(parts[b]) - Math.abs(parts[a])), listed = order.slice(0, LISTED_PARTS), rest = order.slice(LISTED_PARTS);
  const total = parts.reduce((all, value) => all + value, 0), others = rest.reduce((all, place) => all + parts[place], 0), most = Math.max(largest(parts), Math.abs(others));
  const line = (name, value) => make("li", {}, name, signedBar(value, most), make("span", { class: "share", text: signed(value) }));
  return make("ol", { class: "bars parts" }, ...listed.map((place) => line(partLink(place, token), parts[place])), rest.length ? line(make("span", { class: "faint", text: several(rest.length, "other part") }), others) : null,
    make("li", { class: "sum" }, make("span", { text: sum }), make("span"), make("span", { class: "share", "data-total": total, text: signed(total) })));
}
function partLink(place, token) {
  const { layers, heads } = data.model, part = place - 4, isHead = part >= 0 && part < layers * heads, text = partName(place, token);
  return isHead ? make("button", { class: "link", text, "data-token": place, onclick: () => choose({ layer: Math.floor(part / heads), head: part % heads, allHeads: false, step: state.step }) }) : make("span", { text });
}
/* All heads and MLPs: a row for each layer, the last one at the top as in the stack. */
function partsGrid(parts) {
  const { layers, heads } = data.model, most = largest(parts.slice(4));
  const cell = (place) => make("td", { title: `${partName(place)}: ${signed(parts[place])}`, style: `background:color-mix(in srgb, ${parts[place] < 0 ? "var(--below)" : "var(--share)"} ${Math.round(85 * Math.abs(parts[place]) / (most || 1))}%, transparent)` });
  return make("table", { class: "matrix" }, make("tr", {}, make("td"), ...[...Array(heads).keys()].map((head) => make("th", { scope: "col", text: head + 1 })), make("th", { scope: "col", text: "MLP" })),
    ...[...Array(layers).keys()].reverse().map((layer) => make("tr", {}, make("th", { scope: "row", text: `layer ${layer + 1}` }), ...[...Array(heads).keys()].map((head) => cell(4 + layer * heads + head)), cell(4 + layers * heads + layer))));
}
/* What raises a label against the others: its parts less their mean. */
function labelParts(label) {
  const { parts, names } = data.labelled;
  return row(parts, label).map((value, place) => value - names.reduce((sum, _, other) => sum + (other === label ? 0 : number(parts, other, place)), 0) / (names.length - 1));
}
byId("explained").onchange = (event) => { explanation.id = Number(event.target.value); showAttribution(); };
byId("against").onchange = (event) => { explanation.against = Number(event.target.value); showAttribution(); };
