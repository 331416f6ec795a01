/* ---- the explorer: the same sections for the text typed now, from the server that sent this page ---- */
const live = { answer: [], off: { heads: [], attentions: [], mlps: [] }, turn: 0, before: null };
async function ask(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Explorer": settings.token }, body: JSON.stringify(body) });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}
const anyOff = () => live.off.heads.length + live.off.attentions.length + live.off.mlps.length > 0;
async function refresh() {
  const turn = ++live.turn;
  byId("busy").textContent = "computing …";
  try {
    const found = await ask("/look", { text: byId("typed").value, answer: live.answer, off: live.off });
    if (turn !== live.turn) return;
    byId("busy").textContent = "";
    data = found.view;
    const kept = { layer: state.layer, head: state.head };
    show();
    choose({ ...kept, token: count() - 1 });
    showSides(found.sides);
    showSwitches();
    fill("so-far", ...live.answer.map((id) => tokenName(id)));
  } catch (error) {
    if (turn === live.turn) byId("busy").textContent = error.message;
  }
}
function showSides(sides) {
  const plain = sides[0].plain ? new Map(sides[0].plain) : null;
  fill("sides", ...sides.map((side, number) => make("figure", {}, make("h3", { text: side.name }),
    make("ol", { class: `bars${!number && plain ? " both" : ""}` }, ...side.next.map(([id, shownText, chance]) => {
      const item = make("li", {}, make("button", { class: "tok chip", dir: "auto", disabled: number > 0, title: number ? "" : "Continue with this token", onclick: () => { if (!number) { live.answer.push(id); refresh(); } } }, ...marked(shownText)), make("span", { class: "meter" }, make("span", { style: `width:${100 * chance / side.next[0][2]}%` })), make("span", { class: "share", text: percent(chance) }));
      if (!number && plain && plain.has(id)) item.lastChild.title = item.lastChild.textContent = `${percent(chance)} (${percent(plain.get(id))})`;
      return item;
    })), make("figcaption", { text: side.labels ? "The probability of each label." : number ? "The likeliest next tokens of this model." : plain ? "The likeliest next tokens with parts switched off; in brackets the probability of the whole model." : "The likeliest next tokens: choose one to continue." }))));
}
function showSwitches() {
  const { layers, heads } = data.model, { off } = live;
  const toggle = (list, value) => {
    const place = list.findIndex((each) => String(each) === String(value));
    if (place < 0) list.push(value); else list.splice(place, 1);
    refresh();
  };
  const box = (name, list, value) => make("td", {}, make("input", { type: "checkbox", "aria-label": name, title: name, checked: !list.some((each) => String(each) === String(value)), onchange: () => toggle(list, value) }));
  fill("switches", make("table", {}, make("tr", {}, ...["", ...[...Array(heads).keys()].map((head) => `head ${head + 1}`), "attention", "MLP"].map((text) => make("th", { scope: "col", text }))),
    ...[...Array(layers).keys()].map((layer) => make("tr", {}, make("th", { scope: "row", text: `layer ${layer + 1}` }), ...[...Array(heads).keys()].map((head) => box(`layer ${layer + 1}, head ${head + 1}`, off.heads, [layer, head])), box(`attention of layer ${layer + 1}`, off.attentions, layer), box(`MLP of layer ${layer + 1}`, off.mlps, layer)))));
}
let waiting = 0;
byId("typed").value = settings.text;
byId("typed").readOnly = settings.fixed;
byId("typed").oninput = () => { live.answer = []; clearTimeout(waiting); waiting = setTimeout(refresh, 350); };
byId("undo").onclick = () => { live.answer.pop(); refresh(); };
byId("restart").onclick = () => { live.answer = []; refresh(); };
byId("ten").onclick = async () => {
  for (let times = 0; times < 10 && document.querySelector("#sides button:not([disabled])"); times++) {
    const likeliestNow = data && likeliest(stages() - 1, count() - 1)[0];
    if (!likeliestNow) return;
    live.answer.push(likeliestNow.id);
    await refresh();
  }
};
refresh();
