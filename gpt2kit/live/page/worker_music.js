/* The host of a run that plays: it continues and fills performances, and gives the view of its events. A performance is
   notes {pitch, velocity, start, end} in seconds, and the events of an answer after them. */
class Host {
  constructor(run) {
    this.run = run;
    this.player = new PerformanceRun(run);
    this.model = this.player.model;
    this.tracer = new Tracer(this.model);
    this.knows = { shape: run.shape, answers: run.task.answers, plays: true, generate: run.generate, spell: spokenEvent, automatonAt: (subject, position) => this.automatonAt(subject, position) };
  }

  /* What a performance puts before the model, and the notes that an answer makes of it. */
  after(notes) {
    return this.player.continuation(notes.length ? primerOf(notes) : null, 1);
  }

  /* The grammar after a position of a subject; within the prompt, the answer would begin there. */
  automatonAt({ whole, ids, prompt }, position) {
    if (!this.run.generate.grammar) return null;
    const automaton = new EventGrammar(whole.slice(0, whole.length - Math.max(0, prompt - 1 - position)));
    for (const id of ids.slice(prompt, position + 1)) automaton.accept(id);
    return automaton;
  }

  /* Continue a performance by `seconds`; parts are {begin}, when the continuation begins, and then {strokes, now}: notes
     that began or ended, and the time up to which the model has played. No question: stop. */
  async play(question, say, current) {
    if (question === null) return null;
    const { notes, seconds, settings, wish, seed, off } = question;
    const part = this.player.continuation(notes.length ? primerOf(notes) : null, seconds, { settings: { ...this.run.generate, ...settings }, wish });
    let now = streamSeconds(part.whole);
    say({ part: { begin: part.until } });
    const found = await drawing(this.player.play(part, seed, new Reader(this.model, off)), current, ({ id, strokes }) => {
      now += stepsOf(id) / STEPS_A_SECOND;
      if (strokes.length || isShift(id)) say({ part: { strokes: strokes.map((stroke) => ({ ...stroke })), now } });
    });
    return found && { ids: found.ids, notes: part.notes(found.ids) };
  }

  /* New notes from `begin` to `end` (seconds); all others are kept. */
  async fill({ notes, begin, end, settings, wish, seed, off }, say, current) {
    const part = this.player.filling(aroundGap(notes, begin, end), { settings: { ...this.run.generate, ...settings }, wish });
    const found = await drawing(this.player.play(part, seed, new Reader(this.model, off)), current, () => {});
    return found && { notes: part.notes(found.ids) };
  }

  neurons(question) {
    return neuronsPushing(this.model, question, (id) => pieceOf(id, spokenEvent(id)));
  }

  midi({ notes }) {
    return midiFile(notes);
  }

  /* One pass over the end of a performance and of the answer: what the page draws, and the notes of both. */
  look({ notes, answer, off }) {
    const { whole, notes: played } = this.after(notes), heard = [...whole, ...answer], window = this.model.config.n_positions, ids = recentEvents(heard, window);
    const subject = { whole, ids, prompt: Math.max(1, ids.length - answer.length), followers: [...ids.slice(1), -1], finished: false, given: false, remarks: [], labels: {} };
    if (heard.length > ids.length) subject.remarks.push(`the performance has ${heard.length.toLocaleString("en")} events and the window ${window.toLocaleString("en")}: its end is shown`);
    const view = viewOf(this.tracer, subject, this.knows, off), now = streamSeconds(heard), position = ids.length - 1;
    const chancesAfter = (logits) => chancesOf(decodedLogits(logits, subject, position, { ...this.run.generate, repetition_penalty: 1 }, this.automatonAt(subject, position)));
    const chances = chancesAfter(lensLogits(this.model, [this.tracer.last.at(-1)])), best = largestPlaces(chances, 0, chances.length, OTHERS);
    const side = { name: this.run.shape.name, labels: false, next: best.map((id) => [id, eventAt(id, now), chances[id]]), plain: null };
    if (JSON.stringify(off) !== JSON.stringify(NOTHING_OFF)) {
      const plain = chancesAfter(new Reader(this.model).read(ids));
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
