/* ---- 1: the model ---- */
function showModel() {
  const model = data.model;
  document.body.dataset.task = model.task;
  byId("name").textContent = model.name;
  const kinds = [...new Set(model.kinds)].join(" and ");
  byId("shape").textContent = `${model.task} · ${several(model.layers, "layer")} × ${several(model.heads, "head")} × ${model.width} · window ${inWords(model.window)} · ${inWords(model.total)} weights · ${kinds} attention`;
  showRemarks(data.remarks);
  drawStack(model);
  if (model.labels.length) showLabelLeads();
  showWeights(model, 1);
  const { positions } = model, [rows, columns] = positions.shape, canvas = byId("positions"), silent = positions.low === 0 && positions.high === 0;
  canvas.hidden = silent;
  canvas.width = columns;
  canvas.height = rows;
  const pen = canvas.getContext("2d"), pixels = pen.createImageData(columns, rows);
  const middle = 255 * -positions.low / (positions.high - positions.low || 1), reach = Math.max(middle, 255 - middle) || 1;
  numbers(positions).forEach((value, place) => {
    const [r, g, b] = value >= middle ? [46, 105, 160] : [214, 104, 28];
    pixels.data.set([r, g, b, 255 * Math.min(1, 2 * Math.abs(value - middle) / reach)], 4 * place);
  });
  pen.putImageData(pixels, 0, 0);
  const drawn = positions.every.map((step, axis) => step > 1 ? `one ${axis ? "column" : "row"} in ${step}` : "").filter(Boolean), every = drawn.length ? ` The picture shows ${drawn.join(" and ")}.` : "";
  byId("positions-caption").textContent = silent ? "The position vectors are all 0 and add nothing: the attention of this model knows distances." : `The position vectors: a row for each of the ${inWords(model.window)} positions (first at the top), a column for each of the ${inWords(model.width)} numbers; blue is above 0, orange below.${every}`;
}
/* A classifier predicts no token to write: its sections say what they are about. */
function showLabelLeads() {
  byId("drawing-caption").textContent = `The stack: a token enters at the bottom and passes through every block; from the vector of the last token, the ${labelName()} is read at the top.`;
  byId("stack-lead").textContent = `What would the model predict as the next token if it stopped after each layer? This is the logit lens. It is not about the ${labelName()}, which only the last layer's vector of the last token decides on, but it shows what the layers make of each token. The stronger the color of a field, the higher the actual next token ranks at that layer.`;
  byId("output-lead").textContent = `This model chooses a ${labelName()}: section 7 shows that. It has kept its head for tokens, and this is the next token that it would predict: the last vector is compared with every token of the vocabulary.`;
  byId("steps-lead").textContent = `A ${labelName()} needs no further token: the whole input is read in one step.`;
}
const showRemarks = (remarks) => fill("remarks", ...remarks.map((text) => make("li", { text })));
function drawStack(model) {
  const shownBlocks = model.layers > 8 ? [model.layers, model.layers - 1, 0, 2, 1] : [...Array(model.layers).keys()].map((each) => model.layers - each);
  const total = (part) => inWords(model.totals[part] || 0);
  const box = (title, detail, settings = {}) => make(settings.onclick ? "button" : "div", { class: "box", ...settings }, make("b", { text: title }), make("span", { class: "faint", text: detail }));
  const head = model.weights.find(([, name]) => name.startsWith("lm_head"));
  fill("drawing",
    model.labels.length ? box(labelName(), model.labels.length > 1 ? `${inWords(model.labels.length)} probabilities, from the vector of the last token` : "a score for each text, from the vector of its last token")
      : box(`next ${unit()}`, `${inWords(model.vocabulary)} probabilities; the head ${head ? "has vectors of its own" : `reuses the ${unit()} vectors`}`),
    box(head ? "last norm and head" : "last norm", total("end")),
    ...shownBlocks.map((block) => block ? box(`block ${block}`, `${model.kinds[block - 1]} attention, MLP · ${total(`block ${block}`)}`, { onclick: () => showWeights(model, block), title: "Show its weights" }) : make("div", { class: "faint dots", text: `${model.layers - 4} more` })),
    box(`${unit()} + position`, `${total("embeddings")}`));
}
function showWeights(model, block) {
  const line = (part, [, name, shape, many, meaning]) => make("tr", {}, make("td", {}, make("code", { text: name })), make("td", { class: "figure", text: shape.join(" × ") }), make("td", { class: "figure", text: inWords(many) }), make("td", { class: "faint", text: inUnits(meaning) }));
  const sum = (text, value) => make("tr", { class: "sum" }, make("th", { scope: "row", colspan: 2, text }), make("td", { class: "figure", text: inWords(value) }), make("td"));
  const of = (part) => model.weights.filter((weight) => weight[0] === part).map((weight) => line(part, weight));
  const blocks = Object.entries(model.totals).filter(([part]) => part.startsWith("block"));
  fill("weights",
    make("tr", {}, ...["weight", "shape", "count", "meaning"].map((text) => make("th", { scope: "col", text }))),
    ...of("embeddings"), sum("embeddings", model.totals.embeddings),
    ...of(`block ${block}`), sum(`block ${block}`, model.totals[`block ${block}`]),
    blocks.length > 1 ? sum(`all ${blocks.length} blocks`, blocks.reduce((all, [, many]) => all + many, 0)) : null,
    ...of("end"), make("tr", { class: "sum grand" }, make("th", { scope: "row", colspan: 2, text: "all weights" }), make("td", { class: "figure", id: "total", text: inWords(model.total) }), make("td")));
}
