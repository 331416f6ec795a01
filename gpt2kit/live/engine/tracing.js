/* ---- tracing: what every layer reads, attends to and writes on a text ----
   A Tracer keeps, for each position, copies of the model's intermediate results. A text that was edited is read again
   from its first different id only. Shapes: D width, H heads, F neurons of an MLP, S keys that the position sees. */
const NOTHING_OFF = { heads: [], attentions: [], mlps: [] };

/* What is kept of a layer, by the name that the model gives it. */
const KEPT = ["query", "scores", "weights", "heads", "attention", "activation", "mlp", "after"];

class Tracer {
  constructor(model) {
    this.model = model;
    this.picture = null;  // of the position vectors, made when it is asked for
    this.begin(NOTHING_OFF);
  }

  /* Forget everything: results belong to one choice of parts that are off. */
  begin(off) {
    this.off = off;
    this.cache = this.model.newCache();
    this.ids = [];
    this.inputs = [];  // [D], the sum of a token's vector and its position's
    this.layers = this.model.blocks.map(() => Object.fromEntries(KEPT.map((name) => [name, []])));
    this.readings = Array.from({ length: this.model.blocks.length + 1 }, () => []);
    this.notes = [];
  }

  /* Read a text of at most n_positions ids, step by step: a reader that is left alone after one has read its beginning. */
  *read(ids, off = NOTHING_OFF) {
    if (JSON.stringify(off) !== JSON.stringify(this.off)) this.begin(off);
    let kept = 0;
    while (kept < Math.min(this.ids.length, ids.length) && this.ids[kept] === ids[kept]) kept++;
    this.cache.rewind(kept);
    for (const list of [this.inputs, this.notes, ...this.readings, ...this.layers.flatMap((layer) => Object.values(layer))]) list.length = Math.min(list.length, kept);
    this.ids.length = kept;
    for (const id of ids.slice(kept)) {
      this.model.read(this.cache, [id], this, off);
      this.ids.push(id);
      yield;
    }
  }

  /* The model's intermediate results of one position, in arrays that it will overwrite. */
  watch(name, layer, values) {
    if (name === "embedding") this.inputs.push(values.slice());
    else if (layer !== null && KEPT.includes(name)) this.layers[layer][name].push(values.slice());
  }

  /* What `compute` gives for a position, under a name: kept as long as the key and the text up to the position are the same. */
  remember(position, name, key, compute) {
    const notes = this.notes[position] ??= {};
    if (notes[name]?.key !== key) notes[name] = { key, value: compute() };
    return notes[name].value;
  }

  /* The residual vectors [D] at each position: stage 0 is the input of the first layer, stage l the output of layer l. */
  stage(number) {
    return number ? this.layers[number - 1].after : this.inputs;
  }

  get last() {
    return this.stage(this.layers.length);
  }
}

const sumOf = (values) => values.reduce((sum, value) => sum + value, 0);
const vectorLength = (values) => Math.sqrt(dot(values, 0, values, 0, values.length));

/* The vectors of the tokens and of their positions, from position `first` on, [D] each. */
function tokenVectors({ tokens }, ids, first = 0) {
  const width = tokens.shape[1];
  return ids.slice(first).map((id) => tokens.values.subarray(id * width, (id + 1) * width));
}
function positionVectors({ positions }, ids, first = 0) {
  const width = positions.shape[1];
  return ids.slice(first).map((_, place) => positions.values.subarray((first + place) * width, (first + place + 1) * width));
}

/* What each head writes at a position: its weighted sum through its part of the projection, without the bias; [H] of [D]. */
function writtenByHeads({ attention: { heads, headWidth }, attentionOut: { rows, columns, weight } }, sums) {
  return Array.from({ length: heads }, (_, head) => {
    const written = new Float32Array(rows);
    multiply(weight, head * headWidth, columns, rows, headWidth, sums, head * headWidth, written, 0);
    return written;
  });
}
