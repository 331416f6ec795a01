/* ---- a performance that is there: fill a gap, download it, clear it, choose its events one by one ---- */
async function fillGap() {
  if (!valid()) return;
  if (session.going) stop();
  endPlaying();
  const begin = numberOf("fill-from"), end = numberOf("fill-to"), before = session.all, { shortest_gap: least, longest_gap: most } = settings.performance;
  const tell = (text) => { byId("fill-said").textContent = text; };
  if (begin === null || end === null || end - begin < least || end - begin > most) return tell(`give two times in seconds, the second ${least} to ${most} s after the first`);
  if (begin >= endOf(before)) return tell(`the performance ends at ${endOf(before).toFixed(1)} s: the gap must begin before that`);
  tell("filling …");
  try {
    const asked = { notes: before, begin, end, off: live.off, wish: wishes(), ...drawKnobs() }, { notes } = await ask("fill", asked);
    if (session.all !== before || session.going || session.begun !== null) return tell("nothing was filled, because the performance has changed");
    tell(`seed ${asked.seed}`);
    Object.assign(session, { given: notes, all: notes, filled: { notes, part: [begin, end] } });
    live.answer = [];
    showNotes();
    roll.play(Math.max(0, begin - 2));
    read();
    refresh();
  } catch (error) {
    if (!(error instanceof Outdated)) tell(error.message);
  }
}
function clear() {
  if (session.going) stop();
  endPlaying();
  roll.piano.hush();
  Object.assign(session, { given: [], all: [] });
  live.answer = [];
  for (const id of ["ten-said", "fill-said"]) byId(id).textContent = "";
  showNotes();
  refresh();
}
async function download() {
  const bytes = await ask("midi", { notes: performed() }), href = URL.createObjectURL(new Blob([bytes], { type: "audio/midi" }));
  make("a", { href, download: "performance.mid" }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60000);  // some browsers read it after a while
}
byId("fill").onclick = fillGap;
byId("clear").onclick = clear;
byId("download").onclick = download;
byId("filling").hidden = !settings.performance.infills;
byId("undo").onclick = () => { live.answer.pop(); refresh(); };
byId("restart").onclick = () => { live.answer = []; refresh(); };
byId("events").ontoggle = showEnd;
byId("undo").textContent = "remove one event";
byId("ten").hidden = byId("looks").hidden = true;
byId("how").append(byId("ten").parentElement);
byId("controls").append(byId("busy"));
byId("events").append(byId("choice"));
byId("performance").append(byId("events"));
byId("sides").classList.add("events");
document.querySelector("nav").before(byId("remarks"));  // what appears later must not move the piano
showNotes();
refresh();
