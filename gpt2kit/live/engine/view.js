/* ---- view: the data of the inspection page, computed here; the same as gpt2kit/inspection/view.py writes into a page ----
   `subject` is {ids, prompt, followers, finished, given, remarks, labels, answers, texts}: the ids of one pass, how many of
   them are the prompt, the id after each (-1: none), and for a classifier the probability of each label, the names of its
   answers in order, and the ids of all texts that it reads. `knows` is what the page
   knows of the run: {shape, answers, plays, generate, spell(id), automatonAt(subject, position)}: `shape` as `content`
   of gpt2kit/live/content.py has it, and an automaton that has accepted the ids up to the position, or null. */
const DISTRIBUTIONS = 32;  // positions whose whole distribution is kept
const LISTED = 200;  // likeliest tokens of a distribution that are named

/* The positions from the prompt's last token on, which choose the answer; without an answer the prompt's last ones. */
function explainedSteps({ ids, prompt }) {
  const first = ids.length > prompt ? prompt - 1 : Math.max(0, prompt - DISTRIBUTIONS);
  return Array.from({ length: Math.min(ids.length, first + DISTRIBUTIONS) - first }, (_, step) => first + step);
}

/* The ids of a text that are not text themselves, such as a separator; music has none: all its ids are events. */
function separatorsOf(ids, { plays, spell }) {
  return new Set(plays ? [] : ids.filter((id) => pieceOf(id, spell(id))[1] === "name"));
}

/* What `compute` gives for each, one a step. */
function* stepByStep(each, compute) {
  const found = [];
  for (const one of each) {
    found.push(compute(one));
    yield;
  }
  return found;
}

const piecesOf = (ids, spell) => Object.fromEntries([...new Set(ids)].filter((id) => id >= 0).map((id) => [id, pieceOf(id, spell(id))]));

/* The lengths of the vectors that the layers add. */
function writtenView({ model, layers, inputs, off }) {
  const lengths = (vectors) => vectors.map(vectorLength), { n_head: heads } = model.config;
  const byHead = layers.map((layer, number) => off.attentions.includes(number) ? layer.heads.map(() => Array(heads).fill(0)) : layer.heads.map((sums) => writtenByHeads(model.blocks[number], sums).map(vectorLength)));
  return {
    stream: heldRows([inputs, ...layers.map(({ after }) => after)].map(lengths)),
    attention: heldRows(layers.map(({ attention }) => lengths(attention))),
    mlp: heldRows(layers.map(({ mlp }) => lengths(mlp))),
    heads: heldRows(byHead.flatMap((rows) => [...Array(heads).keys()].map((head) => rows.map((row) => row[head]))), [layers.length, heads, inputs.length]),
  };
}

/* The distribution that decoding draws from after a position, and the actual next token in it. */
function outlookOf({ model, last }, subject, position, { generate, automatonAt }) {
  const logits = lensLogits(model, [last[position]]), decoded = decodedLogits(logits, subject, position, generate, automatonAt(subject, position));
  return { distribution: distributionOf(decoded), chosen: chosenToken(logits, decoded, subject.followers[position], generate) };
}

/* All sections; the tracer reads what it has not read yet. A generator whose steps are short: a page lets answers go first. */
function* viewOf(tracer, subject, knows, off = NOTHING_OFF) {
  const { ids, prompt, followers } = subject, { model } = tracer, { generate } = knows;
  yield* tracer.read(ids, off);
  yield* readStages(tracer, followers);
  const steps = explainedSteps(subject), first = ids.length - closeCount(ids.length, model.config), separators = separatorsOf(ids, knows);
  const attention = yield* stepByStep([...tracer.layers.keys()], (layer) => lookedOf(tracer, layer, first, separators));
  const outlook = yield* stepByStep(steps, (position) => tracer.remember(position, "outlook", JSON.stringify([generate, prompt, followers[position]]), () => outlookOf(tracer, subject, position, knows)));
  const output = outlook.map(({ distribution }) => distribution), attribution = yield* attributionView(tracer, steps);
  const labelled = model.score === null ? null : yield* labelledView(tracer, subject, off);
  const named = [...ids, ...followers, ...tracer.readings.flat().flatMap((reading) => reading.ids), ...output.flatMap((each) => [...each.ids.values.subarray(0, LISTED)])];
  return {
    model: { ...knows.shape, positions: tracer.picture ??= positionsPicture(model) },
    pieces: piecesOf(named, knows.spell),
    tokens: [...ids],
    prompt,
    followers: [...followers],
    finished: subject.finished,
    given: subject.given,
    remarks: subject.remarks,
    labels: subject.labels,
    answers: knows.answers,
    first,
    embeddings: { tokens: heldRows(tokenVectors(model, ids, first)), positions: heldRows(positionVectors(model, ids, first)) },
    lens: lensView(tracer),
    written: writtenView(tracer),
    looked: attention.map(({ looked }) => looked),
    roles: attention.map(({ roles }) => roles),
    steps,
    output,
    attribution,
    labelled,
    neurons: neuronsView(tracer, steps),
    generate: Object.fromEntries(["temperature", "top_k", "top_p", "beams", "repetition_penalty"].map((name) => [name, generate[name]])),
    path: outlook.map(({ chosen }) => chosen),
  };
}
