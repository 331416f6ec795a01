/* ---- the logit lens: what the model would predict if it stopped at a residual stream, from a Tracer ----
   Shapes: T positions, D width, V vocabulary. */
const LIKELIEST = 10;  // tokens kept at each position

/* The places of the `count` largest of `size` values from `from` on, the largest first; of equal ones the first. */
function largestPlaces(values, from, size, count) {
  if (8 * count > size) return [...Array(size).keys()].sort((a, b) => values[from + b] - values[from + a] || a - b).slice(0, count);
  const found = [];
  for (let place = 0; place < size; place++) {
    const value = values[from + place];
    if (found.length === count && !(value > values[from + found[count - 1]])) continue;
    let at = found.length;
    while (at > 0 && value > values[from + found[at - 1]]) at--;
    found.splice(at, 0, place);
    if (found.length > count) found.pop();
  }
  return found;
}

/* The log of the sum of the exponentials of `size` values. */
function logSum(values, from, size) {
  let most = -Infinity, sum = 0;
  for (let place = from; place < from + size; place++) if (values[place] > most) most = values[place];
  for (let place = from; place < from + size; place++) sum += Math.exp(values[place] - most);
  return most + Math.log(sum);
}

/* Logits [rows, V] of residual vectors [D]. */
function lensLogits({ norm, head }, residuals) {
  const width = norm.weight.length, normed = new Float32Array(residuals.length * width), logits = new Float32Array(residuals.length * head.rows);
  residuals.forEach((residual, row) => normed.set(residual, row * width));
  norm.apply(normed, normed, residuals.length);
  head.apply(normed, logits, residuals.length);
  return logits;
}

/* For a row of logits: the likeliest tokens and their probabilities, and the rank and the probability of the actual next
   token; both are 0 without one (-1). */
function readingOf(logits, from, size, follower) {
  const total = logSum(logits, from, size), ids = largestPlaces(logits, from, size, Math.min(LIKELIEST, size));
  const reading = { follower, ids, chances: ids.map((id) => Math.exp(logits[from + id] - total)), rank: 0, chance: 0 };
  if (follower < 0) return reading;
  reading.rank = 1;
  for (let id = 0; id < size; id++) if (logits[from + id] > logits[from + follower]) reading.rank++;
  reading.chance = Math.exp(logits[from + follower] - total);
  return reading;
}

/* Complete the tracer's readings [stages][T], step by step; those that are known stay. Logits are computed for as many positions at a time as the model reads. */
function* readStages(tracer, followers) {
  const size = tracer.model.head.rows;
  for (const [stage, readings] of tracer.readings.entries()) {
    const residuals = tracer.stage(stage), missing = [...followers.keys()].filter((position) => !readings[position] || readings[position].follower !== followers[position]);
    for (let first = 0; first < missing.length; first += PREFILL_ROWS) {
      const some = missing.slice(first, first + PREFILL_ROWS), logits = lensLogits(tracer.model, some.map((position) => residuals[position]));
      some.forEach((position, row) => { readings[position] = readingOf(logits, row * size, size, followers[position]); });
      yield;
    }
  }
}

/* The first stage from which on the actual next token is the likeliest at every stage, [T]; -1 if it is not at the end. */
function settledAt(readings) {
  return readings[0].map((_, position) => {
    let stage = readings.length;
    while (stage > 0 && readings[stage - 1][position].rank === 1) stage--;
    return stage < readings.length ? stage : -1;
  });
}

function lensView({ readings, model: { head } }) {
  const all = readings.flat(), shape = [readings.length, readings[0].length], most = all[0].ids.length;
  return {
    ids: heldIds([...shape, most], all.flatMap(({ ids }) => ids), head.rows),
    chances: held("f4", [...shape, most], Float32Array.from(all.flatMap(({ chances }) => chances))),
    ranks: heldIds(shape, all.map(({ rank }) => rank), head.rows),
    chance: held("f4", shape, Float32Array.from(all, ({ chance }) => chance)),
    settled: settledAt(readings),
  };
}
