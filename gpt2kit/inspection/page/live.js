/* ---- the same sections for what is typed or played now: `question` says what that is, `ask` answers ---- */
const live = { answer: [], end: null, off: { heads: [], attentions: [], mlps: [] }, turn: 0, now: 0, sides: [] };
const anyOff = () => live.off.heads.length + live.off.attentions.length + live.off.mlps.length > 0;
/* Ask for the view of the answer chosen so far, or of `more`, which is drawn first. `heard`: which of the new events sound, "last" or "all". */
async function refresh(more = null, heard = "") {
  const turn = ++live.turn;
  byId("busy").textContent = "computing …";
  try {
    let early = false;
    const found = await ask("look", question(more), ({ sides, remarks }) => {  // what is known before the view
      early = true;
      showSides(sides);
      showRemarks(remarks);
      if (isWaiting()) fill("so-far");
    });
    if (turn !== live.turn) return;
    byId("busy").textContent = "";
    live.answer = found.answer;
    showEmpty(!found.view);
    if (!found.view) { showRemarks([]); return; }
    if (more) byId("ten-said").textContent = found.seed !== null ? `drawn with seed ${found.seed}` : "";
    data = found.view;
    show({ token: data.steps.at(-1) });  // the last token, of a long answer the last one that all sections have
    if (!early) showSides(found.sides);
    showSwitches();
    keepingFocus("so-far", () => showAnswer(found.chosen));
    showSound(found, heard);
  } catch (error) {
    if (turn !== live.turn) return;
    byId("busy").textContent = error.message;
    byId("busy").parentElement.hidden = false;
  }
}
const isWaiting = () => document.body.classList.contains("waiting");
/* What is missing while there is nothing to compute. */
let missing = () => "Type something first.";
/* Nothing is computed for an empty text. */
function showEmpty(empty) {
  document.body.classList.toggle("waiting", empty);
  byId("off").hidden = empty;
  for (const tools of document.querySelectorAll("#choice .tools")) tools.hidden = empty || (live.sides.length > 0 && live.sides[0].labels);
  if (!empty) return;
  fill("sides");
  fill("so-far", make("span", { class: "faint", text: missing() }));
}
findPushed = async (layer, numbers) => {
  const found = await ask("neurons", { layer, numbers });
  Object.assign(data.pieces, found.pieces);
  Object.assign(data.neurons.pushed, found.pushed);
};
/* The words around the likeliest next tokens; a page that writes answers has others for a complete one. */
let sideTitle = ({ labels }) => labels ? `The ${labelName()}` : "What comes next";
let sideCaption = (plain) => plain ? `The likeliest next ${units()} with parts switched off; in brackets the probability of the whole model.` : `The likeliest next ${units()}: choose one to continue.`;
/* Redraw a part of the page: the control that had the focus, by its place, has it again. */
function keepingFocus(id, redraw) {
  const controls = () => [...byId(id).querySelectorAll("button, input, select")], focused = controls().indexOf(document.activeElement);
  redraw();
  if (focused >= 0) controls()[focused]?.focus({ preventScroll: true });
}
function showSides(sides) {
  live.sides = sides;
  for (const tools of document.querySelectorAll("#choice .tools")) tools.hidden = sides[0].labels;
  const plain = sides[0].plain ? new Map(sides[0].plain) : null;
  keepingFocus("sides", () => fill("sides", ...sides.map((side, number) => make("figure", {}, make("h3", { text: settings.alone ? sideTitle(side) : side.name }),
    make("ol", { class: `bars${!number && plain ? " both" : ""}` }, ...side.next.map(([id, shownText, chance]) => {
      const item = make("li", { class: id === live.end ? "came" : null }, number || side.labels ? make("span", { class: "tok", dir: "auto" }, ...(side.labels ? [shownText] : marked(shownText))) : make("button", { class: "tok chip", dir: "auto", disabled: id === live.end, title: "Choose this one to continue", onclick: () => add(id) }, ...marked(shownText)), make("span", { class: "meter" }, make("span", { style: `width:${100 * chance / side.next[0][2]}%` })), make("span", { class: "share", text: percent(chance) }));
      if (!number && plain && plain.has(id)) item.lastChild.title = item.lastChild.textContent = `${percent(chance)} (${percent(plain.get(id))})`;
      return item;
    })), make("figcaption", { text: side.labels ? `The probability of each ${labelName()}.` : number ? `The likeliest next ${units()} of this model.` : sideCaption(plain) })))));
}
/* A head or layer was switched on or off; a page that writes answers writes them again. */
let switched = () => refresh();
function changeOff() {
  byId("off-said").hidden = !anyOff();
  switched();
}
byId("all-on").onclick = () => {
  for (const list of Object.values(live.off)) list.length = 0;
  for (const box of document.querySelectorAll("#switches input")) box.checked = true;
  changeOff();
};
function showSwitches() {
  const { layers, heads } = data.model, { off } = live;
  const toggle = (list, value) => {
    const place = list.findIndex((each) => String(each) === String(value));
    if (place < 0) list.push(value); else list.splice(place, 1);
    changeOff();
  };
  const box = (name, list, value) => make("td", {}, make("input", { type: "checkbox", "aria-label": name, title: name, checked: !list.some((each) => String(each) === String(value)), onchange: () => toggle(list, value) }));
  keepingFocus("switches", () => fill("switches", make("table", {}, make("tr", {}, ...["", ...[...Array(heads).keys()].map((head) => `head ${head + 1}`), "attention", "MLP"].map((text) => make("th", { scope: "col", text }))),
    ...[...Array(layers).keys()].map((layer) => make("tr", {}, make("th", { scope: "row", text: `layer ${layer + 1}` }), ...[...Array(heads).keys()].map((head) => box(`layer ${layer + 1}, head ${head + 1}`, off.heads, [layer, head])), box(`attention of layer ${layer + 1}`, off.attentions, layer), box(`MLP of layer ${layer + 1}`, off.mlps, layer))))));
}
