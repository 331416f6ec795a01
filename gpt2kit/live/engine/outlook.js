/* ---- outlook: the model's distribution at a step, and the one that decoding draws from, as in gpt2kit/inspection/outlook.py ---- */
const EXACT = 1024, RUNS = 256;  // likeliest tokens listed one by one; runs of about equal logits that summarize the others

/* The logits that decoding chooses from after a position [V]: after the repetition penalty, without banned tokens and
   those that the grammar excludes. `automaton` has accepted all ids up to the position, or is null. */
function decodedLogits(logits, { ids, prompt }, position, settings, automaton) {
  const found = Float32Array.from(logits);
  if (settings.repetition_penalty !== 1) penalise(found, new Set(ids.slice(settings.penalty_on === "all" ? 0 : prompt, position + 1)), settings.repetition_penalty);
  for (const id of settings.ban_ids) found[id] = -Infinity;
  return masked(found, automaton);
}

/* Logits as they are sampled from, in place: -Infinity for the ids that cannot follow. */
function masked(logits, automaton) {
  if (automaton === null) return logits;
  const bias = new Float32Array(logits.length);
  automaton.weigh(bias);
  if (automaton.groups) withinGroups(logits, bias, automaton.groups);
  for (let id = 0; id < logits.length; id++) logits[id] += bias[id];
  return logits;
}

/* [probability, rank, probability of being drawn, number of tokens that can be drawn] of the actual next token. */
function chosenToken(logits, decoded, follower, settings) {
  const drawn = settings.temperature === 0 ? new Float32Array(decoded.length).fill(1, likeliest(decoded), likeliest(decoded) + 1) : probabilities(decoded, settings);
  const inPlay = drawn.reduce((many, chance) => many + (chance > 0), 0);
  if (follower < 0) return [0, 0, 0, inPlay];
  const rank = logits.reduce((many, logit) => many + (logit > logits[follower]), 1);
  return [Math.exp(logits[follower] - logSum(logits, 0, logits.length)), rank, drawn[follower], inPlay];
}

/* The sizes of `parts` runs of `count` values that differ by at most one, the larger ones first. */
function runSizes(count, parts) {
  return Array.from({ length: parts }, (_, run) => Math.floor(count / parts) + (run < count % parts ? 1 : 0)).filter((size) => size > 0);
}

/* The ids of the finite logits, the likeliest first; of equal ones the lowest first. Numbers sort much faster than with a
   comparison: a key is the logit's bits, in descending order, and the id. */
function descendingIds(logits) {
  const bits = new Uint32Array(logits.map((logit) => logit + 0).buffer), keys = new Float64Array(logits.length);  // + 0 makes -0 equal to 0
  let finite = 0;
  for (let id = 0; id < logits.length; id++) if (logits[id] > -Infinity) keys[finite++] = (bits[id] >= 0x80000000 ? bits[id] : 0x7fffffff - bits[id]) * logits.length + id;
  return Uint32Array.from(keys.subarray(0, finite).sort(), (key) => key % logits.length);
}

/* Logits relative to the largest, from the likeliest token on: the first ones exactly, the rest as runs with their mean. */
function distributionOf(logits) {
  const order = descendingIds(logits), sorted = Float32Array.from(order, (id) => logits[id] - logits[order[0]]);
  const exact = Math.min(EXACT, order.length), counts = runSizes(order.length - exact, RUNS), means = new Float32Array(counts.length);
  let from = exact;
  counts.forEach((size, run) => {
    means[run] = sorted.subarray(from, from + size).reduce((a, b) => a + b, 0) / size;
    from += size;
  });
  return {
    ids: held("u4", [exact], order.slice(0, exact)),
    logits: held("f4", [exact], sorted.slice(0, exact)),
    counts,
    means: held("f4", [counts.length], means),
  };
}
