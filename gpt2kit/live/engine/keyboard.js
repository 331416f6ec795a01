/* A stream of events as a piano plays it, as in gpt2kit/music/stream/keyboard.py: each key is either down or up. */

/* Hears events one by one. A stroke is {number, pitch, velocity, start, end}: times in seconds since the beginning of the
   stream; end is null while the key is down. */
class Keyboard {
  constructor() {
    this.strokes = [];
    this.down = new Map();  // stroke by pitch
    this.since = 0;  // the longest time that a key without a release is down is counted from this step or later
    this.now = 0;
    this.bin = DEFAULT_BIN;
    this.isOver = false;
  }

  /* Returns the strokes that an event begins or ends, the ended ones first; none after the end of the piece. */
  accept(id) {
    this.isOver ||= id === END;
    if (this.isOver) return [];
    if (isShift(id)) this.now += stepsOf(id);
    else if (id >= VELOCITY && id < BEGIN) this.bin = id - VELOCITY + 1;
    else if (id < NOTE_OFF) return this.strike(id);
    else if (id < TIME_SHIFT && this.down.has(id - NOTE_OFF)) return [this.letGo(id - NOTE_OFF, this.now)];
    return [];
  }

  /* A key that is struck again is released first: 5 s after it was struck at the latest, as a model may have forgotten
     it. */
  strike(pitch) {
    const changed = this.down.has(pitch) ? [this.letGo(pitch, this.latest(pitch))] : [];
    const stroke = { number: this.strokes.length, pitch, velocity: binVelocity(this.bin), start: this.now / STEPS_A_SECOND, end: null };
    this.down.set(pitch, stroke);
    this.strokes.push(stroke);
    return [...changed, stroke];
  }

  letGo(pitch, step) {
    const stroke = this.down.get(pitch);
    this.down.delete(pitch);
    stroke.end = step / STEPS_A_SECOND;
    return stroke;
  }

  latest(pitch) {
    const start = Math.round(this.down.get(pitch).start * STEPS_A_SECOND);
    return Math.min(this.now, Math.max(start, this.since) + LONGEST_HANGING);
  }

  /* Let go all keys, when the stream ends; returns their strokes. */
  finish() {
    return [...this.down.keys()].map((pitch) => this.letGo(pitch, this.latest(pitch)));
  }
}

/* The notes of a stream that a model wrote. */
const playedNotes = (ids) => continuedNotes([], ids, 0).notes;

/* What a model played with `ids` after a prompt, whose continuation begins at the time `until`: the notes that it struck,
   and a Map from each pitch that the prompt left down to the time when it was let go. */
function continuedNotes(prompt, ids, until) {
  const keyboard = keyboardAfter(prompt, until), given = keyboard.strokes.length, held = [...keyboard.down.values()];
  for (const id of ids) keyboard.accept(id);
  keyboard.finish();
  const heard = keyboard.strokes.slice(given).filter(({ start, end }) => end > start);
  const notes = heard.map(({ pitch, velocity, start, end }) => ({ pitch, velocity, start, end }));
  return { notes: inOrder(notes), releases: new Map(held.map(({ pitch, end }) => [pitch, end])) };
}

/* The keyboard when a continuation begins. */
function keyboardAfter(prompt, until) {
  const keyboard = new Keyboard();
  for (const id of prompt) keyboard.accept(id);
  keyboard.since = quantised(until);
  return keyboard;
}
