/* ---- model: GPT-2, from ids to logits, one token after the other ----
   T positions, D width, V vocabulary. `run` is {config, tensors}: the fields of the model's configuration with the kind
   of attention of each layer, and the packed tensors by their names in Hugging Face's GPT-2, matrices as [out, in]. */

const ATTENTIONS = { full: FullAttention, local: LocalAttention, relative: RelativeAttention, "relative-local": RelativeLocalAttention, compressed: CompressedAttention };

/* Prompts are read in pieces of at most this many tokens: a weight is loaded once for several of them. */
const PREFILL_ROWS = 16;

/* Room for all matrices, and for the inputs and outputs of a product. */
function memoryFor(tensors) {
  const shapes = tensors.map(({ shape }) => shape).filter((shape) => shape.length === 2), most = (axis) => Math.max(...shapes.map((shape) => shape[axis]));
  return KernelMemory.open(shapes.reduce((sum, [rows, columns]) => sum + rows * columns, 0), PREFILL_ROWS * most(1), PREFILL_ROWS * most(0));
}

class Block {
  constructor(config, layer, tensor, memory) {
    const norm = (name) => new LayerNorm(tensor(`${name}.weight`), tensor(`${name}.bias`), config.layer_norm_epsilon);
    const linear = (name) => new Linear(tensor(`${name}.weight`), tensor(`${name}.bias`), memory);
    this.norm1 = norm("ln_1");
    this.attention = new ATTENTIONS[config.kinds[layer]](config, layer, (name) => tensor(`attn.${name}`));
    this.attentionIn = linear("attn.c_attn");
    this.attentionOut = linear("attn.c_proj");
    this.norm2 = norm("ln_2");
    this.mlpIn = linear("mlp.c_fc");
    this.mlpOut = linear("mlp.c_proj");
  }
}

class Model {
  constructor({ config, tensors }) {
    const tensor = (name) => unpackTensor(tensors[name]);
    this.config = config;
    this.memory = memoryFor(Object.values(tensors));
    this.tokens = tensor("transformer.wte.weight");
    this.positions = tensor("transformer.wpe.weight");
    this.blocks = config.kinds.map((_, layer) => new Block(config, layer, (name) => tensor(`transformer.h.${layer}.${name}`), this.memory));
    this.norm = new LayerNorm(tensor("transformer.ln_f.weight"), tensor("transformer.ln_f.bias"), config.layer_norm_epsilon);
    this.head = new Linear(config.tie_word_embeddings ? this.tokens : tensor("lm_head.weight"), null, this.memory);
    if (config.tie_word_embeddings) this.tokens.values = this.head.weight;
    this.score = config.labels.length ? new Linear(tensor("score.weight")) : null;
    this.activation = ACTIVATIONS[config.activation_function];
    const width = config.n_embd, inner = Math.max(0, ...this.blocks.map((block) => block.mlpIn.rows)), rows = (width) => new Float32Array(PREFILL_ROWS * width);
    this.stream = rows(width);
    this.normed = rows(width);
    this.fused = rows(3 * width);
    this.sums = rows(width);
    this.written = rows(width);
    this.hidden = rows(inner);
    this.logits = new Float32Array(config.vocab_size);
    this.classified = null;
  }

  newCache() {
    return new Cache(this.blocks.map((block) => block.attention.newCache()));
  }

  /* The logits [V] after one more token, in an array that the next call overwrites.
     `watch.watch(name, layer, array)` is called with intermediate results, in arrays that it must copy; layer is null outside the blocks.
     `off` = {heads: [[layer, head], ...], attentions: [layer, ...], mlps: [layer, ...]}: parts that add nothing to the stream. */
  step(cache, id, watch = null, off = null) {
    return this.prefill(cache, [id], watch, off);
  }

  /* The logits after the last of several tokens. */
  prefill(cache, ids, watch = null, off = null) {
    this.read(cache, ids, watch, off);
    this.predict();
    if (watch) watch.watch("logits", null, this.logits);
    return this.logits;
  }

  /* The logits after the last token that was read. */
  predict() {
    this.head.apply(this.normed, this.logits);
    return this.logits;
  }

  /* The scores of the labels for a text, from the vector of its last token: logits, one per label. What the text has in
     common with the one before is not read again, unless it is watched. */
  classify(ids, watch = null, off = null) {
    const parts = JSON.stringify(off), known = !watch && this.classified?.parts === parts ? this.classified : { cache: this.newCache(), ids: [], parts };
    let kept = 0;
    while (kept < Math.min(known.ids.length, ids.length - 1) && known.ids[kept] === ids[kept]) kept++;
    known.cache.rewind(kept);
    known.ids.length = kept;
    this.classified = known;
    this.read(known.cache, ids.slice(kept), watch, off);
    known.ids = [...ids];
    const scores = new Float32Array(this.score.rows);
    this.score.apply(this.normed, scores);
    return scores;
  }

  /* By layer, the first position that a token at `position` and later ones use. With local attention a layer sees the end
     of a text, and each layer below it a little more. */
  used(position) {
    const first = [];
    for (let layer = this.blocks.length - 1, at = position; layer >= 0; layer--) first[layer] = at = this.blocks[layer].attention.first(at);
    return first;
  }

