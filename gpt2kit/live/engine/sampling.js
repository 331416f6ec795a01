/* How the next id is drawn, function by function as in gpt2kit/decoding/sampling.py. The order is repetition penalty,
   grammar, temperature, top-k, top-p. Logits and probabilities are Float32Arrays [V]; numbers are rounded to 32 bits
   where PyTorch rounds them, so that a seed draws the same ids. */
const GROUPS = 5;
const LEAST_MASS = Math.fround(1e-30), MOST_IDS = 2 ** 21;

/* Make the ids that occurred before less likely, in place: a positive logit is divided by the penalty, a negative one
   multiplied. `seen` is a Set of ids. */
function penalise(logits, seen, penalty) {
  const by = Math.fround(penalty);
  for (const id of seen) logits[id] = logits[id] > 0 ? logits[id] / by : logits[id] * by;
}

function chancesOf(logits) {
  let highest = -Infinity, sum = 0;
  for (let id = 0; id < logits.length; id++) if (logits[id] > highest) highest = logits[id];
  const chances = new Float32Array(logits.length);
  for (let id = 0; id < logits.length; id++) {
    chances[id] = Math.exp(Math.fround(logits[id] - highest));
    sum += chances[id];
  }
  sum = Math.fround(sum);
  for (let id = 0; id < logits.length; id++) chances[id] /= sum;
  return chances;
}

/* Give the probability of the ids of a group that `bias` makes impossible to the possible ids of that group, in place;
   `groups` has the group of each id, 0 for ids beyond it. Group 0 is shared by all ids, as without groups. */
function withinGroups(logits, bias, groups) {
  const chances = chancesOf(logits), kept = new Float32Array(GROUPS), lost = new Float32Array(GROUPS);
  for (let id = 0; id < logits.length; id++) (bias[id] > -Infinity ? kept : lost)[groups[id] ?? 0] += chances[id];
  const gain = kept.map((mass, group) => group > 0 && mass > LEAST_MASS ? Math.log1p(Math.fround(lost[group] / mass)) : 0);
  for (let id = 0; id < logits.length; id++) logits[id] += gain[groups[id] ?? 0];
}

/* Yield the ids of finite logits, the likeliest first; of equal ones the lowest id first. */
function* likeliestFirst(logits) {
  const bits = new Uint32Array(logits.map((logit) => logit + 0).buffer), keys = [];  // + 0 makes -0 equal to 0
  for (let id = 0; id < logits.length; id++) {
    const descending = bits[id] >= 0x80000000 ? bits[id] : 0x7fffffff - bits[id];
    if (logits[id] > -Infinity) keys.push(descending * MOST_IDS + id);
  }
  const heap = new Heap(keys);
  while (heap.size) yield heap.pop() % MOST_IDS;
}

/* Keep the k likeliest ids and all that tie with the last of them; 0 keeps everything. */
function topK(logits, k) {
  if (k === 0 || k >= logits.length) return logits;
  let count = 0;
  for (const id of likeliestFirst(logits)) {
    if (++count === k) return logits.map((logit) => logit < logits[id] ? -Infinity : logit);
  }
  return logits;
}

/* Keep the smallest set of ids whose probability reaches p, the one that crosses it included. */
function topP(logits, p) {
  if (p >= 1) return logits;
  const chances = chancesOf(logits), limit = Math.fround(p), found = new Float32Array(logits.length).fill(-Infinity);
  let sum = 0;
  for (const id of likeliestFirst(logits)) {
    const before = Math.fround(Math.fround(sum + chances[id]) - chances[id]);
    if (sum > 0 && before >= limit) break;
    sum += chances[id];
    found[id] = logits[id];
  }
  return found;
}

/* The distribution to sample from; needs a temperature above 0. */
function probabilities(logits, { temperature, top_k, top_p }) {
  const by = Math.fround(temperature);
  return chancesOf(topP(topK(logits.map((logit) => logit / by), top_k), top_p));
}

/* The id at a uniform number in [0, 1), by inversion of the cumulative distribution. */
function draw(chances, uniform) {
  let total = 0, sum = 0;
  for (let id = 0; id < chances.length; id++) total += chances[id];
  const target = uniform * total;
  for (let id = 0; id < chances.length; id++) {
    sum += chances[id];
    if (sum > target) return id;
  }
  return chances.length - 1;
}

/* The id of the highest logit; of equal ones the lowest id. */
function likeliest(logits) {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  return best;
}
