/* ---- the model of this page, in a Worker; a page that plays has a second one, which never waits for the figures ---- */
const PERFORMING = ["play", "fill", "read", "midi"];
/* A question that a later one has replaced. */
class Outdated extends Error {}
const door = { turn: 0, open: new Map(), newest: {} };
function receive({ data: { turn, part, found, error } }) {
  const asked = door.open.get(turn);
  if (!asked) return;
  if (part !== undefined) { asked.each(part); return; }
  door.open.delete(turn);
  if (error) asked.reject(new Error(error)); else asked.resolve(found);
}
const script = URL.createObjectURL(new Blob([JSON.parse(byId("engine").textContent)], { type: "text/javascript" }));
function startWorker() {
  const worker = new Worker(script);
  worker.onmessage = receive;
  worker.onerror = ({ message }) => { byId("busy").textContent = `The model cannot be started: ${message}`; };
  return worker;
}
door.worker = startWorker();
door.performer = settings.performance ? startWorker() : null;
/* Ask the model; `each` receives parts of the answer while it is made. A later question of this kind rejects it. */
function ask(kind, question, each = () => {}) {
  const turn = ++door.turn, before = door.open.get(door.newest[kind]);
  if (before) { door.open.delete(door.newest[kind]); before.reject(new Outdated()); }
  door.newest[kind] = turn;
  return new Promise((resolve, reject) => {
    door.open.set(turn, { resolve, reject, each });
    (door.performer && PERFORMING.includes(kind) ? door.performer : door.worker).postMessage({ turn, kind, question });
  });
}
if (door.performer) door.performer.postMessage({ turn: 0, kind: "open", question: byId("run").textContent });
ask("open", byId("run").textContent).catch((error) => { byId("busy").textContent = error.message; });
for (const id of ["run", "engine"]) byId(id).textContent = "";  // the Worker has them
