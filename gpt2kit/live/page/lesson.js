/* ---- the lesson: the steps of The Illustrated GPT-2 with the reader's own input; each points at a part of the page ---- */
/* The token after which the answer begins; of an answer whose beginning is not in view, the last one with all figures. */
const last = () => isMusic() && data.prompt === 1 ? data.steps.at(-1) : Math.max(0, data.prompt - 1);
const close = () => last() < data.first ? count() - 1 : last();  // one whose vectors the page has
const bold = (id) => make("b", {}, tokenName(id));
const some = (values, many = 4) => [...values].slice(0, many).map((value) => rounded(value)).join(", ");
const sized = (length) => rounded(length, length < 1 ? 2 : 1);
/* Whether the prompt's last token is a separator. */
const isMark = (token) => !isMusic() && data.tokens.length > 1 && token === last() && piece(data.tokens[token])[1] === "name";
const isTied = () => !data.model.weights.some(([, name]) => name.startsWith("lm_head"));
const attentionKind = () => data.looked[state.layer].kind;
/* The key with the largest weight for the chosen token, layer and head: its name and its weight. */
function strongestKey() {
  const [best] = lookedAt(state.layer, state.head, state.token);
  return best ? [make("b", { text: keyName(state.layer, best.key) }), ` (${percent(best.weight)})`] : [`no ${unit()}`];
}
/* The chosen token's vectors in numbers; null where the page does not have them. */
function embeddingOf(token) {
  const place = token - data.first;
  return place < 0 ? null : { token: row(data.embeddings.tokens, place), position: row(data.embeddings.positions, place) };
}
function scoreLine() {
  const found = closeRows();
  if (!found) return [];
  const { close } = data.looked[state.layer], scores = row(close.scores, state.head, found.place), weights = row(close.weights, state.head, found.place);
  const seen = [...scores.keys()].filter((key) => number(close.hidden, found.place, key) === 0).sort((a, b) => weights[b] - weights[a]).slice(0, 3);
  return seen.flatMap((key, at) => [at ? ", " : "", make("b", { text: keyName(state.layer, close.keys[key]) }), ` ${rounded(scores[key])} → ${percent(weights[key])}`]);
}

