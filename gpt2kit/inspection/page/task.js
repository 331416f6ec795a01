/* ---- 7: what is particular to the task ---- */
const taskState = { layer: -1, head: -1, word: 0, label: null };
/* A choice of layer and head for this section alone: all of them unless chosen. */
function picks(redraw) {
  const option = (value, text) => make("option", { value, text });
  const select = (name, many) => {
    const found = make("select", { "data-pick": name, onchange: (event) => { taskState[name] = Number(event.target.value); redraw(); } }, option(-1, "all"), ...[...Array(many).keys()].map((each) => option(each, each + 1)));
    found.value = taskState[name];
    return make("label", {}, `${name} `, found);
  };
  return make("div", { class: "bar" }, select("layer", data.model.layers), select("head", data.model.heads));
}
const cited = (share) => `${percent(share)} of the attention`;
/* The words of the input without its separator, and those of the answer; an answer's tokens are at the positions that predicted them. */
const sourceWords = () => words(0, data.prompt, (place) => data.tokens[place]).filter((word) => !word.name);
const answerWords = () => words(data.prompt - 1, count(), follower).filter((word) => !word.name && follower(word.from) >= 0);
/* How much the tokens of a word looked at each word of the source. */
function wordLooks(word, sources) {
  const rows = [...Array(word.to - word.from).keys()].map((each) => rowOver(taskState.layer, taskState.head, word.from + each));
  return sources.map((source) => rows.reduce((all, row) => all + row.slice(source.from, source.to).reduce((a, b) => a + b, 0), 0) / rows.length);
}
const wordButton = (word, settings) => make("button", { class: "tok chip", dir: "auto", ...settings }, ...marked(bare(word.text)));