  /* Whether a cache has all that a token at `position` uses of what was read. */
  serves(cache, position) {
    return this.used(position).every((first, layer) => first >= cache.begins[layer]);
  }

  /* Append tokens; leaves the last one's vector after the last norm in `normed`. */
  read(cache, ids, watch, off) {
    const pieces = this.readInPieces(cache, ids, watch, off);
    while (!pieces.next().done);
  }

  /* The same, which pauses after each piece; the cache has what was read if it is left then. With `sparse` it leaves out
     what the last token and later ones do not use. */
  *readInPieces(cache, ids, watch, off, sparse = false) {
    const { n_positions: window } = this.config, width = this.config.n_embd;
    if (!ids.length) throw new RangeError("there is no token to read");
    if (cache.position + ids.length > window) throw new RangeError(`${cache.position + ids.length} tokens; the model's window has ${window}`);
    const unknown = ids.find((id) => !(id >= 0 && id < this.config.vocab_size));
    if (unknown !== undefined) throw new RangeError(`the id ${unknown} is not in the vocabulary of ${this.config.vocab_size}`);
    if (off) this.checkOff(off);
    const most = watch ? 1 : PREFILL_ROWS, begun = cache.position, used = sparse ? this.used(begun + ids.length - 1) : [];
    used.forEach((first, layer) => { if (first > begun) cache.begins[layer] = first; });
    let count = 0;
    for (let first = 0; first < ids.length; first += count) {
      if (first) yield;
      count = Math.min(most, ids.length - first);
      this.embed(ids, first, count, cache.position);
      if (watch) watch.watch("embedding", null, this.stream.subarray(0, width));
      for (let layer = 0; layer < this.blocks.length; layer++) {
        if (cache.position + count <= used[layer]) break;  // no layer above uses them either
        const see = watch && ((name, values, length = width, from = 0) => watch.watch(name, layer, values.subarray(from, from + length)));
        this.attend(layer, cache, count, see, off);
        this.transform(layer, count, see, off);
      }
      cache.position += count;
    }
    this.norm.apply(this.stream, this.normed, 1, count - 1);
    if (watch) watch.watch("norm_f", null, this.normed.subarray(0, width));
  }

  /* The sums of the vectors of `count` tokens and of their positions, to the stream. */
  embed(ids, first, count, position) {
    const { stream, tokens, positions } = this, width = this.config.n_embd;
    for (let row = 0; row < count; row++) {
      const token = ids[first + row] * width, place = (position + row) * width;
      for (let each = 0; each < width; each++) stream[row * width + each] = tokens.values[token + each] + positions.values[place + each];
    }
  }

  /* stream += attention(norm(stream)). */
  attend(layer, cache, count, see, off) {
    const { stream, normed, fused, sums, written } = this, { attention, norm1, attentionIn, attentionOut } = this.blocks[layer];
    const width = this.config.n_embd;
    norm1.apply(stream, normed, count);
    if (see) see("norm_1", normed);
    attentionIn.apply(normed, fused, count);
    for (let row = 0; row < count; row++) attention.step(cache.layers[layer], cache.position + row, fused, 3 * row * width, sums, row * width, see);
    if (off) this.silence(layer, count, off.heads);
    if (see) see("heads", sums);
    attentionOut.apply(sums, written, count);
    if (off && off.attentions.includes(layer)) written.fill(0);
    if (see) see("attention", written);
    for (let place = 0; place < count * width; place++) stream[place] += written[place];
    if (see) see("middle", stream);
  }

  /* stream += mlp(norm(stream)). */
  transform(layer, count, see, off) {
    const { stream, normed, hidden, written, activation } = this, { norm2, mlpIn, mlpOut } = this.blocks[layer];
    const width = this.config.n_embd, inner = mlpIn.rows;
    norm2.apply(stream, normed, count);
    if (see) see("norm_2", normed);
    mlpIn.apply(normed, hidden, count);
    if (see) see("hidden", hidden, inner);
    for (let place = 0; place < count * inner; place++) hidden[place] = activation(hidden[place]);
    if (see) see("activation", hidden, inner);
    mlpOut.apply(hidden, written, count);
    if (off && off.mlps.includes(layer)) written.fill(0);
    if (see) see("mlp", written);
    for (let place = 0; place < count * width; place++) stream[place] += written[place];
    if (see) see("after", stream);
  }

  /* Set the weighted sums of heads that are off to 0. */
  silence(layer, count, heads) {
    const width = this.config.n_embd, headWidth = width / this.config.n_head;
    for (const [other, head] of heads) {
      if (other !== layer) continue;
      for (let row = 0; row < count; row++) this.sums.fill(0, row * width + head * headWidth, row * width + (head + 1) * headWidth);
    }
  }

  checkOff({ heads, attentions, mlps }) {
    const layers = this.blocks.length, has = (number, count) => number >= 0 && number < count;
    const known = [...attentions, ...mlps].every((layer) => has(layer, layers)) && heads.every(([layer, head]) => has(layer, layers) && has(head, this.config.n_head));
    if (!known) throw new RangeError(`expected layers from 0 to ${layers - 1} and heads from 0 to ${this.config.n_head - 1}`);
  }
}
