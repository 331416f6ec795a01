/* ---- direct logit attribution: what each part of a model adds to the logit of a token, from a Tracer, as in
   gpt2kit/inspection/attribution.py ----
   The last norm is linear at the scale of the actual vector, so that the parts add up to the logit.
   Shapes: L layers, H heads, D width, K = D / H, F neurons. */

/* A direction d [D] for which d . part is what a part of the residual vector at a position adds to an id's logit, and what
   the last norm's bias adds. A norm takes the mean from each part: that is a product with a direction whose own mean is
   taken away. */
function logitDirection({ norm }, { weight, columns: width }, last, id) {
  const mean = sumOf(last) / width, variance = last.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
  const row = weight.subarray(id * width, (id + 1) * width), gained = Float64Array.from(row, (value, place) => value * norm.weight[place]);
  const ownMean = sumOf(gained) / width, scale = 1 / Math.sqrt(variance + norm.epsilon);
  return { direction: gained.map((value) => (value - ownMean) * scale), ofNorm: dot(row, 0, norm.bias, 0, width) };
}

/* The parts of the residual vector at a position that are not vectors of a table, [D] each: what heads [L][H] and MLPs [L]
   write, the latter without their biases, and the sum of the biases. */
function partsAt({ model, off, layers }, position) {
  const width = model.config.n_embd, biases = new Float64Array(width), heads = [], mlps = [];
  const add = (bias) => { for (let place = 0; place < width; place++) biases[place] += bias[place]; };
  model.blocks.forEach((block, layer) => {
    const hasAttention = !off.attentions.includes(layer), hasMlp = !off.mlps.includes(layer), mlp = layers[layer].mlp[position];
    heads.push(hasAttention ? writtenByHeads(block, layers[layer].heads[position]) : Array(block.attention.heads).fill(new Float32Array(width)));
    mlps.push(hasMlp ? Float64Array.from(mlp, (value, place) => value - block.mlpOut.bias[place]) : mlp);
    if (hasAttention) add(block.attentionOut.bias);
    if (hasMlp) add(block.mlpOut.bias);
  });
  return { biases, heads, mlps };
}

/* The parts of the logits of ids at a position: for each {token, position, biases, norm, heads: [L][H], mlps: [L]}.
   `table` has a row for each logit: the head, or a classifier's matrix, whose ids are labels. */
function attributionOf(tracer, position, ids, table = tracer.model.head) {
  const { model } = tracer, width = model.config.n_embd, { biases, heads, mlps } = partsAt(tracer, position);
  return ids.map((id) => {
    const { direction, ofNorm } = logitDirection(model, table, tracer.last[position], id), along = (values, from = 0) => dot(direction, 0, values, from, width);
    return {
      token: along(model.tokens.values, tracer.ids[position] * width),
      position: along(model.positions.values, position * width),
      biases: along(biases),
      norm: ofNorm,
      heads: heads.map((layer) => layer.map((written) => along(written))),
      mlps: mlps.map((written) => along(written)),
    };
  });
}

/* In the order of the page: token, position, biases, norm, the heads of each layer, the MLPs. */
const flatParts = ({ token, position, biases, norm, heads, mlps }) => [token, position, biases, norm, ...heads.flat(), ...mlps];

/* The ids whose logits are explained at a position: the likeliest, and the actual next one if it is not among them, else -1. */
const explainedIds = ({ ids, follower }) => [...ids, ids.includes(follower) ? -1 : follower];

function* attributionView(tracer, steps) {
  const explained = steps.map((position) => explainedIds(tracer.readings.at(-1)[position])), size = 4 + tracer.layers.length * (1 + tracer.model.config.n_head);
  const parts = yield* stepByStep([...steps.keys()], (step) => {
    const position = steps[step], found = tracer.remember(position, "attribution", explained[step].join(), () => attributionOf(tracer, position, explained[step].map((id) => Math.max(id, 0))).map(flatParts));
    return explained[step].map((id, place) => id < 0 ? Array(size).fill(0) : found[place]);
  });
  return {
    ids: heldIds([steps.length, explained[0].length], explained.flat(), tracer.model.head.rows),
    parts: held("f4", [steps.length, explained[0].length, size], Float32Array.from(parts.flat(2))),
  };
}

/* The same for the answers of a classifier, step by step: each of its `texts` of a multiple choice has a logit of its
   own, otherwise a label's is the sum over the texts. */
function* labelledView(tracer, { texts, answers }, off) {
  const { model, model: { score, config: { labels } } } = tracer, other = new Tracer(model), read = [];
  for (const text of texts) {
    yield* other.read(text, off);
    read.push(attributionOf(other, text.length - 1, [...labels.keys()], score).map(flatParts));
  }
  const sums = (rows) => rows.reduce((sum, row) => sum.map((value, part) => value + row[part]));
  return { names: answers, parts: heldRows(labels.length === 1 ? read.flat() : [...labels.keys()].map((label) => sums(read.map((rows) => rows[label])))) };
}
