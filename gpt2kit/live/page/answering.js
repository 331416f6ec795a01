/* ---- answers word by word, as one types; a click on a word shows what else was likely there ---- */
/* `end` is the token that ended the answer, or null; an answer may also be `finished` by a text that ends it. */
const answering = { tokens: [], word: -1, text: "", end: null, finished: false, busy: false };
const UNSURE = 0.5;  // words of a lower probability are marked
const question = () => ({ values: inputs(), ending: ending(), answer: live.answer, end: live.end, off: live.off });
const showSound = () => {};
/* The words of an answer: [{from, to, text}], tokens from `from` to before `to`. */
function answeredWords() {
  const found = [];
  answering.tokens.forEach(({ piece: [text, , hex] }, place) => {
    if (!found.length || /^[·↵⇥␍]/.test(text)) found.push({ from: place, to: place, bytes: [] });
    if (hex) found.at(-1).bytes.push(...hex.split(" ").map((byte) => parseInt(byte, 16)));  // a control token has no text
    found.at(-1).to = place + 1;
  });
  return found.map(({ from, to, bytes }) => ({ from, to, text: new TextDecoder().decode(Uint8Array.from(bytes)) }));
}
function showAnswer() {
  if (answering.text) { fill("so-far", answering.text); return; }
  const places = answeredWords(), chanceOf = ({ from, to }) => answering.tokens.slice(from, to).reduce((all, { chance }) => all * chance, 1);
  fill("so-far", ...places.flatMap((word, number) => {
    const chance = chanceOf(word), text = word.text.trim();
    if (!text) return [word.text.includes("\n") ? make("br") : " "];
    const button = make("button", { class: `word made${chance < UNSURE ? " unsure" : ""}`, "aria-pressed": number === answering.word, title: `${percent(chance)}: show what else was likely here`, dir: "auto", text, onclick: () => chooseWord(number) });
    return [word.text.startsWith("\n") ? make("br") : number ? " " : null, button].filter((part) => part !== null);
  }));
}
function chooseWord(number) {
  answering.word = answering.word === number ? -1 : number;
  keepingFocus("so-far", showAnswer);
  showAlternatives();
}
/* What else could begin the chosen word. */
function showAlternatives() {
  const word = answeredWords()[answering.word];
  byId("alternatives").hidden = !word;
  if (!word) return;
  const { id: own, others } = answering.tokens[word.from], most = others[0].chance;
  fill("alternatives-of", "Instead of ", make("b", { text: word.text.trim() }), " the model could have begun with:");
  fill("alternatives-list", ...others.map(({ id, piece: [text, kind], chance }) => make("li", { class: id === own ? "came" : null },
    make("button", { class: `tok chip ${kind}`, disabled: id === own, title: id === own ? "This is what it wrote" : "Continue from this one", onclick: () => goOn(word.from, id) }, ...marked(text)),
    make("span", { class: "meter" }, make("span", { style: `width:${100 * chance / most}%` })), make("span", { class: "share", text: percent(chance) }))));
}
/* Continue the answer from another token at a place. */
function goOn(place, id) {
  const { others } = answering.tokens[place];
  write([...answering.tokens.slice(0, place), { ...others.find((each) => each.id === id), others }]);
}
/* The answer is now these tokens, and nothing is known of what ends it. */
function begin(tokens) {
  Object.assign(answering, { tokens, word: -1, text: "", finished: false });
  live.answer = tokens.map(({ id }) => id);
  endWith(null);
}
function endWith(token) {
  answering.end = token;
  live.end = token && token.id;
}
const whatEnds = settings.answers ? "answer" : "text";
const ofNext = { title: sideTitle, caption: sideCaption };
sideTitle = (side) => answering.finished && !answering.text ? `The ${whatEnds} is ${answering.tokens.length ? "complete" : "empty"}` : ofNext.title(side);
sideCaption = (plain) => {
  if (!answering.finished || answering.text) return ofNext.caption(plain);
  const { end } = answering, why = end ? `${end.piece[0]} ends the ${whatEnds}: its probability was ${percent(end.chance)}.` : `It ends with a text that ends every ${whatEnds} (generate.stop).`;
  return `${why} The list has the likeliest ${units()} at this place: choose another one to continue instead.${plain ? " Parts are switched off: in brackets is the probability in the whole model." : ""}`;
};
/* Write an answer to the input, which begins with these tokens. */
async function write(tokens = []) {
  const wrong = outOfRange();
  if (wrong) {
    byId("ten-said").textContent = `${wrong.labels[0].textContent.trim()}: ${wrong.validationMessage}`;
    return;
  }
  const began = performance.now(), given = tokens.length, asked = { values: inputs(), ending: ending(), given: tokens.map(({ id }) => id), off: live.off, ...drawKnobs() };
  begin(tokens);
  answering.busy = true;
  byId("ten").textContent = "stop";
  showAnswer();
  showAlternatives();
  try {
    const found = await ask("answer", asked, (token) => {
      answering.tokens.push(token);
      live.answer.push(token.id);
      showAnswer();
      byId("so-far").scrollTop = byId("so-far").scrollHeight;  // a long answer is followed to its end
    });
    answering.finished = found.finished;
    endWith(found.end);
    if (!answering.tokens.length && !found.end) answering.text = found.text;
    const seconds = (performance.now() - began) / 1000, made = answering.tokens.length - given, drawn = (asked.settings.temperature ?? settings.knobs.temperature) > 0;
    byId("ten-said").textContent = [...found.remarks, made ? `${several(made, "token")} in ${seconds.toFixed(2)} s` : "", drawn ? `seed ${asked.seed}` : ""].filter(Boolean).join(" · ");
    settle();
  } catch (error) {
    if (!(error instanceof Outdated)) byId("busy").textContent = error.message;
  }
}
const offerWriting = () => { byId("ten").textContent = settings.answers ? "write again" : "write on"; };
/* The answer is complete, or was stopped: the other sections show it. */
function settle() {
  answering.busy = false;
  offerWriting();
  refresh();
}
function stopWriting() {
  ask("answer", null).catch(() => {});
  settle();
}
/* Choose a next token by hand, which may be the one that ends a text. */
function add(id) {
  const { next, pieces } = live.sides[0], others = next.map(([other, , chance], place) => ({ id: other, piece: pieces[place], chance })), chosen = { ...others.find((each) => each.id === id), others };
  if (id === settings.end) change(answering.tokens, chosen); else change([...answering.tokens, chosen]);
}
/* What was typed has changed: an answer is written again; a text that is continued only waits. */
function typed() {
  if (settings.labels) { refresh(); weigh(); return; }
  if (settings.answers && inputs().some((text) => text.trim())) { write(); return; }
  change([]);
}
/* The answer is now these tokens, chosen by hand, and ended by one or by none. */
function change(tokens, end = null) {
  ask("answer", null).catch(() => {});
  begin(tokens);
  endWith(end);
  answering.finished = end !== null;
  byId("ten-said").textContent = "";
  showAnswer();
  showAlternatives();
  settle();
}
if (settings.labels || settings.answers) switched = typed;
missing = () => {
  const fields = [...document.querySelectorAll("#inputs textarea")], blank = ({ value }) => !value.trim(), empty = fields.filter((field) => field.required && blank(field));
  return fields.every(blank) || !empty.length ? "Type something first." : `Still empty: ${empty.map((field) => field.ariaLabel).join(", ")}.`;
};
let waiting = 0;
for (const field of document.querySelectorAll("#inputs textarea, #ending")) field.oninput = () => { clearTimeout(waiting); waiting = setTimeout(typed, 120); };
byId("ten").onclick = () => answering.busy ? stopWriting() : write(settings.answers ? [] : answering.tokens);
byId("undo").onclick = () => change(answering.end ? answering.tokens : answering.tokens.slice(0, -1));
byId("restart").onclick = () => change([]);
byId("weight").hidden = !settings.labels;
if (settings.labels) byId("sides").after(byId("weight"));  // the label itself comes first
addEventListener("pageshow", ({ persisted }) => { if (!persisted && inputs().some(Boolean)) typed(); });  // the browser puts back what was typed before
offerWriting();
refresh();
