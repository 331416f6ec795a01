/* A run whose ids are text: its model, tokenizer and prompts, as Engine in gpt2kit/pipeline/engine.py has them. `run` is
   what gpt2kit/live/content.py writes. */
class TextRun {
  constructor(run) {
    this.task = run.task;
    this.settings = run.generate;
    this.model = new Model(run);
    this.bpe = new Bpe(run.tokenizer);
    this.prompts = promptsOf(run.task, this.bpe);
  }

  /* The prompt of an input, {ids, cut}. Options as in `answer`. */
  prompt(values, { settings = this.settings, ending = this.task.ending } = {}) {
    return this.prompts.prompt(values, settings, this.model.config.n_positions, ending);
  }

  /* Yield the ids of the answer to an input, which is a list of texts. Returns what `generate` does, with the `text`, and
     whether the input was `cut`. Options: `settings` other than the run's, the `seed` of sampling, the `ending` of the
     prompt, such as a language, a `reader` with an earlier prompt, and the ids `given` that the answer begins with. */
  *answer(values, options = {}) {
    const text = this.prompts.answerWithoutModel(values);
    if (text !== null) return { ids: [], finished: true, end: null, limit: "", circling: false, text, cut: false };
    const { settings = this.settings, seed = 0, reader = new Reader(this.model), given = [] } = options;
    const { ids, cut } = this.prompt(values, options);
    const stops = new Stops(settings.stop, this.bpe, (found) => this.prompts.decode(found));
    const ended = (found) => stops.ended(found);
    const found = yield* generate(this.model, ids, settings, [this.task.eos, ...settings.stop_ids], seed, null, { ended, reader, given });
    return { ...found, text: this.prompts.answer(found.ids, stops), cut };
  }

  /* The answers of a classifier to an input and their probabilities, {answers, probabilities, cut}. */
  classify(values) {
    const { ids, cut } = this.prompt(values);
    return { answers: this.prompts.answers(values), probabilities: this.prompts.probabilities(this.model, ids), cut };
  }
}
