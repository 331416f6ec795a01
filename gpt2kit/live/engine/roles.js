/* ---- roles: names for heads by where their attention goes, as in gpt2kit/inspection/roles.py ----
   `keys` and `weights` [T, top] are what each position of a head looked at; `spans` are the first and last position of
   each key, null for one key per position; `visible` [T] are the first and last position that each position sees. */
const LARGE_SHARE = 0.2;  // the least share of the attention that gives a name
const CLEARLY_LARGER = 2;  // than the share that even attention has
const FEWEST_POSITIONS = 2;  // that look

/* Whether a role is about position `to` for the token at `from`; of equal shares the first role counts. */
function rolesAbout(ids, separators) {
  const repeats = (from, to) => to < from && to >= 0 && ids[to] === ids[from];
  return {
    previous: (from, to) => to === from - 1,
    induction: (from, to) => to < from && repeats(from, to - 1),
    same: repeats,
    first: (from, to) => to === 0 && from > 0,
    separator: (from, to) => to < from && separators.has(ids[to]),
    itself: (from, to) => to === from,
  };
}

/* The keys that a position sees: all within its visible positions, and those without positions. */
function keysSeen(spans, [first, last]) {
  if (!spans) return first < 0 ? [] : Array.from({ length: last - first + 1 }, (_, place) => first + place);
  return [...spans.keys()].filter((key) => spans[key][0] < 0 || (first >= 0 && spans[key][0] >= first && spans[key][1] <= last));
}

/* The part of each key's positions that a role is about, [T, S]; 0 for a key without positions. */
function partsAbout(about, spans, count) {
  const keys = spans ? spans.length : count, parts = new Float32Array(count * keys);
  for (let from = 0; from < count; from++) for (let key = 0; key < keys; key++) {
    const first = spans ? spans[key][0] : key, last = spans ? spans[key][1] : key;
    let found = 0;
    for (let to = Math.max(first, 0); to <= last; to++) if (about(from, to)) found++;
    parts[from * keys + key] = found / (last - first + 1);
  }
  return parts;
}

/* The role of each head of a layer, [name, share], or null; a head is {keys, weights, top}. */
function rolesOf(heads, spans, visible, ids, separators) {
  const count = ids.length, keys = spans ? spans.length : count, best = heads.map(() => null), seen = visible.map((each) => keysSeen(spans, each));
  for (const [name, about] of Object.entries(rolesAbout(ids, separators))) {
    const parts = partsAbout(about, spans, count), looking = [];
    let byChance = 0;
    seen.forEach((some, from) => {
      const even = some.reduce((sum, key) => sum + parts[from * keys + key], 0) / some.length;
      if (some.length < 2 || !(even > 0)) return;
      looking.push(from);
      byChance += even;
    });
    if (looking.length < FEWEST_POSITIONS) continue;
    const least = Math.max(LARGE_SHARE, CLEARLY_LARGER * byChance / looking.length);
    heads.forEach(({ keys: looked, weights, top }, head) => {
      let share = 0;
      for (const from of looking) for (let place = from * top; place < (from + 1) * top; place++) if (looked[place] >= 0) share += weights[place] * parts[from * keys + looked[place]];
      share /= looking.length;
      if (share >= least && (best[head] === null || share > best[head][1])) best[head] = [name, share];
    });
  }
  return best;
}