function showAlignment() {
  const sources = sourceWords(), targets = answerWords();
  byId("task-title").textContent = "Which words of the source each word comes from";
  byId("task-lead").textContent = "Attention aligns a translation: each word of the answer with the words of the source that the model looked at to write it. The weights do not sum to 1, because the model also looks at its own answer and at the separator.";
  if (!targets.length) { fill("task-body", make("p", { class: "faint", text: "The answer is empty." })); return; }
  const looks = targets.map((target) => wordLooks(target, sources)), best = Math.max(...looks.flat()) || 1;
  taskState.word = Math.min(taskState.word, targets.length - 1);
  const above = sources.map((word) => wordButton(word, { "data-word": word.from }));
  const below = targets.map((word, at) => wordButton(word, { class: "tok chip made", "aria-pressed": at === taskState.word, onclick: () => { taskState.word = at; showAlignment(); } }));
  const lines = make("div", { class: "align" }, make("div", { class: "flow" }, ...above), make("div", { class: "flow" }, ...below));
  const table = make("table", { class: "matrix" }, make("tr", {}, make("td"), ...targets.map((word) => make("th", { scope: "col" }, make("span", { class: "tok", text: bare(word.text) })))),
    ...sources.map((source, line) => make("tr", {}, make("th", { scope: "row" }, make("span", { class: "tok", text: bare(source.text) })), ...targets.map((target, column) => make("td", { style: `background:${shade(looks[column][line] / best)}`, title: `${target.text} → ${source.text}: ${cited(looks[column][line])}` })))));
  fill("task-body", picks(showAlignment),
    make("figure", {}, lines, make("figcaption", { text: "The source is above, the answer below: lines lead from each word of the answer to the words of the source with the largest weights. Choose a word: its lines are in color." })),
    make("figure", {}, make("div", { class: "wide" }, table), make("figcaption", { text: "All weights: a column for each word of the answer, a row for each word of the source; the stronger the color, the larger the weight." })));
  const box = lines.getBoundingClientRect();
  if (!box.width) return;
  const picture = draw("svg", { width: box.width, height: box.height, "aria-hidden": "true" });
  targets.forEach((_, at) => {
    const top = Math.max(...looks[at]);
    looks[at].forEach((share, line) => {
      if (share < 0.35 * top || share < 0.01) return;
      const chosen = at === taskState.word;
      picture.append(curve(box, below[at], above[line], { stroke: chosen ? colourOf(0) : "currentColor", "stroke-width": 0.8 + 7 * share / best, "stroke-opacity": chosen ? 0.8 : 0.14 }));
    });
  });
  lines.append(picture);
}
function shadedSource(shares, settings = () => ({})) {
  const sources = words(0, data.prompt, (place) => data.tokens[place]), shareOf = (word) => shares.slice(word.from, word.to).reduce((a, b) => a + b, 0), most = Math.max(...sources.map(shareOf)) || 1;
  return make("div", { class: "reading" }, ...sources.flatMap((word) => {
    const share = shareOf(word), text = bare(word.text);
    const element = make("span", { class: `tok word${word.name ? " name" : ""}`, dir: "auto", style: `background:${shade(share / most)}`, title: `${word.text}: ${cited(share)}`, ...settings(word) }, ...marked(text));
    return [/^[·↵]*↵/.test(word.text) ? make("br") : " ", element];
  }));
}
function showSources() {
  const targets = answerWords();
  byId("task-title").textContent = data.model.task === "summarize" ? "Where the summary comes from" : "Where the answer comes from";
  byId("task-lead").textContent = "Choose a word of the answer: the input shows what the model looked at to write it; the stronger the color, the larger the weight.";
  if (!targets.length) { fill("task-body", make("p", { class: "faint", text: "The answer is empty." })); return; }
  taskState.word = Math.min(taskState.word, targets.length - 1);
  const word = targets[taskState.word], rows = [...Array(word.to - word.from).keys()].map((each) => rowOver(taskState.layer, taskState.head, word.from + each));
  const shares = rows[0].map((_, place) => rows.reduce((all, row) => all + row[place], 0) / rows.length), inside = shares.slice(0, data.prompt).reduce((a, b) => a + b, 0);
  fill("task-body", picks(showSources),
    make("figure", {}, make("div", { class: "flow reading" }, ...targets.map((each, at) => wordButton(each, { class: "tok chip made", "aria-pressed": at === taskState.word, onclick: () => { taskState.word = at; showSources(); } }))), make("figcaption", { text: `The answer. To write “${bare(word.text)}”, the model gave ${percent(inside)} of its attention to the input${inside < 0.995 ? ", the rest to the words before it" : ""}.` })),
    make("figure", {}, shadedSource(shares), make("figcaption", { text: "The input as the model reads it." })));
}
function showExtract() {
  const last = count() - 1, shares = rowOver(taskState.layer, taskState.head, last), kind = labelName(), labels = Object.entries(data.labels).sort((a, b) => b[1] - a[1]);  // an object has numbers in their own order
  byId("task-title").textContent = `What the ${kind} is based on`;
  byId("task-lead").textContent = kind === "choice" ? "The model reads the context once with each choice, and gives each of these texts a score, from the vector of its last token alone. The likeliest choice has the highest score." : "The label is predicted from the vector of the last token alone. What this token looked at is what the prediction is based on.";
  fill("task-body", make("figure", {}, make("ol", { class: "bars labels" }, ...labels.slice(0, 12).map(([name, share]) => make("li", {}, make("span", { class: "tok", text: name }), make("span", { class: "meter" }, make("span", { style: `width:${100 * share}%` })), make("span", { class: "share", text: percent(share) })))), make("figcaption", { text: `The probability of each ${kind}.` })),
    ...(data.labelled ? labelExplained(labels[0][0]) : []),
    picks(showExtract), make("figure", {}, shadedSource(shares), make("figcaption", { text: `What the last token looked at${kind === "choice" ? " in the text of the likeliest choice" : ""}: the stronger the color, the larger the weight.` })));
}
/* What each part of the model adds to the logit of a label, the likeliest one unless another is chosen. */
function labelExplained(likeliestLabel) {
  const { names } = data.labelled, kind = labelName(), label = names.indexOf(names.includes(taskState.label) ? taskState.label : likeliestLabel), parts = labelParts(label);
  const chosen = make("select", { id: "label-explained", onchange: (event) => { taskState.label = event.target.value; showExtract(); } }, ...names.map((name) => make("option", { value: name, text: name })));
  chosen.value = names[label];
  return [make("h3", { text: `Where the ${kind} comes from` }), make("div", { class: "bar" }, make("label", {}, `${kind} `, chosen)), make("div", { class: "columns two", id: "label-parts" }, partsList(parts, count() - 1, "the difference"), make("div", { class: "wide" }, partsGrid(parts))),
    make("p", { class: "faint caption", text: `What each part of the model adds to the ${kind === "choice" ? "score" : "logit"} of “${names[label]}”, less ${names.length > 2 ? `the mean of what it adds to those of the other ${kind}s` : `what it adds to that of “${names[1 - label]}”`}: blue speaks for it, orange against it. The parts add up exactly.` })];
}
function showSurprise() {
  const last = stages() - 1, bits = data.tokens.map((_, place) => place && rank(last, place - 1) ? -Math.log2(Math.max(1e-9, number(data.lens.chance, last, place - 1))) : null);
  byId("task-title").textContent = byId("task").contains(byId("roll")) ? "What it looked back at, and what surprised it" : "What surprised the model";
  const surprised = inUnits("A good model is seldom surprised. The stronger the color of a token, the less likely the model found it.");
  byId("task-lead").textContent = byId("task").contains(byId("roll")) ? `Choose a note to hear it: lines lead to the earlier notes that the model looked at. The color of a line shows the head, its width the weight. ${surprised}` : surprised;
  const known = bits.filter((value) => value !== null), mean = known.reduce((a, b) => a + b, 0) / (known.length || 1);
  fill("task-body", make("figure", {}, make("div", { class: `flow${known.length > 200 ? " tall" : ""}` }, ...data.tokens.map((id, place) => tokenButton(place, { style: bits[place] === null ? null : `background:${shade(bits[place] / 14)}`, title: bits[place] === null ? shown(id) : `${shown(id)}: ${bits[place].toFixed(1)} bits` }))), make("figcaption", { text: known.length ? `Surprise in bits, ${mean.toFixed(2)} per ${unit()} on average: 1 bit is a coin toss, 10 bits are one chance in a thousand.` : `With a single ${unit()} there is nothing to predict yet.` })));
}
function showTask() {
  const { task } = data.model, answered = data.answers && data.followers.some((id, place) => place >= data.prompt - 1 && id >= 0);
  const [name, show] = Object.keys(data.labels).length ? [labelName() === "choice" ? "Choice" : "Label", showExtract]
    : { translate: ["Alignment", showAlignment], summarize: ["Sources", showSources], music: ["Music", showSurprise] }[task]
      || (answered ? ["Sources", showSources] : ["Surprise", showSurprise]);
  byId("task-name").textContent = name;
  show();
}
