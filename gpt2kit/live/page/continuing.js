/* ---- the model plays on: its notes are handed to the piano while it plays ---- */
/* `going`: strokes of a Keyboard by their numbers; `begin`, when the continuation begins, and `now`, up to when the model
   has played, in seconds of the performance; `started`, when `begin` sounds on the clock of the piano, which was that of
   the sound if `heard`; `at`, what sounds now; `done`, the whole answer. */
const AHEAD_SECONDS = 0.5;  // of the model before its notes sound
const HANDED_SECONDS = 1.2;  // hidden pages wake once a second
async function goOn() {
  if (!valid()) return;
  endPlaying();
  live.turn++;  // figures that are being computed would be of an earlier performance
  live.answer = [];
  const begin = endOf(session.all), going = { strokes: new Map(), begin, now: begin, at: begin, started: null, heard: null, done: null, changed: true, ticks: 0 };
  Object.assign(session, { given: session.all, going });
  showGoing(true);
  roll.piano.open();
  going.timer = setInterval(() => sound(going), 40);
  try {
    const asked = { notes: session.given, off: live.off, seconds: numberOf("go-seconds") || 15, wish: wishes(), ...drawKnobs() };
    byId("ten-said").textContent = `seed ${asked.seed}`;
    going.done = await ask("play", asked, (part) => hearPart(going, part));
  } catch (error) {
    if (session.going !== going) return;
    stop();
    say(error.message);
  }
}
function hearPart(going, { begin, strokes = [], now = going.now }) {
  if (begin !== undefined) going.begin = going.at = now = begin;
  for (const stroke of strokes) going.strokes.set(stroke.number, { ...going.strokes.get(stroke.number), ...stroke });
  going.now = now;
  going.changed = true;
}
function showGoing(on) {
  byId("go-on").textContent = on ? "stop" : "go on";
  byId("play").disabled = on;
  lightKeys(new Set());
  if (on) { say(""); showNotes(session.all, endOf(session.all)); }
}
/* Hand the notes that are due to the piano; wait where the model is slower than the music. */
function sound(going) {
  const { piano } = roll, complete = going.done !== null;
  if (going.started === null && !complete && going.now < going.begin + AHEAD_SECONDS) return;
  if (going.started === null || going.heard !== piano.audible()) {
    going.started = piano.now() + (going.started === null ? 0.05 : 0) - (going.at - going.begin);
    going.heard = piano.audible();
  }
  going.at = Math.max(going.begin, going.begin + piano.now() - going.started);
  if (!complete && going.at > going.now) {
    going.started += going.at - going.now;
    going.at = going.now;
  }
  const { at } = going, strokes = [...going.strokes.values()];
  for (const stroke of strokes) handOver(going, stroke);
  lightKeys(new Set(strokes.filter(({ start, end }) => start <= at && at < (end ?? Infinity)).map(({ pitch }) => pitch)));
  if (going.changed && ++going.ticks % 6 === 1) {
    going.changed = !complete;
    showNotes(heardBy(going, Infinity), going.at);
  } else showTime(going.at);
  if (complete && going.at > Math.max(going.begin, endOf(going.done.notes))) finish(going.done.notes, going.done.ids);
}
function handOver(going, stroke) {
  const { piano } = roll, when = (time) => going.started + time - going.begin;
  if (!stroke.struck && stroke.start < going.at + HANDED_SECONDS) {
    stroke.struck = true;
    stroke.sound = going.heard ? piano.strike(stroke.pitch, stroke.velocity, Infinity, when(stroke.start)) : null;
  }
  if (stroke.struck && stroke.end !== null && !stroke.released) {
    stroke.released = true;
    if (stroke.sound) stroke.sound.release(when(stroke.end));
  }
}
/* The performance as it has sounded up to a time. */
function heardBy(going, time) {
  const played = [...going.strokes.values()].filter(({ start }) => start < time).map(({ pitch, velocity, start, end }) => ({ pitch, velocity, start, end: Math.min(end ?? Math.max(going.now, start + 0.05), time) }));
  return [...session.given, ...played].sort((a, b) => a.start - b.start);
}
const performed = () => session.going ? heardBy(session.going, session.going.started === null ? -1 : session.going.at) : session.all;
function finish(notes, answer) {
  clearInterval(session.going.timer);
  Object.assign(session, { going: null, all: notes });
  live.answer = answer;
  showGoing(false);
  showNotes();
  read();
  refresh();
}
/* What has sounded stays. Returns when it stopped, in seconds of the performance; null if nothing had begun. */
function stop() {
  const { going } = session, notes = performed(), at = going.started === null ? null : going.at;
  ask("play", null).catch(() => {});  // it may be outdated at once
  roll.piano.hush();
  session.given = notes;
  finish(notes, []);
  return at;
}
const wishes = () => {
  const notes = numberOf("wish-notes"), velocity = numberOf("wish-velocity");
  return notes === null && velocity === null ? null : { notesPerSecond: notes, velocity };
};
/* Whether all numbers are in their ranges; the browser says what is wrong with the first that is not. */
function valid() {
  const wrong = outOfRange();
  if (!wrong) return true;
  if (wrong.closest("details")) wrong.closest("details").open = true;
  wrong.reportValidity();
  return false;
}
byId("go-on").onclick = () => session.going ? stop() : goOn();
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !session.going || event.target.matches("input, select, textarea, button, summary")) return;
  event.preventDefault();
  event.stopPropagation();
  stop();
}, true);
