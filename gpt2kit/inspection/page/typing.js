/* ---- the explorer: a text that is typed, or a performance, and the tokens that are chosen or drawn after it ---- */
const question = (more) => ({ text: byId("typed").value, answer: live.answer, off: live.off, more });
const add = (id) => { live.answer.push(id); refresh(null, "last"); };
/* Text is read as it is; the events of music are apart from each other. */
function showAnswer(chosen) {
  const names = chosen ? chosen.map((text) => make("span", { class: "tok event", text })) : live.answer.map((id) => tokenName(id));
  fill("so-far", ...names.flatMap((name, place) => place ? [chosen ? ", " : make("wbr"), name] : [name]));
  byId("so-far").scrollTop = byId("so-far").scrollHeight;
}
function showSound({ piece }, heard) {
  if (!piece) return;
  const before = live.now;
  live.now = piece.now;
  roll.load(piece);
  roll.seek(piece.now);
  if (heard === "all" && before < piece.now) roll.play(before);
  else if (heard && piece.struck >= 0) roll.hear(piece.struck);
}
let waiting = 0;
byId("typed").value = settings.text;
byId("typed").oninput = () => { live.answer = []; clearTimeout(waiting); waiting = setTimeout(refresh, 350); };
byId("undo").onclick = () => { live.answer.pop(); refresh(); };
byId("restart").onclick = () => { live.answer = []; refresh(); };
for (const name of ["temperature", "top_k", "top_p"]) byId(`ten-${name.replace("_", "-")}`).value = settings.knobs[name];
byId("ten").onclick = () => {
  const value = (name) => byId(`ten-${name}`).value === "" ? null : Number(byId(`ten-${name}`).value);
  refresh({ count: 10, temperature: value("temperature"), top_k: value("top-k"), top_p: value("top-p"), seed: value("seed") }, "all");
};
if (settings.fixed) {  // a performance: its roll has the place of the text
  byId("typed").parentElement.hidden = true;
  byId("looks").before(byId("choice"));
  byId("sides").classList.add("events");
  byId("explore-lead").textContent = "Choose the next event: it is added to the piece and sounds. Switch heads and layers off to see what they contribute.";
  byId("undo").textContent = "remove one event";
  byId("ten").parentElement.setAttribute("aria-label", "Draw ten events");
  byId("ten-seed").title = "The same seed draws the same events.";
  byId("ten").textContent = "add ten events";
}
refresh();
