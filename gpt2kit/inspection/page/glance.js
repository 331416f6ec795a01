/* ---- 4: all heads at a glance, and the chosen one large ---- */
/* Up to this many tokens the large picture is a table, which has room for their texts. */
const READABLE = 32;
/* A picture of a head, or of all heads of a layer (-1): a row for each token, a stronger colour for a larger weight; long inputs are scaled down to `most` rows. */
function portrait(layer, head, most) {
  const size = Math.min(count(), most), ratio = count() / size, canvas = make("canvas"), colour = colourOf(Math.max(0, head));
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d"), pixels = pen.createImageData(size, size), [r, g, b] = [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16));
  for (let line = 0; line < size; line++) {
    rowOver(layer, head, Math.floor(line * ratio)).forEach((share, place) => {
      const pixel = 4 * (line * size + Math.min(size - 1, Math.floor(place / ratio)));
      if (share > 0) pixels.data.set([r, g, b, Math.max(pixels.data[pixel + 3], 255 * share ** 0.4)], pixel);
    });
  }
  pen.putImageData(pixels, 0, 0);
  return canvas;
}
/* What heads do, by the names of gpt2kit/inspection/roles.py: a short name, and the tokens that the share is about. */
const ROLES = {
  previous: ["previous", "the previous token"], induction: ["induction", "what followed the same token before"], same: ["same", "the same token before"],
  first: ["first", "the first token"], separator: ["separator", "separators"], itself: ["itself", "the token itself"],
};
function roleOf(layer, head) {
  const role = data.roles[layer][head];
  return role && { short: ROLES[role[0]][0], share: percent(role[1]), told: `${percent(role[1])} of its attention is on ${inUnits(ROLES[role[0]][1])}` };
}
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) {
    seen.unobserve(target);
    target.prepend(portrait(Number(target.dataset.layer), Number(target.dataset.head), 96));
  }
}, { rootMargin: "200px" });
function showGlance() {
  seen.disconnect();
  const layers = [...Array(data.model.layers).keys()], heads = [...Array(data.model.heads).keys()];
  fill("glance", ...layers.map((layer) => make("div", { class: "glance", style: `--heads:${heads.length}` }, make("span", { class: "faint", text: `layer ${layer + 1}` }), ...heads.map((head) => {
    const role = roleOf(layer, head), name = `ayer ${layer + 1}, head ${head + 1}${role ? `: ${role.told}` : ""}`;
    const button = make("button", { class: "thumb", "data-layer": layer, "data-head": head, title: `l${name}`, "aria-label": `L${name}`, onclick: () => choose({ layer, head, allHeads: false }) }, role && make("small", {}, make("span", { text: role.short }), make("span", { text: role.share })));
    seen.observe(button);
    return button;
  }))));
}
function markGlance() {
  for (const button of document.querySelectorAll("#glance .thumb")) button.setAttribute("aria-pressed", Number(button.dataset.layer) === state.layer && (state.allHeads || Number(button.dataset.head) === state.head));
}
/* The chosen head is shown large; its row of the chosen token is marked. */
function showLarge() {
  const { layer, allHeads } = state, head = allHeads ? -1 : state.head;
  fill("large", count() <= READABLE ? largeTable(layer, head) : largePicture(layer, head));
  const role = allHeads ? null : roleOf(layer, head);
  byId("large-caption").textContent = inUnits(`Layer ${layer + 1}, ${allHeads ? "the mean of all heads" : `head ${head + 1}`}, large: each row is a token that looks. ${role ? `On this input ${role.told}. ` : ""}Choose a field to choose its row.`);
}
const looking = (from, to, share) => `${shown(data.tokens[from])} → ${shown(data.tokens[to])}: ${percent(share)}`;
function largeTable(layer, head) {
  const places = [...data.tokens.keys()], colour = head < 0 ? "var(--tint)" : colourOf(head);
  const name = (place) => make("span", { class: "tok", text: shown(data.tokens[place]) });
  return make("div", { class: "wide" }, make("table", { class: "matrix large" }, make("tr", {}, make("td"), ...places.map((place) => make("th", { scope: "col" }, name(place)))),
    ...places.map((from) => {
      const shares = rowOver(layer, head, from);
      return make("tr", { class: from === state.token ? "here" : null }, make("th", { scope: "row" }, name(from)), ...places.map((to) => make("td", to > from ? {} : { style: `background:color-mix(in srgb, ${colour} ${Math.round(100 * shares[to] ** 0.6)}%, transparent)`, title: looking(from, to, shares[to]), onclick: () => choose({ token: from }) })));
    })));
}
let drawnLarge = { of: null, name: "", canvas: null };
function largePicture(layer, head) {
  const name = `${layer}.${head}`;
  if (drawnLarge.of !== data || drawnLarge.name !== name) drawnLarge = { of: data, name, canvas: portrait(layer, head, 512) };
  const { canvas } = drawnLarge, told = make("p", { class: "faint", text: `Point at the picture to see which ${units()} a field belongs to.` });
  const places = (event) => {
    const box = canvas.getBoundingClientRect(), place = (share) => Math.max(0, Math.min(count() - 1, Math.floor(share * count())));
    return [place((event.clientY - box.top) / box.height), place((event.clientX - box.left) / box.width)];
  };
  canvas.onpointermove = (event) => { const [from, to] = places(event); told.textContent = looking(from, to, rowOver(layer, head, from)[to]); };
  canvas.onclick = (event) => choose({ token: places(event)[0] });
  return make("div", { class: "large" }, canvas, told);
}
