/* ---- memory-compressed attention: each C tokens share one key and one value, their slot ----
   Slot 0 is learned and belongs to no token; slot 1 + j is a product of the keys (or values) of tokens C j ... C j + C - 1
   with a matrix for each head and place in the group, and is visible from the last of them on. */

/* The slots, [1 + positions / C, D], in `keys` and `values`; and the keys and values of the tokens, from which a group
   that was rewound is computed again. */
class SlotCache extends KeyValueCache {
  constructor(positions, width, compression, nullKey, nullValue) {
    super(1 + Math.floor(positions / compression), width);
    this.keys.set(nullKey);
    this.values.set(nullValue);
    this.tokens = new KeyValueCache(positions, width);
  }
}

class CompressedAttention extends FullAttention {
  constructor(config, layer, tensor) {
    super(config, layer);
    this.compression = config.compression;
    this.compressKeys = this.slotProduct(tensor("compress_k"));
    this.compressValues = this.slotProduct(tensor("compress_v"));
    this.nullKey = tensor("null_k").values;
    this.nullValue = tensor("null_v").values;
    this.group = new Float32Array(this.compression * this.headWidth);
  }

  newCache() {
    return new SlotCache(this.positions, this.width, this.compression, this.nullKey, this.nullValue);
  }

  /* From [H, place in the group, in, out] to [H, out, place in the group and in], so that a slot is a product with rows. */
  slotProduct({ values }) {
    const turned = new Float32Array(values.length), outputs = this.headWidth, inputs = this.compression * this.headWidth;
    for (let head = 0; head < this.heads; head++) {
      const start = head * inputs * outputs;
      for (let input = 0; input < inputs; input++) {
        for (let output = 0; output < outputs; output++) turned[start + output * inputs + input] = values[start + input * outputs + output];
      }
    }
    return turned;
  }

  /* The slot of a group is written when its last token comes. */
  append(cache, position, token, from) {
    super.append(cache.tokens, position, token, from);
    if ((position + 1) % this.compression) return;
    const slot = (position + 1) / this.compression, begin = position + 1 - this.compression;
    this.writeSlot(this.compressKeys, cache.tokens.keys, begin, cache.keys, slot);
    this.writeSlot(this.compressValues, cache.tokens.values, begin, cache.values, slot);
  }

  writeSlot(product, tokens, begin, slots, slot) {
    const { width, heads, headWidth, compression, group } = this;
    for (let head = 0; head < heads; head++) {
      for (let each = 0; each < compression; each++) {
        const from = (begin + each) * width + head * headWidth;
        for (let place = 0; place < headWidth; place++) group[each * headWidth + place] = tokens[from + place];
      }
      multiply(product, head * headWidth * group.length, group.length, headWidth, group.length, group, 0, slots, slot * width + head * headWidth);
    }
  }

  end(position) {
    return 1 + Math.floor((position + 1) / this.compression);
  }
}
