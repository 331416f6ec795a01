/* ---- 4: attention ---- */
/* The number of tokens before the chosen one that are always shown; earlier ones only if they were looked at. */
const NEAR = 100;
/* A curve from one token to another, above both if they are on the same line. */
function curve(box, from, to, settings) {
  const [a, b] = [from, to].map((element) => element.getBoundingClientRect()), x1 = a.left + a.width / 2 - box.left, x2 = b.left + b.width / 2 - box.left;
  const same = Math.abs(a.top - b.top) < 4, y1 = a.top - box.top + 3, y2 = same ? y1 : b.bottom - box.top - 3, lift = same ? Math.min(9 + Math.abs(x1 - x2) / 7, 30) : (y2 - y1) / 2;
  const path = same ? `M${x1},${y1}C${x1},${y1 - lift} ${x2},${y2 - lift} ${x2},${y2}` : `M${x1},${y1}C${x1},${y1 + lift} ${x2},${y2 - lift} ${x2},${y2}`;
  return draw("path", { d: path, fill: "none", "stroke-linecap": "round", ...settings });
}
const headsShown = () => state.allHeads ? [...Array(data.model.heads).keys()] : [state.head];
function showArcs() {
  const { layer, token } = state, heads = headsShown(), shares = rowOver(layer, state.allHeads ? -1 : state.head, token), most = largest(shares) || 1;
  const chips = [];
  for (let place = 0, before = -1; place <= token; place++) {
    if (place <= token - NEAR && shares[place] < 0.01) continue;
    if (place > before + 1) chips.push(make("span", { class: "faint gap", text: `… ${inWords(place - before - 1)} …` }));
    chips.push(tokenButton(place, { style: place === token ? null : `background:${shade(shares[place] / most)}`, title: `${shown(data.tokens[place])}: ${percent(shares[place])}`, class: `tok chip ${piece(data.tokens[place])[1]}${place === token ? " asking" : ""}` }));
    before = place;
  }
  const rest = count() - token - 1;
  fill("arcs", ...chips, rest > 0 ? make("span", { class: "faint masked", text: `${inWords(rest)} masked: ${rest === 1 ? "it comes" : "they come"} later` }) : null);
  byId("kind").textContent = inUnits(data.model.attention[data.looked[layer].kind].summary);
  const best = heads.flatMap((head) => lookedAt(layer, head, token).map((each) => ({ ...each, head }))).sort((a, b) => b.weight - a.weight);
  fill("looked", "In layer ", String(layer + 1), state.allHeads ? ", all heads together, " : `, head ${state.head + 1}, `, make("b", {}, tokenName(data.tokens[token])), " looked at ", ...(state.allHeads ? [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, 3).filter((place) => shares[place] > 0).flatMap((place, at) => [at ? ", " : "", make("b", {}, tokenName(data.tokens[place])), ` (${percent(shares[place])})`]) : best.slice(0, 3).flatMap(({ key, weight }, at) => [at ? ", " : "", make("b", { text: keyName(layer, key) }), ` (${percent(weight)})`])), ".");
  strongest = best.slice(0, 60);
}
let strongest = [];
/* Positions of chips are read after everything else, or the browser would lay out the page more than once. */
function drawArcs() {
  for (const old of byId("arcs").querySelectorAll("svg")) old.remove();
  const flow = byId("arcs"), box = flow.getBoundingClientRect();
  const chip = (place) => flow.querySelector(`[data-token="${place}"]`), own = chip(state.token);
  if (!own || !box.width) return;
  const picture = draw("svg", { width: box.width, height: box.height, "aria-hidden": "true" });
  for (const { key, weight, head } of strongest) {
    const [first, last] = span(state.layer, key);
    for (let place = first; first >= 0 && place <= last; place++) {
      const target = chip(place);
      if (target && place !== state.token && weight > 0.01) picture.append(curve(box, own, target, { stroke: colourOf(head), "stroke-width": 0.6 + 6 * weight, "stroke-opacity": 0.25 + 0.6 * Math.sqrt(weight) }));
    }
  }
  flow.dataset.arcs = picture.childNodes.length;
  flow.append(picture);
}
byId("all-heads").onchange = (event) => choose({ allHeads: event.target.checked });
