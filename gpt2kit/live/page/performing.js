/* ---- playing with the model: what is played is a performance, which the model continues while it sounds ---- */
/* `given` are the notes before the model's newest answer, the events `live.answer`; `all` are the notes of both. */
const session = { given: [], all: [], begun: null, sounding: new Map(), going: null, waiting: 0 };
const IDLE = 4;  // seconds without a key, after which the clock of a performance stops
const AHEAD_SECONDS = 1;  // of the model before its notes sound
const emptyPiece = JSON.parse(byId("piece").textContent);
const question = () => ({ notes: session.given, answer: live.answer, off: live.off });
const showAnswer = (chosen) => fill("so-far", ...(chosen || []).flatMap((text, place) => [place ? ", " : "", make("span", { class: "tok event", text })]));
/* The performance with the answer; a chosen event that strikes a key sounds. */
function showSound({ notes }, heard) {
  session.all = notes;
  if (session.going) return;
  showNotes(notes, endOf(notes));
  if (heard && live.answer.at(-1) < 128) roll.hear(notes.findLastIndex(({ pitch }) => pitch === live.answer.at(-1)));
}
const add = (id) => { live.answer.push(id); refresh(null, "last"); };
const endOf = (notes) => notes.reduce((latest, { end }) => Math.max(latest, end), 0);
const seconds = () => performance.now() / 1000;

function showNotes(notes, at = null) {
  const column = (name, scale = 1) => notes.map((note) => Math.round(scale * note[name]));
  roll.load({ ...emptyPiece, pitch: column("pitch"), velocity: column("velocity"), start: column("start", 1000), end: column("end", 1000) });
  if (at !== null) roll.seek(at);
  byId("download").disabled = byId("clear").disabled = !notes.length;
  byId("fill").disabled = !notes.length;
}

/* ---- what the user plays ---- */
keys.press = (pitch, velocity) => {
  if (session.going) stop();
  const { all, begun } = session, now = seconds();
  roll.piano.open();
  if (begun === null) {
    session.given = all;
    live.answer = [];
    session.begun = now - endOf(all) - (all.length ? 0.5 : 0);
  }
  const sound = roll.piano.audible() ? roll.piano.strike(pitch, velocity, Infinity) : null;
  session.sounding.set(pitch, { pitch, velocity, start: now - session.begun, sound });
  clearTimeout(session.waiting);
};
keys.release = (pitch) => {
  const { sound, ...note } = session.sounding.get(pitch);
  session.sounding.delete(pitch);
  if (sound) sound.release();
  session.all = [...session.all, { ...note, end: Math.max(seconds() - session.begun, note.start + 0.02) }].sort((a, b) => a.start - b.start);
  session.given = session.all;
  showNotes(session.all, endOf(session.all));
  clearTimeout(session.waiting);
  session.waiting = setTimeout(() => { session.begun = null; refresh(); }, 1000 * IDLE);
};

