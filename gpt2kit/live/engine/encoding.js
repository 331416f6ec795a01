/* Notes as a stream of performance events, as in gpt2kit/music/stream/encoding.py and transform.py.

   A note is {pitch, velocity, start, end}: velocity 1 to 127, times in seconds. The end of a key that is still down is
   Infinity. At one step all NOTE_OFFs come before all NOTE_ONs, each in order of pitch. */

/* Compares numbers, which may be infinite. */
const inSize = (a, b) => a < b ? -1 : a > b ? 1 : 0;

/* Notes in order of start, pitch and end; of one pitch, the first struck is the first to end. */
function inOrder(notes) {
  const ordered = [...notes].sort((a, b) => a.start - b.start || a.pitch - b.pitch || inSize(a.end, b.end));
  const ends = new Map();
  for (const { pitch } of ordered) ends.set(pitch, []);
  for (const { pitch, end } of ordered) ends.get(pitch).push(end);
  for (const each of ends.values()) each.sort(inSize);
  return ordered.map((note) => ({ ...note, end: ends.get(note.pitch).shift() }));
}

/* The events of a performance, without BEGIN and END. */
const encodeNotes = (notes) => streamOf(eventsOf(inOrder(notes), () => true));

/* The events before the time `until` (seconds), for a continuation: the stream lasts exactly until then, and a note that
   still sounds has no NOTE_OFF. */
function encodeUntil(notes, until) {
  const total = quantised(until), struck = inOrder(notes.filter((note) => note.start < until));
  return streamOf(eventsOf(struck, (note, endStep) => note.end <= until && endStep <= total), total);
}

/* The NOTE_ONs and NOTE_OFFs {id, step, bin} of notes in order; those that are not over have no NOTE_OFF. */
function eventsOf(notes, isOver) {
  const offs = [], ons = [];
  for (const note of notes) {
    const step = quantised(note.start), endStep = Math.max(quantised(note.end), step + 1);
    if (isOver(note, endStep)) offs.push({ id: NOTE_OFF + note.pitch, step: endStep, bin: 0 });
    ons.push({ id: note.pitch, step, bin: velocityBin(note.velocity) });
  }
  return [...offs, ...ons];
}

/* NOTE_ONs and NOTE_OFFs as one stream, which lasts at least until step `total`. */
function streamOf(events, total = 0) {
  // By step, then offs before ons, then by pitch: `^ NOTE_OFF` swaps the halves of the ids of notes.
  const ordered = [...events].sort((a, b) => a.step - b.step || (a.id ^ NOTE_OFF) - (b.id ^ NOTE_OFF));
  const ids = [];
  let now = 0, inForce = 0;
  const pass = (step) => {
    for (; now < step; now += stepsOf(ids.at(-1))) ids.push(TIME_SHIFT - 1 + Math.min(step - now, LONGEST_SHIFT));
  };
  for (const { id, step, bin } of ordered) {
    pass(step);
    if (bin && bin !== inForce) ids.push(VELOCITY - 1 + (inForce = bin));
    ids.push(id);
  }
  pass(total);
  return ids;
}

/* A stream without the shifts at its end. */
function withoutWait(ids) {
  let length = ids.length;
  while (length && isShift(ids[length - 1])) length--;
  return ids.slice(0, length);
}

/* The number of steps of a stream, and its duration. */
const streamSteps = (ids) => ids.reduce((steps, id) => steps + stepsOf(id), 0);
const streamSeconds = (ids) => streamSteps(ids) / STEPS_A_SECOND;

/* The NOTE_ONs and NOTE_OFFs {id, step, bin} of a stream; bin is the velocity in force, 0 if there is none yet. */
function noteEvents(ids) {
  const found = [];
  let step = 0, bin = 0;
  for (const id of ids) {
    if (id < TIME_SHIFT) found.push({ id, step, bin });
    else if (id < VELOCITY) step += stepsOf(id);
    else if (id < BEGIN) bin = id - VELOCITY + 1;
  }
  return found;
}

/* The VELOCITY in force before a place of a stream; null if its piece has none before. */
function soundingVelocity(ids, place) {
  for (let before = place - 1; before >= 0; before--) {
    if (ids[before] >= VELOCITY && ids[before] < AHEAD) return ids[before] < BEGIN ? ids[before] : null;
  }
  return null;
}

/* The end of the music in at most `room` ids, the first of which is the VELOCITY in force there: what a model continues
   from when its window is full. NOTE_OFFs of notes struck before stay. */
function recentEvents(ids, room) {
  if (ids.length <= room) return [...ids];
  if (room <= 1) return [ids.at(-1)];
  const start = ids.length - room + 1, velocity = soundingVelocity(ids, start);
  if (velocity === null || (ids[start] >= VELOCITY && ids[start] < AHEAD)) return ids.slice(start);
  return [velocity, ...ids.slice(start)];
}
