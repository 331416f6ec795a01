/* The host of a run of texts: its answers token by token, its labels, and the view of what it computes. */
const SAY_EVERY = 150;  // milliseconds between two parts of an answer that takes long
class Host {
  constructor(run) {
    this.run = run;
    this.text = new TextRun(run);
    this.model = this.text.model;
    this.tracer = new Tracer(this.model);
    this.reader = new Reader(this.model, NOTHING_OFF);
    this.plain = new Reader(this.model);
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
  async answer(question, say, proceed) {
    if (question === null) return null;
    const { values, ending, given, off, settings, seed } = question, { generate, task } = this.run, reader = this.readerOf(off);
    const max_new_tokens = generate.max_new_tokens + (task.answers ? 0 : given.length);  // a text continues for as long again
    const ids = this.text.answer(values, { settings: { ...generate, max_new_tokens, ...settings }, seed, ending, reader, given });
    const found = await drawing(ids, proceed, (id) => say({ part: { id, ...this.judged(id, reader.logits) } }));
    if (found === null) return null;
    const remarks = this.remarksOn(found.cut);
    if (found.circling) remarks.push("the answer repeats itself");
    if (found.limit === "window") remarks.push(`the window of ${this.model.config.n_positions.toLocaleString("en")} tokens is full`);
    else if (!found.finished && !found.circling && task.answers) remarks.push("the answer was ended by its limit");
    if (!found.ids.length && found.text) remarks.push("a text without letters is copied: the model is not asked");
    return { text: found.text, remarks, end: found.end === null ? null : { id: found.end, ...this.judged(found.end, reader.logits) }, finished: found.finished };
  }

  remarksOn(cut) {
    return cut ? [`the input is longer than the window of ${this.model.config.n_positions.toLocaleString("en")} tokens: only a part of it is read`] : [];
  }

  /* The piece and the probability of a token, and the likeliest ones in its place. */
  judged(id, logits) {
    const chances = chancesOf(logits), best = largestPlaces(chances, 0, chances.length, OTHERS);
    return { piece: this.piece(id), chance: chances[id], others: best.map((other) => ({ id: other, piece: this.piece(other), chance: chances[other] })) };
  }

  /* What the page draws of an input and the answer so far. `sides`, the likeliest labels or next tokens, are said before
     the view is computed, which takes longer. Nothing is computed for a blank input. */
  async look({ values, ending, answer, end, off }, say, proceed) {
    const { prompts } = this.text, nothing = { view: null, sides: [], answer: [], seed: null };
    if (!await proceed()) return null;
    if (prompts.isBlank(values)) return nothing;
    const labelled = this.model.score !== null, input = labelled ? this.labelled(values, off) : this.followed(values, ending, answer, end);
    const sides = [labelled ? this.labelSide(input) : this.nextSide(input, off)];
    say({ part: { sides, remarks: input.remarks } });
    const view = await drawing(viewOf(this.tracer, input, this.knows, off), proceed);
    return view && { ...nothing, view, sides, answer: labelled ? [] : answer };
  }

  labelSide({ chances }) {
    return { name: this.run.shape.name, labels: true, next: chances.map(([label, share]) => [-1, label, share]).sort((a, b) => b[2] - a[2]) };
  }

  /* The likeliest next tokens, and with parts off their probabilities in the whole model. */
  nextSide({ ids }, off) {
    const chances = chancesOf(this.readerOf(off).read(ids)), best = largestPlaces(chances, 0, chances.length, OTHERS), pieces = best.map((id) => this.piece(id));
    const side = { name: this.run.shape.name, labels: false, next: best.map((id, place) => [id, pieces[place][0], chances[id]]), pieces, plain: null };
    if (JSON.stringify(off) === JSON.stringify(NOTHING_OFF)) return side;
    const whole = chancesOf(this.plain.read(ids));
    return { ...side, plain: best.map((id) => [id, whole[id]]) };
  }

  /* Of a long answer the last half window is read. `end` is the id that ended it, or null. */
  followed(values, ending, answer, end) {
    const { generate, task } = this.run, made = answer.slice(-Math.floor(this.model.config.n_positions / 2)), room = task.answers ? generate.max_new_tokens : 1;
    const { ids: prompt, cut } = this.text.prompt(values, { ending, settings: { ...generate, roll: false, max_new_tokens: Math.max(room, made.length) } });
    const ids = [...prompt, ...made];
    return { ids, prompt: prompt.length, followers: [...ids.slice(1), end ?? -1], finished: end !== null, given: false, remarks: this.remarksOn(cut), labels: {} };
  }

  /* The probability of each label or choice, [[name, probability], ...], and the prompt. */
  labels(values, off) {
    const { prompts } = this.text, { ids, cut } = this.text.prompt(values), chances = prompts.probabilities({ classify: (text) => this.model.classify(text, null, off) }, ids);
    return { chances: prompts.answers(values).map((name, place) => [name, chances[place]]), ids, cut };
  }

  /* The texts whose ends the classifier reads; of several choices that of the likeliest is shown. */
  labelled(values, off) {
    const { prompts } = this.text, { chances, ids, cut } = this.labels(values, off), texts = prompts.rows(ids).map((row) => prompts.joined([row]));
    const shown = this.run.config.labels.length === 1 ? likeliestOf(chances) : 0, remarks = this.remarksOn(cut);
    if (texts.length > 1) remarks.push(`the model reads ${texts.length} texts for this input; text ${shown + 1} is shown`);
    const text = texts[shown];
    return { ids: text, prompt: text.length, followers: [...text.slice(1), -1], finished: false, given: false, remarks, labels: Object.fromEntries(chances), answers: prompts.answers(values), texts, chances };
  }

  /* What the likeliest label would become without each word that the model reads: {label, whole, texts: [{words:
     [{text, from, without}], more}]}. Those that are known are said while others are computed: they are null. */
  async weigh({ values, off }, say, proceed) {
    const { prompts } = this.text, found = { label: "", whole: 0, texts: [] };
    if (!await proceed()) return null;
    if (prompts.isBlank(values)) return found;
    const { chances, ids } = this.labels(values, off), best = likeliestOf(chances), read = prompts.lengthsRead(ids);
    [found.label, found.whole] = chances[best];
    found.texts = values.map((text, place) => wordsBefore(text, read[place]));
    let said = performance.now();
    for (const [place, { words }] of found.texts.entries()) for (const word of words) {
      const text = values[place], rest = text.slice(0, word.from) + text.slice(word.from + word.text.length).trimStart();
      word.without = this.labels(values.with(place, rest), off).chances[best][1];
      if (!await proceed()) return null;
      if (performance.now() - said > SAY_EVERY) {
        say({ part: found });
        said = performance.now();
      }
    }
    return found;
  }

  /* The tokens that neurons push up and down. */
  neurons(question) {
    return neuronsPushing(this.model, question, (id) => this.piece(id));
  }
}

const likeliestOf = (chances) => chances.reduce((most, [, chance], place) => chance > chances[most][1] ? place : most, 0);

/* The words [{text, from, without}] of a text that begin before `end`, and whether the text has others. */
function wordsBefore(text, end) {
  const words = [];
  for (const { 0: word, index } of text.matchAll(/\S+/g)) {
    if (index >= end) return { words, more: true };
    words.push({ text: word, from: index, without: null });
  }
  return { words, more: false };
}
