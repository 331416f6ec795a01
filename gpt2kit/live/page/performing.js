/* ---- playing with the model: what the user plays is a performance, which the model can continue ---- */
/* `given` are the notes before the model's newest answer, the events `live.answer`; `all` are the notes of both. While
   the user plays, the performance began at `begun`, on the page's clock; `sounding` are the keys that are down. While the
   model plays, `going` is what continuing.js keeps. `filled` is the last gap that was filled: {notes, part}, the times [begin,
   end]. A note is {pitch, velocity, start, end} in seconds. */
const session = { given: [], all: [], begun: null, sounding: new Map(), going: null, filled: null, waiting: 0, ticking: 0 };
const IDLE = 3;  // seconds without a key, after which the clock of a performance stops
const BREATH = 0.5;  // seconds between the end of a performance and the user's next key
const LATE = 0.5;  // seconds after its release in which a key may begin to sound, and for which it then sounds at most
const IN_VIEW = 15;  // seconds of the roll while somebody plays
const emptyPiece = JSON.parse(byId("piece").textContent);
const question = () => ({ notes: session.given, answer: live.answer, off: live.off });
function showAnswer(chosen) {
  const before = byId("so-far").querySelectorAll(".tok").length;
  fill("so-far", ...chosen.flatMap((text, place) => [place ? ", " : "", make("span", { class: "tok event", text })]));
  if (chosen.length > before) showEnd();
}
const showEnd = () => { byId("so-far").scrollTop = byId("so-far").scrollHeight; };
/* The performance with the answer; a chosen event that strikes a key sounds. */
function showSound({ notes }, heard) {
  if (session.going || session.begun !== null) return;
  if (JSON.stringify(notes) !== JSON.stringify(session.all)) session.all = notes;  // what waits for these notes sees whether they change
  showNotes();
  if (heard && live.answer.at(-1) < 128) roll.hear(notes.findLastIndex(({ pitch }) => pitch === live.answer.at(-1)));
}
const add = (id) => { live.answer.push(id); refresh(null, "last"); };
const endOf = (notes) => notes.reduce((latest, { end }) => Math.max(latest, end), 0);
const seconds = () => performance.now() / 1000;
const say = (text) => { byId("busy").textContent = text; };

/* Show notes: all of them, or while somebody plays those around a time, with the keys that are down. What the model left
   as it was is shaded. */
function showNotes(performed = session.all, at = null) {
  const down = [...session.sounding.values()].map((key) => ({ ...key, end: at, down: true }));
  const notes = down.length ? [...performed, ...down].sort((a, b) => a.start - b.start) : performed;
  const column = (name, scale = 1) => notes.map((note) => Math.round(scale * note[name]));
  const primer = session.going || live.answer.length ? endOf(session.given) : 0;
  const part = !primer && session.filled && session.filled.notes === session.given ? session.filled.part : null;
  roll.load({ ...emptyPiece, primer, part, held: notes.flatMap(({ down }, place) => down ? [place] : []), pitch: column("pitch"), velocity: column("velocity"), start: column("start", 1000), end: column("end", 1000) });
  if (at === null) roll.show(0, Infinity); else showTime(at);
  if (at === null) roll.seek(endOf(notes));
  for (const id of ["download", "clear", "fill"]) byId(id).disabled = !notes.length;
}
function showTime(at) {
  roll.show(at - 0.8 * IN_VIEW, at + 0.2 * IN_VIEW);
  roll.seek(at);
}
/* Let the model read the performance, so that it can go on at once. */
const read = () => ask("read", { notes: session.all, off: live.off }).catch(() => {});

/* ---- what the user plays ---- */
keys.press = (pitch, velocity) => {
  const at = session.going ? stop() : null, now = seconds();
  clearTimeout(session.waiting);
  roll.piano.open();
  if (session.begun === null) {
    const end = endOf(session.all);
    Object.assign(session, { given: session.all, filled: null });
    live.answer = [];
    live.turn++;  // figures that are being computed would be of an earlier performance
    say("");
    session.begun = now - (at ?? (end ? end + BREATH : 0));
    session.ticking = setInterval(showNow, 40);
  }
  const key = { pitch, velocity, start: now - session.begun, sound: null, released: null };
  session.sounding.set(pitch, key);
  strike(key);
  showNotes(session.all, key.start);
};
/* A browser takes a moment to let sound begin, and before the first click refuses it until a finger is lifted. */
function strike(key) {
  const { pitch, velocity, released } = key;
  if (released && seconds() > released.at + LATE) return;
  if (roll.piano.audible()) key.sound = roll.piano.strike(pitch, velocity, released ? Math.min(released.after, LATE) : Infinity);
  else setTimeout(strike, 30, key);
}
/* The clock of the performance, and the keys that are down. */
function showNow() {
  const now = seconds() - session.begun;
  if (roll.lengthen(now)) showTime(now);
}
keys.release = (pitch) => {
  const key = session.sounding.get(pitch), { velocity, start } = key, now = seconds() - session.begun, end = Math.max(now, start + 0.02);
  session.sounding.delete(pitch);
  key.released = { at: seconds(), after: end - start };
  if (key.sound) key.sound.release(); else roll.piano.open();
  session.given = session.all = [...session.all, { pitch, velocity, start, end }].sort((a, b) => a.start - b.start);
  showNotes(session.all, now);
  clearTimeout(session.waiting);
  if (!session.sounding.size) session.waiting = setTimeout(pauseClock, 100);
};
function pauseClock() {
  read();
  session.waiting = setTimeout(() => { endPlaying(); showNotes(); refresh(); }, 1000 * IDLE);
}
/* The user's playing is over: all keys are up. */
function endPlaying() {
  releaseKeys();
  clearTimeout(session.waiting);
  clearInterval(session.ticking);
  session.begun = null;
}
byId("piano-keys").addEventListener("touchend", () => roll.piano.open());  // some browsers allow sound here, not as a finger comes down
