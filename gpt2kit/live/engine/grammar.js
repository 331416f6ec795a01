/* What may follow in a stream of performance events, as in gpt2kit/music/playing/grammar.py.

   An automaton has `over`, `weigh(bias)` (writes what is added to the logits: 0 or -Infinity, Float32Array [V]),
   `accept(id)`, and after `weigh` `groups`: the group of each id [BEGIN], null for none. An impossible NOTE_ON leaves its
   probability to the other NOTE_ONs; an impossible NOTE_OFF to those of keys that have been down for a while, and to
   shifts if no key has; a shift beyond the end to the one that goes there. */
const LONGEST_PAUSE = 5 * STEPS_A_SECOND;  // steps from a note to the next
const LONGEST_HELD = 10 * STEPS_A_SECOND;  // steps after which a key is let go
const CROWD = 5 * STEPS_A_SECOND, MOST_NOTES = 250;  // as many notes may begin within as many steps
const AGAIN = 5;  // steps from a note to the next on the same key
const SETTLED = 5;  // steps after which a key that is down is one that an impossible NOTE_OFF may have meant
const AFTER_ALL = 256;  // a place in a step after all notes: NOTE_OFFs are at 0 to 127, NOTE_ONs at 128 to 255
const STRIKING = 1, LETTING_GO = 2, LATER = 3;  // groups; other ids are in group 0
const IMPOSSIBLE = -Infinity;

class EventGrammar {
  /* Begin after the events of a prompt. The answer ends `end` steps later, with all keys up; null: where the model says
     END. A key that is down after the prompt may stay down as long as if it were struck now. */
  constructor(prompt, end = null) {
    this.now = 0;
    this.end = end;
    this.struck = new Map();  // the step at which each key that is down was struck, the earliest first
    this.kept = new Set();  // keys that are down and that somebody else lets go
    this.on = new Float32Array(128).fill(IMPOSSIBLE).fill(0, LOWEST_KEY, HIGHEST_KEY + 1);
    this.off = new Float32Array(128).fill(IMPOSSIBLE);
    this.groups = new Uint8Array(BEGIN).fill(STRIKING, 0, NOTE_OFF);
    this.barred = new Set();  // keys that are not struck though they may be up
    this.down = new Uint16Array(128);  // notes that sound on each key: more than one only in a prompt
    this.last = Array(128).fill(-LONGEST_HELD);  // the step at which each key was struck last
    this.soon = [];  // keys that are up and may not be struck yet: [from which step on, pitch]
    this.inForce = null;  // the VELOCITY in force
    this.place = -1;  // of the last note in this step; -1 before the first
    this.begun = [];  // the steps of the notes that began within the last CROWD steps
    this.lastNote = 0;
    this.any = false;
    this.ready = false;  // the last event was a VELOCITY
    for (const id of prompt) this.accept(id);
    this.begun = this.begun.map((step) => step - this.now);
    for (const key of this.struck.keys()) this.struck.set(key, 0);
    this.last = this.last.map((step) => step - this.now);
    this.soon = this.soon.map(([step, pitch]) => [step - this.now, pitch]);
    this.now = this.lastNote = 0;
  }

  get over() {
    return this.end !== null && this.now >= this.end && !this.struck.size && !this.kept.size;
  }

  /* Leave it to the caller to let go a key that is down: its NOTE_OFF is not allowed, and never due. */
  keep(pitch) {
    this.kept.add(pitch);
    this.struck.delete(pitch);
    this.off[pitch] = IMPOSSIBLE;
  }

  /* Do not allow to strike these keys (a Set), until others are barred. */
  bar(keys) {
    const freed = [...this.barred].filter((key) => !keys.has(key));
    this.barred = keys;
    for (const key of keys) this.on[key] = IMPOSSIBLE;
    for (const key of freed) this.free(key);
  }

  /* Whether there is a key to strike at a place in this step that is before another. */
  canStrike(before = AFTER_ALL) {
    return this.on.subarray(this.lowestOn(), Math.max(0, before - NOTE_OFF)).includes(0);
  }

  weigh(bias) {
    this.allow(bias);
  }

