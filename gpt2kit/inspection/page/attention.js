/* ---- 4: attention ---- */
/* The number of tokens before the chosen one that are always shown; earlier ones only if they were looked at. */
const NEAR = 100;
/* A picture of a head: a row for each token, a stronger colour for a larger weight; long inputs are scaled down. */
function thumbnail(layer, head) {
  const size = Math.min(count(), 96), ratio = count() / size, canvas = make("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d"), pixels = pen.createImageData(size, size), [r, g, b] = [1, 3, 5].map((place) => parseInt(colourOf(head).slice(place, place + 2), 16));
  for (let line = 0; line < size; line++) {
    for (const { key, weight } of lookedAt(layer, head, Math.floor(line * ratio))) {
      const [first, last] = span(layer, key), share = weight / (last - first + 1);
      for (let place = first; first >= 0 && place <= last; place++) {
        const pixel = 4 * (line * size + Math.min(size - 1, Math.floor(place / ratio)));
        pixels.data.set([r, g, b, Math.max(pixels.data[pixel + 3], 255 * share ** 0.4)], pixel);
      }
    }
  }
  pen.putImageData(pixels, 0, 0);
  return canvas;
}
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) {
    seen.unobserve(target);
    target.prepend(thumbnail(Number(target.dataset.layer), Number(target.dataset.head)));
  }
}, { rootMargin: "200px" });
function showGlance() {
  seen.disconnect();
  const layers = [...Array(data.model.layers).keys()], heads = [...Array(data.model.heads).keys()];
  fill("glance", ...layers.map((layer) => make("div", { class: "glance", style: `--heads:${heads.length}` }, make("span", { class: "faint", text: `layer ${layer + 1}` }), ...heads.map((head) => {
    const button = make("button", { class: "thumb", "data-layer": layer, "data-head": head, title: `layer ${layer + 1}, head ${head + 1}`, "aria-label": `Layer ${layer + 1}, head ${head + 1}`, onclick: () => choose({ layer, head, allHeads: false }) });
    seen.observe(button);
    return button;
  }))));
}
function markGlance() {
  for (const button of document.querySelectorAll("#glance .thumb")) button.setAttribute("aria-pressed", Number(button.dataset.layer) === state.layer && (state.allHeads || Number(button.dataset.head) === state.head));
}
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
  fill("arcs", ...chips, rest > 0 ? make("span", { class: "faint masked", text: `${inWords(rest)} masked: they come later` }) : null);
  byId("kind").textContent = data.model.attention[data.looked[layer].kind].summary;
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
