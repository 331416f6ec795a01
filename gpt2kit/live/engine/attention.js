/* ---- attention: one more token attends to the tokens before it; the kinds with a key and a value for each token ----
   D width, H heads, K = D / H. A token comes as its fused product [3 D]: query, key and value, each head by head. */

/* The keys and values of one layer, [positions, D]. Rows after the present position mean nothing and are overwritten, so
   that a text can be rewound. */
class KeyValueCache {
  constructor(positions, width) {
    this.keys = new Float32Array(positions * width);
    this.values = new Float32Array(positions * width);
  }
}

/* GPT-2's own attention, and the base of the other kinds. */
class FullAttention {
  /* `layer` counts from 0. Kinds with parameters of their own also take `tensor(name)`, which unpacks one. */
  constructor(config, layer) {
    this.positions = config.n_positions;
    this.width = config.n_embd;
    this.heads = config.n_head;
    this.headWidth = config.n_embd / config.n_head;
    this.queryScale = config.scale_attn_weights ? 1 : Math.sqrt(this.headWidth);
    if (config.scale_attn_by_inverse_layer_idx) this.queryScale /= layer + 1;
    this.scores = new Float32Array(this.heads * (this.positions + 1));
  }

  newCache() {
    return new KeyValueCache(this.positions, this.width);
  }

  /* Store the key at `from` of `token`, and the value after it. */
  append(cache, position, token, from) {
    const { width } = this, to = position * width;
    for (let place = 0; place < width; place++) {
      cache.keys[to + place] = token[from + place];
      cache.values[to + place] = token[from + width + place];
    }
  }

  /* The rows of the cache that the token at a position sees: from the first to before the end. */
  first() {
    return 0;
  }
  end(position) {
    return position + 1;
  }

  /* Add the bias of a kind to the scores of a head before they are scaled: `count` of them at `to`; its query is at `from` of `token`. */
  addBias() {}

  /* Append the token at `position`, whose product is at `from` of `token`, and write the heads' weighted sums [D] at `to` of `sums`.
     `see(name, array, length, from)` receives the intermediate results; null if nobody watches. */
  step(cache, position, token, from, sums, to, see) {
    const { width, heads, headWidth, queryScale, scores } = this;
    if (queryScale !== 1) for (let place = from; place < from + width; place++) token[place] *= queryScale;
    this.append(cache, position, token, from + width);
    const first = this.first(position), count = this.end(position) - first, scale = 1 / Math.sqrt(headWidth);
    for (let head = 0; head < heads; head++) {
      const query = from + head * headWidth, start = first * width + head * headWidth, own = head * count;
      multiply(cache.keys, start, width, count, headWidth, token, query, scores, own);
      this.addBias(head, token, query, count, own);
      for (let place = own; place < own + count; place++) scores[place] *= scale;
    }
    if (see) {
      see("query", token, width, from);
      see("key", token, width, from + width);
      see("value", token, width, from + 2 * width);
      see("scores", scores, heads * count);
    }
    for (let head = 0; head < heads; head++) {
      softmax(scores, head * count, count);
      weightedSum(scores, head * count, count, cache.values, first * width + head * headWidth, width, headWidth, sums, to + head * headWidth);
    }
    if (see) see("weights", scores, heads * count);
  }
}

/* A token sees its own block of tokens only. */
class LocalAttention extends FullAttention {
  constructor(config, layer) {
    super(config, layer);
    this.block = config.block;
  }
  first(position) {
    return position - position % this.block;
  }
}

/* Adds the query's product with a learned vector for the distance, by head: `distance` [H, distances, K]. */
class RelativeAttention extends FullAttention {
  constructor(config, layer, tensor) {
    super(config, layer);
    const { shape, values } = tensor("distance");
    this.reach = shape[1];
    this.distance = values;
    this.biases = new Float32Array(this.reach);
  }
  addBias(head, token, from, count, to) {
    const { reach, distance, biases, scores, headWidth } = this;
    multiply(distance, head * reach * headWidth, headWidth, count, headWidth, token, from, biases, 0);
    for (let away = 0; away < count; away++) scores[to + count - 1 - away] += biases[away];
  }
}

/* The same, but a token sees its own block of tokens and the previous one only. */
class RelativeLocalAttention extends RelativeAttention {
  constructor(config, layer, tensor) {
    super(config, layer, tensor);
    this.block = config.block;
  }
  first(position) {
    return Math.max(0, position - position % this.block - this.block);
  }
}
