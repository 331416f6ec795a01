/* ---- sampling as in gpt2kit/decoding/sampling.py: temperature, then top-k, then top-p ---- */
/* A distribution has its likeliest tokens one by one and the others in runs of about equal logits. Returns the
   probability of each single token, and the number of tokens that can be drawn. */
function sampled({ logits, counts, means }, temperature, topK, topP) {
  const single = logits.length, size = single + counts.reduce((a, b) => a + b, 0);
  const chances = new Float64Array(single);
  if (temperature === 0) {
    chances[0] = 1;
    return { chances, inPlay: 1 };
  }
  let inPlay = single, runs = counts.length;
  if (topK > 0 && topK < size) {
    inPlay = Math.min(topK, single);
    while (topK <= single && inPlay < single && Math.fround(logits[inPlay] / temperature) >= Math.fround(logits[inPlay - 1] / temperature)) inPlay++;
    for (let run = 0, before = single; run < counts.length; before += counts[run++]) if (before >= topK) { runs = run; break; }
  }
  const masses = counts.slice(0, runs).map((many, run) => many * Math.exp(means[run] / temperature));
  let total = 0;
  for (let place = 0; place < inPlay; place++) total += chances[place] = Math.exp(logits[place] / temperature);
  if (inPlay < single) masses.length = 0;
  total += masses.reduce((a, b) => a + b, 0);
  if (topP < 1) {
    let before = 0, kept = 0;
    while (kept < inPlay && (kept === 0 || before / total < topP)) before += chances[kept++];
    chances.fill(0, kept);
    const all = kept === inPlay && before / total < topP;
    let run = 0, others = 0;
    while (all && run < masses.length && (before + others) / total < topP) others += masses[run++];
    masses.length = run;
    inPlay = kept;
    total = before + others;
  }
  for (let place = 0; place < single; place++) chances[place] = place < inPlay ? chances[place] / total : 0;
  return { chances, inPlay: inPlay + masses.reduce((many, _, run) => many + counts[run], 0) };
}
const distribution = (step) => {
  const stored = data.output[step];
  return { ids: numbers(stored.ids), logits: numbers(stored.logits), counts: stored.counts, means: numbers(stored.means) };
};
