/* The host of a run that plays: it continues and fills performances, and gives the view of its events. A performance is
   notes {pitch, velocity, start, end} in seconds, and the events of an answer after them. */
const LOOKED = 256;  // the last events of a performance, which the figures show
class Host {
  constructor(run) {
    this.run = run;
    this.player = new PerformanceRun(run);
    this.model = this.player.model;
    this.tracer = new Tracer(this.model);
    this.off = null;
    this.readers = this.player.readers();
    this.reading = 0;  // counts what reads with them
    this.knows = { shape: run.shape, answers: run.task.answers, plays: true, generate: run.generate, spell: spokenEvent, automatonAt: (subject, position) => this.automatonAt(subject, position) };
  }

  /* What a performance puts before the model, and the notes that an answer makes of it. */
  after(notes) {
    return this.player.continuation(notes.length ? primerOf(notes) : null, 1);
  }

  /* Readers that may know the performance already. What reads ahead with them ends: they are for one at a time. */
  readersWithout(off) {
    this.reading++;
    if (JSON.stringify(off) !== JSON.stringify(this.off ?? NOTHING_OFF)) Object.assign(this, { off, readers: this.player.readers(off) });
    return this.readers;
  }

  /* Read a performance while nothing is asked, so that a continuation begins sooner. */
  async read({ notes, off }, say, proceed) {
    const readers = this.readersWithout(off), mine = this.reading;
    await drawing(this.player.prepare(this.after(notes), readers), async () => await proceed() && this.reading === mine);
    return null;
  }

  /* The grammar after a position of a subject; within the prompt, the answer would begin there. */
  automatonAt({ whole, ids, answer }, position) {
    if (!this.run.generate.grammar) return null;
    const later = ids.length - 1 - position, automaton = new EventGrammar(whole.slice(0, whole.length - Math.max(0, later - answer.length)));
    for (const id of answer.slice(0, Math.max(0, answer.length - later))) automaton.accept(id);
    return automaton;
  }

  /* Continue a performance by `seconds`; parts are {begin}, when the continuation begins, and then {strokes, now}: notes
     that began or ended, and the time up to which the model has played. No question: stop. */
  async play(question, say, proceed) {
    if (question === null) return null;
    const { notes, seconds, settings, wish, seed, off } = question;
    const part = this.player.continuation(notes.length ? primerOf(notes) : null, seconds, { settings: { ...this.run.generate, ...settings }, wish });
    let now = streamSeconds(part.whole);
    say({ part: { begin: part.until } });
    const found = await drawing(this.player.play(part, seed, this.readersWithout(off)), proceed, ({ id, strokes }) => {
      now += stepsOf(id) / STEPS_A_SECOND;
      if (strokes.length || isShift(id)) say({ part: { strokes: strokes.map((stroke) => ({ ...stroke })), now } });
    });
    return found && { ids: found.ids, notes: part.notes(found.ids) };
  }

  /* New notes from `begin` to `end` (seconds); all others are kept. */
  async fill({ notes, begin, end, settings, wish, seed, off }, say, proceed) {
    const part = this.player.filling(aroundGap(notes, begin, end), { settings: { ...this.run.generate, ...settings }, wish });
    const found = await drawing(this.player.play(part, seed, this.player.readers(off)), proceed);
    return found && { notes: part.notes(found.ids) };
  }

  neurons(question) {
    return neuronsPushing(this.model, question, (id) => pieceOf(id, spokenEvent(id)));
  }

  midi({ notes }) {
    return midiFile(notes);
  }

  /* The end of a performance and of an answer, as `viewOf` takes it. */
  subjectOf(whole, answer) {
    const heard = [...whole, ...answer], ids = recentEvents(heard, Math.min(this.model.config.n_positions, LOOKED));
    const subject = { whole, answer, ids, prompt: Math.max(1, ids.length - answer.length), followers: [...ids.slice(1), -1], finished: false, given: false, remarks: [], labels: {} };
    if (heard.length > ids.length) subject.remarks.push(`the performance has ${heard.length.toLocaleString("en")} events: the figures are for its last ${ids.length}, as if it began there`);
    return subject;
  }

  /* One pass over the end of a performance and of the answer: what the page draws, and the notes of both. What is likely
     next is computed from all that the window has room for. */
  async look({ notes, answer, off }, say, proceed) {
    const { whole, notes: played } = this.after(notes), heard = [...whole, ...answer], window = this.model.config.n_positions, subject = this.subjectOf(whole, answer);
    const view = await drawing(viewOf(this.tracer, subject, this.knows, off), proceed), now = streamSeconds(heard), position = subject.ids.length - 1;
    if (view === null) return null;
    const chancesAfter = (logits) => chancesOf(decodedLogits(logits, subject, position, { ...this.run.generate, repetition_penalty: 1 }, this.automatonAt(subject, position)));
    const recent = recentEvents(heard, window), chances = chancesAfter(this.readersWithout(off).reader.read(recent)), best = largestPlaces(chances, 0, chances.length, OTHERS);
    const side = { name: this.run.shape.name, labels: false, next: best.map((id) => [id, eventAt(id, now), chances[id]]), plain: null };
    if (JSON.stringify(off) !== JSON.stringify(NOTHING_OFF)) {
      const plain = chancesAfter(new Reader(this.model).read(recent));
      side.plain = best.map((id) => [id, plain[id]]);
    }
    const begun = streamSeconds(whole), times = clockBefore(answer).map((step) => begun + step / STEPS_A_SECOND);
    return { view, answer, sides: [side], seed: null, chosen: answer.map((id, place) => eventAt(id, times[place])), notes: answer.length ? played(answer) : notes };
  }
}

/* An event by name and time: C4 on at 3.20 s, wait 120 ms, velocity 70. */
function eventAt(id, seconds) {
  if (isShift(id)) return `wait ${spokenEvent(id)}`;
  return id < TIME_SHIFT ? `${spokenEvent(id)} at ${seconds.toFixed(2)} s` : spokenEvent(id);
}
