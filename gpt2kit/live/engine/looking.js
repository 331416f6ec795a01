/* ---- looking: the attention of a layer's heads as the inspection page shows it, from a Tracer ----
   Shapes: T positions, W positions of the close view, H heads, K width of a head, S keys. */
const ENTRIES = 900000;  // weights kept of all heads in total: for a long input only the strongest of each row
const CLOSE = 1000000;  // numbers of the close view: for a long input only its end

/* The number of positions in the close view: all of a short input. */
function closeCount(count, { n_layer, n_embd, n_head }) {
  let most = count;
  while (most > 8 && n_layer * most * (3 * n_embd + 2 * n_head * most) > CLOSE) most--;
  return Math.min(count, most);
}

/* The number of keys of each row that are kept. */
const keptKeys = (count, { n_layer, n_head }) => Math.max(1, Math.min(count, Math.floor(ENTRIES / (n_layer * n_head * count))));

/* The first and the last position of each key, [-1, -1] for one that belongs to none; null if every position has its own. */
function spansOf({ compression }, count) {
  if (!compression) return null;
  return Array.from({ length: 1 + Math.floor(count / compression) }, (_, slot) => slot ? [(slot - 1) * compression, slot * compression - 1] : [-1, -1]);
}

/* The first and the last position that each position sees; -1 if it sees none. */
function visiblePositions(attention, count) {
  return Array.from({ length: count }, (_, position) => {
    if (!attention.compression) return [attention.first(position), position];
    const last = (attention.end(position) - 1) * attention.compression - 1;
    return [last < 0 ? -1 : 0, last];
  });
}

/* The keys that each position of a head looked at the most, the strongest first, {keys, weights} [T, top] each;
   a key of -1 has no weight. */
function strongestKeys({ attention }, { weights }, top) {
  return Array.from({ length: attention.heads }, (_, head) => {
    const keys = new Int32Array(weights.length * top).fill(-1), shares = new Float32Array(weights.length * top);
    weights.forEach((row, position) => {
      const size = row.length / attention.heads, from = head * size;
      let to = position * top;
      for (const place of largestPlaces(row, from, size, Math.min(top, size))) {
        if (row[from + place] > 0) keys[to] = attention.first(position) + place;
        shares[to++] = row[from + place];
      }
    });
    return { keys, weights: shares, top };
  });
}

/* The scores [H, W, shown] of the keys `shown`; those of hidden keys are the products alone, NaN where scores depend on the distance. */
function closeScores({ attention }, { query, scores }, { keys }, first, shown) {
  const { heads, headWidth, width, distance } = attention, count = query.length, found = new Float32Array(heads * (count - first) * shown.length);
  for (let head = 0, to = 0; head < heads; head++) for (let position = first; position < count; position++) {
    const begin = attention.first(position), row = scores[position], seen = row.length / heads;
    for (const key of shown) {
      if (key >= begin && key < begin + seen) found[to++] = row[head * seen + key - begin];
      else found[to++] = distance ? NaN : dot(query[position], head * headWidth, keys, key * width + head * headWidth, headWidth) / Math.sqrt(headWidth);
    }
  }
  return found;
}

/* The weights [H, W, shown] of the keys `shown`, 0 for hidden ones. */
function closeWeights({ attention }, { weights }, first, shown) {
  const { heads } = attention, count = weights.length, found = new Float32Array(heads * (count - first) * shown.length);
  for (let head = 0, to = 0; head < heads; head++) for (let position = first; position < count; position++) {
    const begin = attention.first(position), row = weights[position], seen = row.length / heads;
    for (const key of shown) found[to++] = key >= begin && key < begin + seen ? row[head * seen + key - begin] : 0;
  }
  return found;
}

/* All that the heads compute for the positions from `first` on, number by number. */
function closeView(block, layer, cache, count, spans, first) {
  const { attention } = block, { heads, headWidth, width } = attention, wide = count - first;
  const shown = [...Array(spans ? spans.length : count).keys()].filter((key) => spans ? spans[key][1] >= first || spans[key][1] < 0 : key >= first);
  const byHead = (rows) => heldRows([...Array(heads).keys()].flatMap((head) => rows.map((row) => row.subarray(head * headWidth, (head + 1) * headWidth))), [heads, rows.length, headWidth]);
  const cached = (values) => byHead(shown.map((key) => values.subarray(key * width, (key + 1) * width)));
  const hidden = Uint8Array.from({ length: wide * shown.length }, (_, place) => {
    const position = first + Math.floor(place / shown.length), key = shown[place % shown.length];
    return Number(key < attention.first(position) || key >= attention.end(position));
  });
  return {
    keys: shown,
    query: byHead(layer.query.slice(first)),
    key: cached(cache.keys),
    value: cached(cache.values),
    scores: held("f4", [heads, wide, shown.length], closeScores(block, layer, cache, first, shown)),
    hidden: held("u1", [wide, shown.length], hidden),
    weights: held("f4", [heads, wide, shown.length], closeWeights(block, layer, first, shown)),
  };
}

/* A layer of the page's `looked`, and the roles of its heads. */
function lookedOf(tracer, number, first, separators) {
  const { model: { config, blocks }, ids } = tracer, block = blocks[number], count = ids.length, top = keptKeys(count, config);
  const spans = spansOf(block.attention, count), visible = visiblePositions(block.attention, count);
  const strongest = strongestKeys(block, tracer.layers[number], Math.min(top, spans ? spans.length : count));
  /* A row has no more keys than its position sees: `ends` is where each row ends. */
  const [{ top: kept }] = strongest, ends = new Uint32Array(count), given = (_, place) => strongest.some(({ keys }) => keys[place] >= 0);
  strongest[0].keys.forEach((_, place) => { if (given(_, place)) ends[Math.floor(place / kept)]++; });
  for (let position = 1; position < count; position++) ends[position] += ends[position - 1];
  const looked = {
    kind: config.kinds[number],
    spans,
    visible: heldIds([count, 2], visible.flat(), config.n_positions),
    ends: held("u4", [count], ends),
    heads: strongest.map(({ keys, weights }) => {
      const columns = keys.filter(given), shares = weights.filter(given);
      return { columns: heldIds([columns.length], columns, config.n_positions), weights: held("f4", [shares.length], shares) };
    }),
    close: closeView(block, tracer.layers[number], tracer.cache.layers[number], count, spans, first),
  };
  return { looked, roles: rolesOf(strongest, spans, visible, ids, separators) };
}