  /* Allow notes at places in this step that are `before` another, and shifts of at most `steps`. Returns the place that
     nothing in this step may pass: AFTER_ALL, or that of a key that must be let go now. */
  allow(bias, before = AFTER_ALL, steps = LONGEST_SHIFT) {
    bias.fill(IMPOSSIBLE);
    if (this.end !== null && this.now >= this.end) {
      if (this.struck.size || this.kept.size) bias[NOTE_OFF + Math.min(...this.struck.keys(), ...this.kept)] = 0;
      return -1;
    }
    const earliest = this.struck.size ? this.struck.values().next().value : this.now;
    if (this.now - earliest >= LONGEST_HELD) {
      const due = Math.min(...[...this.struck].filter(([, step]) => this.now - step >= LONGEST_HELD).map(([key]) => key));
      this.allowOffs(bias, Math.min(due + 1, before));
      return due;
    }
    while (this.begun.length && this.begun[0] <= this.now - CROWD) this.begun.shift();
    if (!this.ready) {
      if (this.place < NOTE_OFF) this.allowOffs(bias, Math.min(before, NOTE_OFF));
      const longest = [LONGEST_SHIFT, this.lastNote + LONGEST_PAUSE - this.now, earliest + LONGEST_HELD - this.now];
      if (this.end !== null) longest.push(this.end - this.now);
      bias.fill(0, TIME_SHIFT, TIME_SHIFT + Math.max(0, Math.min(steps, ...longest)));
      this.group(bias);
      if (this.end === null && this.any && !this.struck.size && !this.kept.size) bias[END] = 0;
      if (this.begun.length >= MOST_NOTES) return AFTER_ALL;
    }
    if (this.inForce !== null) {
      const low = this.lowestOn(), stop = Math.max(0, before - NOTE_OFF);
      bias.set(this.on.subarray(low, stop), low);
    }
    if (!this.ready && this.canStrike(before)) bias.fill(0, VELOCITY, BEGIN);
    return AFTER_ALL;
  }

  accept(id) {
    if (id < NOTE_OFF) this.strike(id);
    else if (id < TIME_SHIFT) this.letGo(id - NOTE_OFF);
    else if (id < VELOCITY) {
      this.now += stepsOf(id);
      while (this.soon.length && this.soon[0][0] <= this.now) this.free(this.soon.shift()[1]);
      this.place = -1;
      this.ready = false;
    } else if (id < BEGIN) {
      this.inForce = id;
      this.ready = true;
    }
  }

  /* Allow the NOTE_OFFs below a place that may still come in this step. */
  allowOffs(bias, stop) {
    const low = Math.min(Math.max(this.place, 0), stop);
    bias.set(this.off.subarray(low, stop), NOTE_OFF + low);
  }

  /* Say which events get the probability of impossible NOTE_OFFs, and of shifts beyond the end. */
  group(bias) {
    this.groups.fill(this.struck.size || this.kept.size ? LETTING_GO : 0, NOTE_OFF, VELOCITY);
    for (const key of this.struck.keys()) {
      if (this.now - this.last[key] < SETTLED) this.groups[NOTE_OFF + key] = 0;
      else if (bias[NOTE_OFF + key] === 0) this.groups.fill(0, TIME_SHIFT, VELOCITY);
    }
    if (this.end === null || !this.any) return;
    const left = this.end - this.now;
    if (left > 1 || !this.groups[TIME_SHIFT]) this.groups.fill(LATER, TIME_SHIFT + left - 1, VELOCITY);
  }

  /* The lowest pitch that may still be struck in this step. */
  lowestOn() {
    return Math.max(LOWEST_KEY, this.place - NOTE_OFF + 1);
  }

  strike(pitch) {
    this.struck.delete(pitch);
    this.struck.set(pitch, this.now);
    this.last[pitch] = this.lastNote = this.now;
    this.begun.push(this.now);
    this.down[pitch]++;
    this.on[pitch] = IMPOSSIBLE;
    this.off[pitch] = 0;
    this.place = NOTE_OFF + pitch;
    this.ready = false;
    this.any = true;
  }

  letGo(pitch) {
    this.place = pitch;
    this.ready = false;
    if (this.down[pitch]) this.down[pitch]--;
    if (this.down[pitch]) return;
    this.struck.delete(pitch);
    this.kept.delete(pitch);
    this.off[pitch] = IMPOSSIBLE;
    this.free(pitch);
  }

  /* Allow to strike a key of the piano that is up and not barred, as soon as it may be struck again. */
  free(pitch) {
    if (this.down[pitch] || this.barred.has(pitch) || pitch < LOWEST_KEY || pitch > HIGHEST_KEY) return;
    const again = this.last[pitch] + AGAIN;
    if (again <= this.now) this.on[pitch] = 0;
    else this.soon = [...this.soon, [again, pitch]].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  }
}
