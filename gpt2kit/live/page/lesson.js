/* ---- the lesson: the steps of The Illustrated GPT-2 with the reader's own input; each points at a part of the page ---- */
const inMusic = () => data.model.task === "music";
const unitName = () => inMusic() ? "event" : "token";
const last = () => Math.max(0, data.prompt - 1);  // the token after which the answer begins
const bold = (id) => make("b", {}, tokenName(id));
const some = (values, many = 4) => [...values].slice(0, many).map((value) => value.toFixed(2)).join(", ");
/* The key with the largest weight for the chosen token, layer and head: its name and its weight. */
function strongestKey() {
  const [best] = lookedAt(state.layer, state.head, state.token);
  return best ? [make("b", { text: keyName(state.layer, best.key) }), ` (${percent(best.weight)})`] : ["no token"];
}
/* The chosen token's vectors in numbers; null where the page does not have them. */
function embeddingOf(token) {
  const place = token - data.first, real = (packed) => [...row(packed, place)].map((value) => packed.low + value / 255 * (packed.high - packed.low));
  return place < 0 ? null : { token: real(data.embeddings.tokens), position: real(data.embeddings.positions) };
}
function scoreLine() {
  const found = closeRows();
  if (!found) return [];
  const { close } = data.looked[state.layer], scores = row(close.scores, state.head, found.place), weights = row(close.weights, state.head, found.place);
  const seen = [...scores.keys()].filter((key) => number(close.hidden, found.place, key) === 0).sort((a, b) => weights[b] - weights[a]).slice(0, 3);
  return seen.flatMap((key, at) => [at ? ", " : "", make("b", { text: keyName(state.layer, close.keys[key]) }), ` ${scores[key].toFixed(2)} → ${percent(weights[key])}`]);
}

