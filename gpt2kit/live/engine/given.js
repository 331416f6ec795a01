/* The grammar of music in which some events are given, as in gpt2kit/music/playing/given.py: they come exactly at their
   times, and the model adds others before the end of a gap. The answer ends when it has let go all of its keys. The
   model does not strike the key of a note that is announced: it wants that note, which comes by itself. */
const WAITING = 4;  // the group of shifts to before the next given event; LATER has the events after it, and itself
const TOGETHER = 3;  // steps within which a key is not struck by the user and by the model

class GivenGrammar {
  /* `grammar` is an EventGrammar at the beginning of an answer, without an end. `given` are [step, ids] of events after
     it, `announced` [step, ids] in order of time, each inserted when the clock has come to its step. Before the step
     `wait` nothing happens, as between the last event of a prompt and a gap; from the step `newUntil` on the model strikes
     no key. `struck` are [step, key] of given notes in the prompt, with steps of 0 or less. */
  constructor(grammar, given, announced, wait, newUntil, struck) {
    Object.assign(this, { grammar, wait, newUntil, announced: [...announced] });
    this.steps = [];  // what is still to come: {step, notes} in order; a note is {place, velocity}
    this.strokes = new Map();  // the keys of given notes, by step
    for (const [step, key] of struck) this.addStroke(step, key);
    this.now = { marks: [], notes: [] };  // what is given at this step and still due
    this.otherwise = null;  // the id that leads to the next given event, for a model that wants something after it
    this.later = [];  // ranges [from, to) of the impossible ids of what would come after it
    this.awaited = new Set();  // the keys of announced notes that are still to be struck
    this.read(given);
    this.arrive();
  }

  /* Sort the given events by their steps. A NOTE_OFF of a key of the prompt keeps that key down until then. */
  read(given) {
    const keys = new Set();
    let velocity = null;
    for (const [step, ids] of [...given].sort((a, b) => a[0] - b[0])) {
      if (this.steps.at(-1)?.step !== step) this.steps.push({ step, notes: [] });
      const { notes } = this.steps.at(-1);
      for (const id of ids) {
        if (id >= VELOCITY) velocity = id;
        else if (id < NOTE_OFF) {
          notes.push({ place: NOTE_OFF + id, velocity });
          this.addStroke(step, id);
          keys.add(id);
        } else {
          notes.push({ place: id - NOTE_OFF, velocity: null });
          if (this.grammar.struck.has(id - NOTE_OFF) && !keys.has(id - NOTE_OFF)) this.grammar.keep(id - NOTE_OFF);
        }
      }
    }
  }

  addStroke(step, key) {
    if (!this.strokes.has(step)) this.strokes.set(step, []);
    this.strokes.get(step).push(key);
  }

  /* The keys of the given notes that are struck from one step to another. */
  struckFrom(first, last) {
    const keys = new Set();
    for (let step = first; step <= last; step++) for (const key of this.strokes.get(step) || []) keys.add(key);
    return keys;
  }

  get over() {
    return this.isClosed && !this.grammar.struck.size;
  }

  get isClosed() {
    return this.grammar.now >= this.newUntil;
  }

  /* The id that comes next of what is given at this step, now or after new notes; null if there is nothing. */
  get due() {
    if (this.now.marks.length) return this.now.marks[0];
    if (!this.now.notes.length) return null;
    const [{ place, velocity }] = this.now.notes;
    return velocity === null || velocity === this.grammar.inForce ? place ^ NOTE_OFF : velocity;
  }

  /* Those of the grammar. In addition, what the model wants after the next given event leaves its probability to that
     event, or else new notes would fill the time to it; what comes by itself leaves it to waiting. */
  get groups() {
    const groups = this.grammar.groups.slice();
    for (const id of this.coming) groups[id] = WAITING;
    if (groups[TIME_SHIFT] === LETTING_GO) {  // NOTE_OFFs that are impossible mean shifts
      for (let id = NOTE_OFF; id < TIME_SHIFT; id++) if (groups[id] === LETTING_GO) groups[id] = WAITING;
    }
    groups.fill(WAITING, TIME_SHIFT, VELOCITY);
    if (this.otherwise === null) return groups;
    for (const [from, to] of this.later) groups.fill(LATER, from, to);
    groups[this.otherwise] = LATER;
    return groups;
  }