/* ---- the model plays on ---- */
async function goOn() {
  clearTimeout(session.waiting);
  const going = { strokes: new Map(), begin: 0, now: 0, started: null, done: null, shown: 0 };
  Object.assign(session, { given: session.all, begun: null, going });
  roll.piano.open();
  byId("go-on").textContent = "stop";
  going.timer = setInterval(() => sound(going), 40);
  try {
    const asked = { notes: session.given, off: live.off, seconds: numberOf("go-seconds") || 15, wish: wishes(), ...drawKnobs() };
    byId("ten-said").textContent = `seed ${asked.seed}`;
    going.done = await ask("play", asked, ({ begin, strokes = [], now = going.now }) => {
      if (begin !== undefined) going.begin = going.now = begin;
      for (const stroke of strokes) going.strokes.set(stroke.number, { ...going.strokes.get(stroke.number), ...stroke });
      going.now = now;
    });
  } catch (error) {
    if (!(error instanceof Outdated)) byId("busy").textContent = error.message;
  }
}
/* Hand the notes that are due to the piano; wait where the model is slower than the music. */
function sound(going) {
  const { piano } = roll, complete = going.done !== null;
  if (going.started === null) {
    if (!complete && going.now < going.begin + AHEAD_SECONDS) return;
    going.started = piano.now() + 0.1;
  }
  let at = going.begin + piano.now() - going.started;
  if (!complete && at > going.now) {
    going.started += at - going.now;
    at = going.now;
  }
  for (const stroke of going.strokes.values()) {
    const when = going.started + stroke.start - going.begin;
    if (!stroke.struck && stroke.start < at + 0.3) {
      stroke.struck = true;
      stroke.sound = piano.audible() ? piano.strike(stroke.pitch, stroke.velocity, Infinity, when) : null;
    }
    if (stroke.struck && stroke.end !== null && !stroke.released) {
      stroke.released = true;
      if (stroke.sound) stroke.sound.release(going.started + stroke.end - going.begin);
    }
  }
  if (++going.shown % 6 === 0) showNotes(heardBy(going, Infinity), Math.max(at, going.begin));
  if (complete && at > Math.max(going.begin, endOf(going.done.notes))) finish(going.done.notes, going.done.ids);
}
/* The performance as it has sounded up to a time. */
function heardBy(going, time) {
  const played = [...going.strokes.values()].filter(({ start }) => start < time).map(({ pitch, velocity, start, end }) => ({ pitch, velocity, start, end: Math.min(end ?? Math.max(going.now, start + 0.05), time) }));
  return [...session.given.map((note) => ({ ...note, end: Math.min(note.end, Math.max(time, going.begin)) })), ...played].sort((a, b) => a.start - b.start);
}
function finish(notes, answer) {
  clearInterval(session.going.timer);
  Object.assign(session, { going: null, all: notes });
  live.answer = answer;
  byId("go-on").textContent = "go on";
  showNotes(notes, endOf(notes));
  refresh();
}
/* What has sounded stays. */
function stop() {
  const { going } = session, at = going.started === null ? going.begin : going.begin + Math.max(0, roll.piano.now() - going.started), notes = heardBy(going, at);
  ask("play", null);
  roll.piano.hush();
  session.given = notes;
  finish(notes, []);
}

/* ---- buttons ---- */
const wishes = () => {
  const notes = numberOf("wish-notes"), velocity = numberOf("wish-velocity");
  return notes === null && velocity === null ? null : { notesPerSecond: notes, velocity };
};
byId("go-on").onclick = () => session.going ? stop() : goOn();
byId("clear").onclick = () => {
  if (session.going) stop();
  Object.assign(session, { given: [], all: [], begun: null });
  live.answer = [];
  showNotes([]);
  refresh();
};
byId("download").onclick = async () => {
  const bytes = await ask("midi", { notes: session.all }), link = make("a", { href: URL.createObjectURL(new Blob([bytes], { type: "audio/midi" })), download: "performance.mid" });
  link.click();
  URL.revokeObjectURL(link.href);
};
byId("fill").onclick = async () => {
  const begin = numberOf("fill-from"), end = numberOf("fill-to"), { shortest_gap: least, longest_gap: most } = settings.performance;
  if (begin === null || end === null || end - begin < least || end - begin > most) {
    byId("fill-said").textContent = `give two times in seconds, ${least} to ${most} s apart`;
    return;
  }
  byId("fill-said").textContent = "filling …";
  try {
    const asked = { notes: session.all, begin, end, off: live.off, wish: wishes(), ...drawKnobs() }, { notes } = await ask("fill", asked);
    byId("fill-said").textContent = `seed ${asked.seed}`;
    Object.assign(session, { given: notes, all: notes });
    live.answer = [];
    showNotes(notes);
    roll.play(Math.max(0, begin - 2));
    refresh();
  } catch (error) {
    if (!(error instanceof Outdated)) byId("fill-said").textContent = error.message;
  }
};
byId("filling").hidden = !settings.performance.infills;
byId("undo").onclick = () => { live.answer.pop(); refresh(); };
byId("restart").onclick = () => { live.answer = []; refresh(); };
byId("undo").textContent = "remove one event";
byId("ten").hidden = true;
byId("looks").hidden = true;
byId("sides").classList.add("events");
refresh();