const LESSON = [
  { title: "The input becomes numbers", at: "tokens", choose: () => ({ token: last() }), text: () => [
    inMusic() ? "The model reads events, not sound. Your music is a sequence of " : "The model reads numbers, not letters. Your input is cut into ", `${inWords(count())} ${unitName()}${count() === 1 ? "" : "s"}. Each one has a number in a vocabulary of ${inWords(data.model.vocabulary)}. `,
    bold(data.tokens[state.token]), ` has the number ${inWords(data.tokens[state.token])}. Everything that follows is computed from these numbers.`] },
  { title: "A vector for the token, and one for its place", at: "embedding", choose: () => ({ token: last() }), text: () => {
    const vectors = embeddingOf(state.token), start = `The number selects a row of a table: a vector of ${inWords(data.model.width)} numbers that the model has learned for `;
    if (!vectors) return [start, bold(data.tokens[state.token]), "."];
    const silent = largest(vectors.position) === 0;
    return [start, bold(data.tokens[state.token]), `. It begins with ${some(vectors.token)}. `, silent ? "This model has no vectors of positions: its attention knows how far apart two tokens are." : `A second table has a vector for position ${inWords(state.token + 1)}: ${some(vectors.position)}. The two are added, so that the same ${unitName()} at another place is another vector.`];
  } },
  { title: "Up through the blocks", at: "drawing", text: () => [
    `The vector passes through ${data.model.layers} blocks, which have the same parts and different weights. Each block has two parts: attention, which gathers from earlier ${unitName()}s, and an MLP, which works on one vector alone. Both add their result to the vector, and nothing is ever taken away. Here the vector of `, bold(data.tokens[state.token]), ` has the length ${number(data.written.stream, 0, state.token).toFixed(1)} before the first block and ${number(data.written.stream, data.model.layers, state.token).toFixed(1)} after the last.`] },
  { title: "Attention, step 1: query, key and value", at: "split", choose: () => ({ token: last(), allHeads: false }), text: () => [
    `In block ${state.layer + 1}, the vector of each ${unitName()} is multiplied by three matrices. The query says what a ${unitName()} looks for, the key what it offers, and the value what it hands over. Each is split into ${data.model.heads} heads of ${inWords(data.model.width / data.model.heads)} numbers, which work side by side. You see the query of `, bold(data.tokens[state.token]), ", one strip for each head."] },
  { title: "Attention, step 2: scores, the mask and softmax", at: "tables", choose: () => ({ token: last(), allHeads: false }), text: () => [
    `The query of `, bold(data.tokens[state.token]), ` is multiplied with the key of each ${unitName()}, and the product is divided by √${data.model.width / data.model.heads}. That is the score. The mask sets the scores of later ${unitName()}s to −∞: the model must not see what it is about to predict. Softmax turns the scores into weights that add up to 1. `, ...(scoreLine().length ? ["In this head: ", ...scoreLine(), "."] : [])] },
  { title: "Attention, step 3: add up the values", at: "gather", choose: () => ({ token: last(), allHeads: false }), text: () => [
    "Each value is multiplied by its weight, and all are added up. So most of the sum comes from what the head looked at: ", ...strongestKey(), `. The sums of all ${data.model.heads} heads are joined, multiplied by one more matrix, and added to the vector.`] },
  { title: "What the heads look at", at: "arcs", choose: () => ({ token: last() }), text: () => [
    `Choose another head or another ${unitName()} and look at the lines. Some heads always look at the ${unitName()} before, some at the same ${unitName()} earlier in the input, some at nothing in particular. Nobody told them what to do: they learned it. In layer ${state.layer + 1}, head ${state.head + 1}, `, bold(data.tokens[state.token]), " looks most at ", ...strongestKey(), "."] },
  { title: "The MLP", at: "written", choose: () => ({ token: last() }), text: () => {
    const layer = state.layer, mlp = number(data.written.mlp, layer, state.token), attention = number(data.written.attention, layer, state.token);
    return [`The MLP multiplies the vector by a matrix of ${inWords(data.model.width)} × ${inWords(data.model.inner)}, applies a bend to each number, and multiplies back to ${inWords(data.model.width)}. It sees one ${unitName()} at a time. In block ${layer + 1}, attention adds a vector of length ${attention.toFixed(1)} here, and the MLP one of length ${mlp.toFixed(1)}.`];
  } },
  { title: "When does it know?", at: "lens", choose: () => ({ token: last() }), text: () => {
    const came = follower(state.token), settled = data.lens.settled[state.token], [first] = likeliest(0, state.token), [best] = likeliest(stages() - 1, state.token);
    return [`Each row of this table reads the vectors as if the model stopped there. From the input alone it would say `, bold(first.id), ", after the last block ", bold(best.id), ` (${percent(best.chance)}).`, ...(came >= 0 && settled > 0 ? [" ", bold(came), ` is the likeliest from layer ${settled} on.`] : [])];
  } },
  { title: "The output: a probability for each token", at: "next", choose: () => ({ token: last() }), labels: false, text: () => {
    const [best, second] = likeliest(stages() - 1, last());
    return [`The last vector is multiplied with the vector of each of the ${inWords(data.model.vocabulary)} tokens. Softmax turns the products into probabilities: `, bold(best.id), ` ${percent(best.chance)}, `, bold(second.id), ` ${percent(second.chance)}, and so on. Then one is chosen: always the likeliest, or one that is drawn. Move the temperature and see what changes.`];
  } },
  { title: "One token at a time", at: "cache", labels: false, text: () => [
    `The chosen ${unitName()} is added to the input, and the model predicts the next one, until it predicts the end. Keys and values of earlier ${unitName()}s do not change, so they are kept: that is the KV cache. Your input of ${inWords(data.prompt)} is read in one step; every further step computes one column.`] },
  { title: "The label", at: "task-body", labels: true, text: () => {
    const [name, share] = Object.entries(data.labels).reduce((best, each) => each[1] > best[1] ? each : best);
    return ["A small matrix turns the last vector of the last token into a score for each label, and softmax into probabilities. Here it is ", make("b", { text: name }), ` with ${percent(share)}. Only the last token counts, because only it has seen all others.`];
  } },
  { title: "That is all", at: "task", labels: false, text: () => [
    "There is nothing else in a GPT-2: vectors, attention, MLPs, and a choice that becomes input. ", inMusic() ? "Play something, let the model continue, and walk through these steps again." : "Change your input, or switch off a head, and walk through these steps again.", " What you see is this model, computed on your machine."] },
];

const lesson = { step: -1 };
const lessonSteps = () => LESSON.filter(({ labels }) => labels === undefined || labels === Object.keys(data.labels).length > 0);
function showLesson() {
  for (const old of document.querySelectorAll(".pointed")) old.classList.remove("pointed");
  const open = lesson.step >= 0 && data !== null;
  byId("lesson").hidden = !open;
  byId("lesson-start").hidden = open;
  if (!open) return;
  const steps = lessonSteps();
  lesson.step = Math.min(lesson.step, steps.length - 1);
  const { title, at: target, text } = steps[lesson.step];
  byId("lesson-count").textContent = `Step ${lesson.step + 1} of ${steps.length}`;
  byId("lesson-title").textContent = title;
  fill("lesson-text", ...text());
  byId("lesson-back").disabled = lesson.step === 0;
  byId("lesson-on").textContent = lesson.step === steps.length - 1 ? "end" : "next ›";
  const pointed = byId(target).closest("figure") || byId(target);
  pointed.classList.add("pointed");
  return pointed;
}
/* Go to a step: choose what it is about, and bring that part of the page into view above the lesson. */
function teach(step) {
  const steps = lessonSteps();
  lesson.step = step < steps.length ? step : -1;
  const { choose: chosen } = steps[lesson.step] || {};
  if (chosen) choose(chosen());
  const pointed = showLesson();
  if (pointed) pointed.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}
byId("lesson-start").onclick = () => teach(0);
byId("lesson-back").onclick = () => teach(lesson.step - 1);
byId("lesson-on").onclick = () => teach(lesson.step + 1);
byId("lesson-close").onclick = () => teach(Infinity);
chosenToo.push(showLesson);  // its numbers follow the choice of a token, a layer or a head