  weigh(bias) {
    this.otherwise = null;
    if (this.now.marks.length) {
      bias.fill(IMPOSSIBLE);
      bias[this.now.marks[0]] = 0;
    } else if (this.now.notes.length) this.weighUpTo(this.now.notes[0], bias);
    else this.weighUntilNext(bias);
    bias[END] = IMPOSSIBLE;
  }

  /* Nothing is given at this step any more: allow new notes, and shifts up to the next given event. */
  weighUntilNext(bias) {
    const { grammar } = this, following = this.steps.length ? this.steps[0].step : null;
    const steps = following === null ? LONGEST_SHIFT : following - grammar.now;
    grammar.allow(bias, AFTER_ALL, steps);
    if (this.isClosed) {
      this.forbidNew(bias);
      // A pause is too long, and no key may end it.
      if (!isPossible(bias)) bias[NOTE_OFF + Math.min(...grammar.struck.keys())] = 0;
    }
    this.forbidAwaited(bias);
    if (grammar.now < this.wait) keepWaiting(bias, this.wait - grammar.now);
    else if (following !== null && steps <= LONGEST_SHIFT) {
      const isTaken = grammar.ready && this.awaited.size > 0;  // the VELOCITY was that of a note which comes by itself
      const arrival = isTaken ? TIME_SHIFT : TIME_SHIFT - 1 + steps;
      if (isTaken) bias[arrival] = 0;
      const wanted = isTaken ? [...this.awaited].map((key) => [key, key + 1]) : [];
      if (bias[arrival] > IMPOSSIBLE) this.leadTo(arrival, [[arrival + 1, VELOCITY], ...wanted]);
    }
  }

  /* Allow a given note and what may come before it in its step. */
  weighUpTo({ place }, bias) {
    const { grammar } = this, id = place ^ NOTE_OFF, isOn = place >= NOTE_OFF;
    const due = grammar.allow(bias, place, 0);
    if (this.isClosed) this.forbidNew(bias);
    if (due < place) return;
    this.forbidAwaited(bias);
    bias[this.due] = 0;
    const later = isOn ? [[id + 1, NOTE_OFF]] : [[0, NOTE_OFF], [id + 1, TIME_SHIFT]];
    if (bias[id] === IMPOSSIBLE) later.push([id, id + 1]);  // with another velocity
    if (!grammar.ready) later.push([TIME_SHIFT, VELOCITY]);
    if (!grammar.ready && !grammar.canStrike(place)) later.push([VELOCITY, BEGIN]);
    this.leadTo(this.due, later);
  }

  leadTo(id, later) {
    this.otherwise = id;
    this.later = later;
  }

  /* What comes by itself: given notes that are about to be struck, and the ends of those that sound. */
  get coming() {
    return [...this.awaited, ...[...this.grammar.kept].map((key) => NOTE_OFF + key)];
  }

  forbidAwaited(bias) {
    for (const key of this.awaited) bias[key] = IMPOSSIBLE;
  }

  forbidNew(bias) {
    bias.fill(IMPOSSIBLE, 0, NOTE_OFF);
    bias.fill(IMPOSSIBLE, VELOCITY, END + 1);
  }

  accept(id) {
    const { marks, notes } = this.now;
    if (marks.length) {
      marks.shift();
      return;
    }
    this.grammar.accept(id);
    if (notes.length && id === (notes[0].place ^ NOTE_OFF)) {
      if (notes.shift().place >= NOTE_OFF) this.grammar.keep(id);
    } else if (isShift(id)) this.arrive();
  }

  /* Take what is given at this step. Of a key that the model has down and that is struck now, a release comes first. */
  arrive() {
    const { grammar } = this, { now } = grammar;
    grammar.bar(this.struckFrom(now - TOGETHER, now + TOGETHER));
    this.awaited = this.struckFrom(now + 1, now + LEAD);
    const marks = [];
    while (this.announced.length && this.announced[0][0] <= now) marks.push(...this.announced.shift()[1]);
    const given = this.steps.length && this.steps[0].step === now ? this.steps.shift().notes : [];
    const notes = given.filter(({ place }) => place >= NOTE_OFF || grammar.kept.has(place));
    const taken = new Set(notes.filter(({ place }) => place >= NOTE_OFF).map(({ place }) => place - NOTE_OFF));
    for (const key of taken) if (grammar.struck.has(key)) notes.push({ place: key, velocity: null });
    this.now = { marks, notes: notes.sort((a, b) => a.place - b.place) };
  }
}
