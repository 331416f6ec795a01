/* The vocabulary of performance events, as in gpt2kit/music/stream/events.py and announcements.py.

     NOTE_ON      0 to 127    pitch = id
     NOTE_OFF   128 to 255    pitch = id - 128
     TIME_SHIFT 256 to 355    id - 255 steps of 10 ms
     VELOCITY   356 to 387    id - 355 is the bin of the notes that follow, until the next
     BEGIN, END, PAD          388, 389, 390
     AHEAD      391 to 478    a given note of key 21 to 108 comes; only in runs that know announcements */
const NOTE_OFF = 128, TIME_SHIFT = 256, VELOCITY = 356, BEGIN = 388, END = 389, PAD = 390, AHEAD = 391;
const STEPS_A_SECOND = 100, LONGEST_SHIFT = 100;
const VELOCITY_BINS = 32;
const DEFAULT_BIN = 16;  // of notes that no VELOCITY precedes
const LONGEST_HANGING = 5 * STEPS_A_SECOND;  // steps that a note without a NOTE_OFF sounds at most
const LOWEST_KEY = 21, HIGHEST_KEY = 108;  // of a piano
const LEAD = STEPS_A_SECOND;  // steps from an announcement to its note

const PITCH_NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B"];
/* 60 is C4. */
const pitchName = (pitch) => `${PITCH_NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

/* Four velocities share a bin, 1 to 32; a bin's velocity is in its middle. */
const velocityBin = (velocity) => Math.floor((velocity - 1) / 4) + 1;
const binVelocity = (bin) => 4 * bin - 2;

/* Steps of 10 ms, halves rounded up. */
const quantised = (seconds) => Math.floor(seconds * STEPS_A_SECOND + 0.5);

const isShift = (id) => id >= TIME_SHIFT && id < VELOCITY;
/* The steps that pass after an event. */
const stepsOf = (id) => isShift(id) ? id - TIME_SHIFT + 1 : 0;

/* The announcement of a pitch; one outside of the piano has that of the nearest octave inside. */
function aheadOf(pitch) {
  let key = pitch;
  while (key < LOWEST_KEY) key += 12;
  while (key > HIGHEST_KEY) key -= 12;
  return AHEAD + key - LOWEST_KEY;
}

/* An event in musicians' terms: C4 on, C4 off, 120 ms, velocity 78, BEGIN, C4 ahead. */
function spokenEvent(id) {
  if (id > AHEAD + HIGHEST_KEY - LOWEST_KEY) return `id ${id}`;
  if (id >= AHEAD) return `${pitchName(id - AHEAD + LOWEST_KEY)} ahead`;
  if (id >= BEGIN) return ["BEGIN", "END", "PAD"][id - BEGIN];
  if (id >= VELOCITY) return `velocity ${binVelocity(id - VELOCITY + 1)}`;
  if (id >= TIME_SHIFT) return `${stepsOf(id) * 1000 / STEPS_A_SECOND} ms`;
  return `${pitchName(id & 127)} ${id >= NOTE_OFF ? "off" : "on"}`;
}
