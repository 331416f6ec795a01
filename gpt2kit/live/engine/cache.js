/* ---- cache: what a model keeps of the tokens that it has read ----
   What the layers remember of the tokens before `position`. A text that was edited keeps the beginning that it has in common:
   rewind to its length. A cache belongs to one choice of parts that are off. Tokens before `begins` of a layer are not in
   it: they were left out by `readInPieces`, which had no use for them. */
class Cache {
  constructor(layers) {
    this.layers = layers;
    this.begins = layers.map(() => 0);
    this.position = 0;
  }
  rewind(position) {
    if (position < 0 || position > this.position) throw new RangeError(`a cache of ${this.position} tokens cannot be rewound to ${position}`);
    this.position = position;
    if (!position) this.begins.fill(0);
  }
}
