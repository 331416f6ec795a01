/* A run that plays: its model, with what it is asked to play and the notes of its answers, as gpt2kit/pipeline/play.py
   and fill.py have them. `run` is what gpt2kit/live/content.py writes. */
class PerformanceRun {
  constructor(run) {
    this.settings = run.generate;
    this.stops = [run.task.eos, ...run.generate.stop_ids];
    this.model = new Model(run);
  }

  /* A continuation of a primer, as `primerOf` makes it, or a new piece if it is null; `seconds` of music. Options:
     `settings` other than the run's, and a `wish`, as of Steering. */
  continuation(primer, seconds, { settings = this.settings, wish = null } = {}) {
    const part = continuationToPlay(primer, seconds, settings, this.model.config.n_positions, wish);
    const notes = (ids) => primer ? withContinuation(primer, part.whole, ids) : playedNotes(ids);
    return { ...part, until: primer ? primer.until : 0, notes };
  }

  /* New notes for a gap; `around` is as `aroundGap` makes it. */
  filling(around, { settings = this.settings, wish = null } = {}) {
    const part = fillingToPlay(around, settings, this.model.config.n_positions, wish);
    return { ...part, until: around.until, notes: (ids) => withFilling(around, part.whole, ids) };
  }

  /* Readers of a prompt, and of what follows when the window is full, by their names in the options of `generate`. */
  readers(off = null) {
    return { reader: new Reader(this.model, off), later: new Reader(this.model, off) };
  }

  /* Read what an answer begins with, so that it begins sooner; pauses now and then. If the prompt leaves room for one id,
     the texts of the first and of the second id differ. */
  *prepare({ prompt }, { reader, later }) {
    const window = this.model.config.n_positions;
    yield* reader.readInPieces(prompt);
    if (prompt.length === window - 1) yield* later.readInPieces(recentEvents([...prompt, TIME_SHIFT], Math.max(2, Math.floor(window / 2))).slice(0, -1));
  }

  /* Yield {id, strokes} for each id of an answer: the strokes of a Keyboard that it begins or ends, on the clock of the
     whole performance. Returns what `generate` does, and whether the prompt was `cut`. `part.notes(ids)` are the notes of
     the whole performance, also when the answer is stopped before its end. */
  *play(part, seed = 0, readers = this.readers()) {
    const keyboard = keyboardAfter(part.whole, part.until), options = { ...part.options, ...readers };
    const ids = generate(this.model, part.prompt, part.settings, this.stops, seed, part.automaton, options);
    let next = ids.next();
    for (; !next.done; next = ids.next()) yield { id: next.value, strokes: keyboard.accept(next.value) };
    return { ...next.value, cut: part.prompt.length < part.whole.length };
  }
}
