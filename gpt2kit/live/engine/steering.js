/* Density and loudness on request, as in gpt2kit/music/playing/steering.py: for each wish a proportional-integral
   controller compares the last seconds with it, and leans the logits of events by the difference, within bounds.

   A wish is {notesPerSecond, velocity}, null where anything is welcome. Sums are in double and what is added to a bias is
   in float32, as NumPy computes it. */
const BOUND = 3;  // the most that a wish adds to a logit, or takes from it
const DENSITY_WINDOW = 4 * STEPS_A_SECOND;  // steps of music whose density is compared with the wish
const RECENT_NOTES = 30;  // whose mean velocity is compared with the wish
const ASSUMED_NOTES = 3;  // as many notes at the wish are taken to precede the first one
/* How much longer each TIME_SHIFT is than 100 ms. Shorter ones are within chords, which stay as they are. */
const LONGER = Float32Array.from({ length: LONGEST_SHIFT }, (_, steps) => Math.log(Math.max((steps + 1) / 10, 1)));

const withinBound = (value, bound) => Math.min(Math.max(value, -bound), bound);

class Steering {
  /* Begin `wait` steps after a prompt, whose own density and loudness do not count. */
  constructor(wish, prompt, wait = 0) {
    this.density = wish.notesPerSecond === null ? null : new Density(wish.notesPerSecond, wait);
    this.loudness = wish.velocity === null ? null : new Loudness(wish.velocity);
    const velocity = soundingVelocity(prompt, prompt.length);
    this.bin = velocity === null ? DEFAULT_BIN : velocity - VELOCITY + 1;  // in force
    this.ready = false;  // the last event was a VELOCITY, to which was added what the note would get
  }

  /* Add to what an automaton wrote. An id that is impossible stays so. */
  lean(bias) {
    // By velocity: added to its VELOCITY, or to NOTE_ONs if it is in force.
    const notes = new Float32Array(VELOCITY_BINS);
    if (this.density) {
      const { shifts, note } = this.density.leaning();
      for (let place = 0; place < LONGEST_SHIFT; place++) bias[TIME_SHIFT + place] += shifts[place];
      notes.fill(note);
    }
    if (this.loudness) this.loudness.leaning().forEach((lean, place) => { notes[place] += lean; });
    for (let place = 0; place < VELOCITY_BINS; place++) bias[VELOCITY + place] += notes[place];
    if (!this.ready) for (let pitch = 0; pitch < NOTE_OFF; pitch++) bias[pitch] += notes[this.bin - 1];
  }

  /* Count an event that was played, if it is not a note that is given. */
  accept(id, isGiven = false) {
    if (id >= BEGIN) return;
    this.ready = id >= VELOCITY;
    if (this.ready) this.bin = id - VELOCITY + 1;
    else if (isShift(id)) this.density?.passed(stepsOf(id));
    else if (id < NOTE_OFF && !isGiven) {
      this.density?.struck();
      this.loudness?.struck(this.bin);
    }
  }
}

/* Steers by time: longer or shorter waits, and fewer notes at a time where there are too many. */
class Density {
  constructor(wished, wait) {
    Object.assign(this, { wished, now: -wait, sum: 0, struckAt: [] });
  }

  /* What to add to each TIME_SHIFT, and to notes. */
  leaning() {
    const denser = withinBound(2 * this.missing(this.struckAt.length) + this.sum, 2), lean = Math.fround(-denser);
    return { shifts: LONGER.map((longer) => withinBound(Math.fround(lean * longer), BOUND)), note: 1.5 * Math.min(denser, 0) };
  }

  passed(shift) {
    const begun = Math.max(this.now, 0);
    this.now += shift;
    const steps = this.now - begun;
    if (steps <= 0) return;
    // Notes leave the window while the time passes: the mean number of those in it.
    const notes = this.struckAt.reduce((sum, struck) => sum + Math.min(this.now, struck + DENSITY_WINDOW) - begun, 0) / steps;
    while (this.struckAt.length && this.struckAt[0] < this.now - DENSITY_WINDOW) this.struckAt.shift();
    this.sum = withinBound(this.sum + 0.3 * this.missing(notes) * steps / STEPS_A_SECOND, 2);
  }

  struck() {
    this.struckAt.push(this.now);
  }

  /* The share of the wish that a window with this many notes lacks; negative if it is too dense. A second at the wish is
     added to the window, without which the first note would be too many. */
  missing(notes) {
    const seconds = Math.min(DENSITY_WINDOW, Math.max(this.now, 0)) / STEPS_A_SECOND;
    return Math.max(1 - (notes / this.wished + 1) / (seconds + 1), -2);
  }
}

/* Steers by velocity: leans by the same for every bin, so that accents and voices stay apart. */
class Loudness {
  constructor(velocity) {
    Object.assign(this, { wished: (velocity + 2) / 4, sum: 0, bins: [] });  // in bins: the middle of bin 1 is velocity 2
  }

  /* What to add to a note of each bin. */
  leaning() {
    const mean = this.mean(), louder = Math.fround(withinBound(0.08 * (this.wished - mean) + this.sum, 0.6)), middle = Math.fround(mean);
    return Float32Array.from({ length: VELOCITY_BINS }, (_, place) => withinBound(Math.fround(louder * Math.fround(place + 1 - middle)), BOUND));
  }

  struck(bin) {
    this.bins.push(bin);
    if (this.bins.length > RECENT_NOTES) this.bins.shift();
    this.sum = withinBound(this.sum + 0.002 * (this.wished - this.mean()), 0.6);
  }

  mean() {
    return (this.bins.reduce((sum, bin) => sum + bin, 0) + ASSUMED_NOTES * this.wished) / (this.bins.length + ASSUMED_NOTES);
  }
}

/* Any automaton over events, with what steers its music. What it forces or forbids stays forced or forbidden. `due()`
   says which id comes next of what is given (null: none): it is neither counted nor made likelier than new notes. */
class Steered {
  constructor(automaton, steering, due = () => null) {
    Object.assign(this, { automaton, steering, due });
  }

  get over() {
    return this.automaton.over;
  }

  get groups() {
    return this.automaton.groups;
  }

  weigh(bias) {
    this.automaton.weigh(bias);
    const due = this.due(), before = due === null ? 0 : bias[due];
    this.steering.lean(bias);
    if (due !== null) bias[due] = before;
  }

  accept(id) {
    const isGiven = id < NOTE_OFF && id === this.due();
    this.automaton.accept(id);
    this.steering.accept(id, isGiven);
  }
}