const LESSON = [
  { title: "The input becomes numbers", at: "tokens", choose: () => ({ token: last() }), text: () => [
    isMusic() ? "The model reads events, not sound: a key goes down or up, time passes, or the velocity changes. " : "The model reads numbers, not letters. ",
    `${isMusic() ? `You see ${several(count(), unit())} of the performance.` : `Your input is cut into ${several(data.prompt, unit())}.`} Each one has a number in a vocabulary of ${inWords(data.model.vocabulary)}: `,
    bold(data.tokens[state.token]), ` is number ${inWords(data.tokens[state.token])}${isMark(state.token) ? `; it is not text, but marks where the ${Object.keys(data.labels).length ? "text ends" : "answer begins"}` : ""}. Everything that follows is computed from these numbers.`] },
  { title: "A vector for the {unit}, and one for its place", at: "embedding", choose: () => ({ token: close() }), text: () => {
    const vectors = embeddingOf(state.token), silent = data.model.positions.low === 0 && data.model.positions.high === 0, start = `The number selects a row of a table: a vector of ${inWords(data.model.width)} numbers, which the model has learned for `;
    if (!vectors) return [start, bold(data.tokens[state.token]), ...(silent ? ["."] : [". A second table has a vector for each position; the two vectors are added."])];
    return [start, bold(data.tokens[state.token]), `. It begins with ${some(vectors.token)}. `, silent ? `The position adds nothing here: in this model, attention knows how far apart two ${units()} are.` : `A second table has a vector for position ${inWords(state.token + 1)}, which begins with ${some(vectors.position)}. The two vectors are added, so the same ${unit()} at another position gives another vector.`];
  } },
  { title: "Up through the blocks", at: "drawing", also: "#drawing > :last-child", text: () => [
    `The vector passes through ${several(data.model.layers, "block")}${data.model.layers > 1 ? ", which have the same parts but different weights" : ""}. A block has two parts: attention, which collects information from the ${unit()} itself and earlier ones, and an MLP, which works on one vector alone. Each part reads a normalized copy of the vector, and its result is added to the vector. The vector of `,
    bold(data.tokens[state.token]), ` has the length ${sized(number(data.written.stream, 0, state.token))} before the first block and ${sized(number(data.written.stream, data.model.layers, state.token))} after the last.`] },
  { title: "Attention, step 1: query, key and value", at: "split", choose: () => ({ token: close(), allHeads: false }), text: () => [
    `In block ${state.layer + 1}, the vector of each ${unit()} is multiplied by three matrices. This gives a query, which says what the ${unit()} looks for, a key, which says what it offers, and a value, which is what it passes on. Each is split into ${several(data.model.heads, "head")} of ${several(data.model.width / data.model.heads, "number")}, which work side by side.`,
    attentionKind() === "compressed" ? ` In this block, neighboring ${units()} then share one key and one value.` : "", ...(closeRows() ? [" You see the query of ", bold(data.tokens[state.token]), ", a strip for each head."] : [])] },
  { title: "Attention, step 2: scores, the mask and softmax", at: "tables", choose: () => ({ token: close(), allHeads: false }), text: () => {
    const line = scoreLine(), divided = divisor(state.layer), knows = data.model.attention[attentionKind()].distances;
    return ["The query of ", bold(data.tokens[state.token]), ` is multiplied with each key${divided ? `, and the product is divided by ${divided}` : ""}.${knows ? " A term for the distance is added." : ""} That is the score. The mask sets the scores of all later ${units()} to −∞, because the model must not see what it has to predict. Softmax turns the scores into weights that add up to 1.`, ...(line.length ? [data.first ? " The largest that this page has of this head: " : " The largest in this head: ", ...line, "."] : [])];
  } },
  { title: "Attention, step 3: add up the values", at: "gather", choose: () => ({ token: close(), allHeads: false }), text: () => [
    "Each value is multiplied by its weight, and all are added up. In this head, the largest weight is on ", ...strongestKey(), `. The sums of ${data.model.heads > 1 ? `the ${data.model.heads} heads are joined` : "the head"}${data.model.heads > 1 ? ", multiplied" : " are multiplied"} by one more matrix, and added to the vector.`] },
  { title: "What the heads look at", at: "arcs", also: "#arcs .asking", choose: () => ({ token: last() }), text: () => [
    `Choose another ${unit()}, layer or head, and look at the lines. Some heads look at the ${unit()} before, some at the same ${unit()} earlier${isMusic() ? "" : " in the input"}, and many at nothing in particular. Nobody assigned these roles: they were learned. In layer ${state.layer + 1}, head ${state.head + 1}, `, bold(data.tokens[state.token]), " looks most at ", ...strongestKey(), "."] },
  { title: "The MLP", at: "written", choose: () => ({ token: last() }), text: () => {
    const layer = state.layer, mlp = number(data.written.mlp, layer, state.token), attention = number(data.written.attention, layer, state.token);
    return [`The MLP multiplies the vector by a matrix of ${inWords(data.model.width)} × ${inWords(data.model.inner)}, applies an activation function (${data.model.activation}) to each of the ${inWords(data.model.inner)} numbers, and multiplies by a second matrix, back to ${inWords(data.model.width)}. It works on one ${unit()} at a time. For `, bold(data.tokens[state.token]), `, block ${layer + 1} adds a vector of length ${sized(attention)} by attention and one of length ${sized(mlp)} by the MLP.`];
  } },
  { title: "When does it know?", at: "lens", choose: () => ({ token: last() }), labels: false, text: () => {
    const came = follower(state.token), settled = data.lens.settled[state.token], [first] = likeliest(0, state.token), [best] = likeliest(stages() - 1, state.token);
    return ["Each row of this table shows what the model would predict if it stopped there. Before the first block it would predict ", bold(first.id), ", after the last one ", bold(best.id), ` (${percent(best.chance)}).`, ...(came >= 0 && settled > 0 ? [" The ", unit(), " that it chose, ", bold(came), `, is the likeliest from layer ${settled} on.`] : [])];
  } },
  { title: "The output: a probability for each {unit}", at: "drawn", choose: () => ({ token: last() }), labels: false, text: () => {
    const drawn = distribution(state.step), { chances } = sampled(drawn, 1, 0, 1), [best, second] = [0, 1].map((place) => ({ id: drawn.ids[place], chance: chances[place] }));
    return [`The last vector is normalized and multiplied with a vector for each of the ${inWords(data.model.vocabulary)} ${units()}${isTied() ? ", the same vectors as in step 2" : ""}. Softmax turns the products into probabilities: `, bold(best.id), ` ${percent(best.chance)}, `, bold(second.id), ` ${percent(second.chance)}, and so on. Then one is chosen: the likeliest, or one that is drawn at random by these probabilities. Move the temperature and see what changes.`];
  } },
  { title: "One {unit} at a time", at: "stepping", labels: false, text: () => [
    `The chosen ${unit()} becomes part of the input, and the model predicts the next one, until ${isMusic() ? "the time is over" : "it predicts the end or reaches a limit"}. The keys and values of earlier ${units()} do not change, so they are kept: this is the KV cache. ${isMusic() ? "What you played" : `Your input of ${several(data.prompt, unit())}`} is read in one step; each further step computes only one column.`] },
  { get title() { return `The ${labelName()}`; }, at: "task-body", labels: true, text: () => {
    const [name, share] = Object.entries(data.labels).reduce((best, each) => each[1] > best[1] ? each : best), found = [make("b", { text: name }), ` with ${percent(share)}.`];
    if (settings.choices) return ["The model reads your context once with each choice. A small matrix turns the vector of the last token of each of these texts into one score, and softmax turns the scores into probabilities. The likeliest choice is ", ...found];
    return ["A small matrix turns the vector of the last token into a score for each label, and softmax turns the scores into probabilities. The likeliest label is ", ...found, " The last token is used because no other one can see the whole text: each sees only itself and what comes before it."];
  } },
  { title: "That is all", at: "explore", text: () => [
    `A GPT-2 has no other parts: vectors, attention, MLPs, and ${Object.keys(data.labels).length ? `a small matrix for the ${labelName()}s` : `a chosen ${unit()} that becomes input`}. `, isMusic() ? "Play something, let the model continue," : "Change your input, or switch off a head,", " and go through these steps again. Every number that you saw was computed on your machine by this model."] },
];

