/* The host of a run of texts: its answers token by token, its labels, and the view of what it computes. */
class Host {
  constructor(run) {
    this.run = run;
    this.text = new TextRun(run);
    this.model = this.text.model;
    this.tracer = new Tracer(this.model);
    this.reader = new Reader(this.model, NOTHING_OFF);
    this.knows = { shape: run.shape, answers: run.task.answers, plays: false, generate: run.generate, spell: (id) => this.text.bpe.spell(id), automatonAt: () => null };
  }

  piece(id) {
    return pieceOf(id, this.text.bpe.spell(id));
  }

  /* A model of which other parts are off reads everything again. */
  readerOf(off) {
    if (JSON.stringify(this.reader.off) !== JSON.stringify(off)) this.reader = new Reader(this.model, off);
    return this.reader;
  }

  /* Write the answer to an input, which begins with the ids `given`; each token is a part: {id, piece, chance, others}.
     No question: stop. */
  async answer(question, say, current) {
    if (question === null) return null;
    const { values, ending, given, off, settings, seed } = question, reader = this.readerOf(off);
    const ids = this.text.answer(values, { settings: { ...this.run.generate, ...settings }, seed, ending, reader, given });
    const found = await drawing(ids, current, (id) => say({ part: { id, ...this.judged(id, reader.logits) } }));
    if (found === null) return null;
    const remarks = this.remarksOn(found.cut);
    if (found.circling) remarks.push("the answer repeats itself");
    else if (!found.finished && this.run.task.answers) remarks.push("the answer was ended by its limit");
    return { text: found.text, remarks, finished: found.finished };
  }

  remarksOn(cut) {
    return cut ? [`the input is longer than the window of ${this.model.config.n_positions.toLocaleString("en")} tokens: only a part of it is read`] : [];
  }

  /* The piece and the probability of a token, and the likeliest ones in its place. */
  judged(id, logits) {
    const chances = chancesOf(logits), best = largestPlaces(chances, 0, chances.length, OTHERS);
    return { piece: this.piece(id), chance: chances[id], others: best.map((other) => ({ id: other, piece: this.piece(other), chance: chances[other] })) };
  }

  /* The probability of each label, [[name, probability], ...]. */
  labels(values, off) {
    const { prompts } = this.text, { ids } = this.text.prompt(values), chances = prompts.probabilities({ classify: (text) => this.model.classify(text, null, off) }, ids);
    return prompts.answers(values).map((name, place) => [name, chances[place]]);
  }

  /* The probability of the likeliest label without each word, for the words of each text. */
  async weigh({ values, off }, say, current) {
    if (this.text.prompts.isBlank(values)) return { label: "", whole: 0, words: [] };
    const all = this.labels(values, off), best = all.reduce((most, [, chance], place) => chance > all[most][1] ? place : most, 0);
    const words = values.map(() => []);
    for (const [place, text] of values.entries()) for (const { 0: word, index } of text.matchAll(/\S+/g)) {
      const rest = text.slice(0, index) + text.slice(index + word.length).trimStart();
      words[place].push({ text: word, without: this.labels(values.with(place, rest), off)[best][1] });
      await pause();
      if (!current()) return null;
    }
    return { label: all[best][0], whole: all[best][1], words };
  }

  /* One pass over an input and the answer so far: what the page draws. Nothing is computed for a blank input. */
  look({ values, ending, answer, finished, off }) {
    if (this.text.prompts.isBlank(values)) return { view: null, sides: [], answer: [], seed: null };
    const labelled = this.model.score !== null, subject = labelled ? this.labelled(values, off) : this.followed(values, ending, answer, finished);
    const view = viewOf(this.tracer, subject, this.knows, off), { name } = this.run.shape;
    if (labelled) return { view, answer: [], seed: null, sides: [{ name, labels: true, next: this.labels(values, off).sort((a, b) => b[1] - a[1]).map(([label, share]) => [-1, label, share]) }] };
    const chances = chancesOf(lensLogits(this.model, [this.tracer.last.at(-1)])), best = largestPlaces(chances, 0, chances.length, OTHERS);
    const side = { name, labels: false, next: best.map((id) => [id, this.piece(id)[0], chances[id]]), plain: null };
    if (JSON.stringify(off) !== JSON.stringify(NOTHING_OFF)) {
      const whole = chancesOf(new Reader(this.model).read(subject.ids));
      side.plain = best.map((id) => [id, whole[id]]);
    }
    return { view, sides: [side], answer, seed: null };
  }

  /* Of a long answer the last half window is read. */
  followed(values, ending, answer, finished) {
    const half = Math.floor(this.model.config.n_positions / 2), made = answer.slice(-half);
    const { ids: prompt, cut } = this.text.prompt(values, { ending, settings: { ...this.run.generate, roll: false, max_new_tokens: Math.max(1, made.length) } });
    const ids = [...prompt, ...made];
    return { ids, prompt: prompt.length, followers: [...ids.slice(1), finished ? this.run.task.eos : -1], finished, given: false, remarks: this.remarksOn(cut), labels: {} };
  }

  /* The text whose end the classifier reads; for several choices that of the likeliest. */
  labelled(values, off) {
    const { prompts } = this.text, { ids, cut } = this.text.prompt(values), rows = prompts.rows(ids), labels = Object.fromEntries(this.labels(values, off));
    const chances = Object.values(labels), shown = this.run.config.labels.length === 1 ? chances.indexOf(Math.max(...chances)) : 0, remarks = this.remarksOn(cut);
    if (rows.length > 1) remarks.push(`the model reads ${rows.length} texts for this input; text ${shown + 1} is shown`);
    const text = prompts.joined([rows[shown]]);
    return { ids: text, prompt: text.length, followers: [...text.slice(1), -1], finished: false, given: false, remarks, labels };
  }

  /* The tokens that neurons push up and down. */
  neurons(question) {
    return neuronsPushing(this.model, question, (id) => this.piece(id));
  }
}
