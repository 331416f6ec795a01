/* ---- reader: texts that are read one after the other, each from where it differs from the one before ---- */

/* A cache with the ids that it holds. `off` are the parts of the model that are switched off, as in `Model.step`. */
class Reader {
  constructor(model, off = null) {
    this.model = model;
    this.off = off;
    this.cache = model.newCache();
    this.ids = [];
    this.logits = null;
  }

  /* The logits after a text, which may be overwritten by the next call. */
  read(ids) {
    const pieces = this.readInPieces(ids);
    while (!pieces.next().done);
    return this.logits;
  }

  /* The same, which pauses now and then: what was read until then stays read if it is left. */
  *readInPieces(ids) {
    let kept = 0;
    while (kept < Math.min(this.ids.length, ids.length - 1) && this.ids[kept] === ids[kept]) kept++;
    if (!this.model.serves(this.cache, ids.length - 1)) kept = 0;
    this.cache.rewind(kept);
    this.ids = ids.slice(0, kept);
    for (const piece of this.model.readInPieces(this.cache, ids.slice(kept), null, this.off, true)) {
      this.ids = ids.slice(0, this.cache.position);
      yield piece;
    }
    this.ids = [...ids];
    this.logits = this.model.predict();
  }

  step(id) {
    this.ids.push(id);
    return this.logits = this.model.step(this.cache, id, null, this.off);
  }
}