const lesson = { step: -1, about: null };  // a step, and the data that it was chosen for
const lessonSteps = () => LESSON.filter(({ labels }) => labels === undefined || labels === Object.keys(data.labels).length > 0);
function showLesson() {
  for (const old of document.querySelectorAll(".pointed")) old.classList.remove("pointed");
  const open = lesson.step >= 0 && data !== null;
  byId("lesson").hidden = !open;
  byId("lesson-start").hidden = open;
  if (!open) return null;
  const steps = lessonSteps();
  lesson.step = Math.min(lesson.step, steps.length - 1);
  const { title, at: target, text } = steps[lesson.step];
  if (lesson.about !== data) { explain(steps[lesson.step]); return null; }  // the input is another one
  byId("lesson-count").textContent = `Step ${lesson.step + 1} of ${steps.length}`;
  byId("lesson-title").textContent = title.replace("{unit}", unit());
  fill("lesson-text", ...text());
  byId("lesson-back").disabled = lesson.step === 0;
  byId("lesson-on").textContent = lesson.step === steps.length - 1 ? "end" : "next ›";
  const pointed = byId(target).closest("figure") || byId(target);
  pointed.classList.add("pointed");
  return pointed;
}
/* Choose what a step is about; this shows the step, too. */
function explain({ choose: chosen }) {
  const before = lesson.about;
  lesson.about = data;
  choose(chosen ? chosen() : before === data ? {} : { token: last() });
}
/* Go to a step, and bring its part of the page into view between the bar at the top and the lesson. */
function teach(step) {
  const steps = lessonSteps();
  lesson.step = step < steps.length ? step : -1;
  const current = steps[lesson.step];
  if (current) explain(current);
  const pointed = showLesson();
  if (!pointed) return;
  pointed.style.scrollMarginTop = `${byId("chooser").offsetHeight + 14}px`;  // it stays at the top
  pointed.scrollIntoView({ block: "start", behavior: "instant" });  // the parts are far apart
  const also = current.also && document.querySelector(current.also);
  const below = also ? also.getBoundingClientRect().bottom + 14 - byId("lesson").getBoundingClientRect().top : 0;
  if (below > 0) scrollBy({ top: below, behavior: "instant" });  // of a long part, what it is about
}
byId("lesson-start").onclick = () => teach(0);
byId("lesson-back").onclick = () => teach(lesson.step - 1);
byId("lesson-on").onclick = () => teach(lesson.step + 1);
byId("lesson-close").onclick = () => teach(Infinity);
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.isComposing && lesson.step >= 0) teach(Infinity); });
chosenToo.push(showLesson);  // its numbers follow the choice of a token, a layer or a head
