/* ---- playing with the model: what the user plays is a performance, which the model can continue ---- */
/* `given` are the notes before the model's newest answer, the events `live.answer`; `all` are the notes of both. While
   the user plays, the performance began at `begun`, on the page's clock; `sounding` are the keys that are down. While the
   model plays, `going` is what continuing.js keeps. A note is {pitch, velocity, start, end} in seconds. */
const session = { given: [], all: [], begun: null, sounding: new Map(), going: null, waiting: 0 };
const IDLE = 3;  // seconds without a key, after which the clock of a performance stops
const BREATH = 0.5;  // seconds between the end of a performance and the user's next key
const IN_VIEW = 15;  // seconds of the roll while somebody plays
const emptyPiece = JSON.parse(byId("piece").textContent);
const question = () => ({ notes: session.given, answer: live.answer, off: live.off });
const showAnswer = (chosen) => fill("so-far", ...(chosen || []).flatMap((text, place) => [place ? ", " : "", make("span", { class: "tok event", text })]));
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

/* Show notes: all of them, or while somebody plays those around a time. What was there before the model is shaded. */
function showNotes(notes = session.all, at = null) {
  const column = (name, scale = 1) => notes.map((note) => Math.round(scale * note[name]));
  const primer = session.going || live.answer.length ? endOf(session.given) : 0;
  roll.load({ ...emptyPiece, primer, pitch: column("pitch"), velocity: column("velocity"), start: column("start", 1000), end: column("end", 1000) });
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
    session.given = session.all;
    live.answer = [];
    live.turn++;  // figures that are being computed would be of an earlier performance
    say("");
    session.begun = now - (at ?? (end ? end + BREATH : 0));
    showNotes(session.all, now - session.begun);
  }
  session.sounding.set(pitch, { pitch, velocity, start: now - session.begun, sound: null });
  strikeHeld(pitch, session.sounding.get(pitch));
};
/* A browser takes a moment to let sound begin. */
function strikeHeld(pitch, key) {
  if (session.sounding.get(pitch) !== key) return;
  if (roll.piano.audible()) key.sound = roll.piano.strike(pitch, key.velocity, Infinity);
  else setTimeout(strikeHeld, 30, pitch, key);
}
keys.release = (pitch) => {
  const { sound, ...note } = session.sounding.get(pitch), now = seconds() - session.begun;
  session.sounding.delete(pitch);
  if (sound) sound.release();
  session.given = session.all = [...session.all, { ...note, end: Math.max(now, note.start + 0.02) }].sort((a, b) => a.start - b.start);
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
  session.begun = null;
}
