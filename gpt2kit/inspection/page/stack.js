/* ---- 3: up the stack ---- */
const COLUMNS = 40;
const nearness = (rank) => rank === 0 ? 0 : rank === 1 ? 1 : rank <= 5 ? 0.55 : rank <= 20 ? 0.32 : rank <= 100 ? 0.16 : 0.04;
function showLens() {
  const to = Math.min(count(), state.lensFrom + COLUMNS), places = [...Array(to - state.lensFrom).keys()].map((each) => each + state.lensFrom);
  byId("lens-range").textContent = count() > COLUMNS ? `${units()} ${state.lensFrom + 1} to ${to} of ${inWords(count())}` : "";
  byId("lens-back").hidden = byId("lens-on").hidden = count() <= COLUMNS;
  fill("lens-legend", `rank of the actual next ${unit()} `, ...[[1, "1"], [5, "5"], [20, "20"], [100, "100"], [101, "more"]].map(([rank, text]) => make("span", { class: "swatch", style: `background:${shade(nearness(rank))}`, text })));
  const head = make("tr", {}, make("th", { scope: "row", text: "after" }), ...places.map((place) => make("th", { scope: "col", class: place === state.token ? "here" : null }, tokenName(data.tokens[place]))));
  const line = (stage) => make("tr", {}, make("th", { scope: "row", text: stage ? `layer ${stage}` : "input" }), ...places.map((place) => {
    const [best] = likeliest(stage, place), own = rank(stage, place), came = follower(place);
    const detail = came < 0 ? "" : `; ${shown(came)}, the actual next ${unit()}, has rank ${inWords(own)} with ${percent(number(data.lens.chance, stage, place))}`;
    const settled = data.lens.settled[place] === stage;
    return make("td", { class: `${place === state.token ? "here" : ""}${settled ? " settled" : ""}`, style: `background:${shade(nearness(own))}`, title: `${stage ? `layer ${stage}` : "input"}: ${shown(best.id)} ${percent(best.chance)}${detail}` }, make("button", { class: "cell", tabindex: place === state.token ? 0 : -1, "data-stage": stage, "data-token": place, onclick: () => choose({ token: place, stage }) }, tokenName(best.id)));
  }));
  const came = make("tr", { class: "came" }, make("th", { scope: "row", text: `next ${unit()}` }), ...places.map((place) => make("td", {}, follower(place) < 0 ? "" : tokenName(follower(place)))));
  fill("lens", head, came, ...[...Array(stages()).keys()].reverse().map(line));
}
function scrollLens() {
  const box = byId("lens").parentElement, here = byId("lens").querySelector("td.here");
  if (here && (here.offsetLeft < box.scrollLeft + 70 || here.offsetLeft + here.offsetWidth > box.scrollLeft + box.clientWidth)) box.scrollLeft = here.offsetLeft - box.clientWidth / 2;
}
function showMind() {
  const came = follower(state.token), settled = data.lens.settled[state.token], last = stages() - 1;
  const after = [make("span", {}, "After "), make("b", {}, tokenName(data.tokens[state.token]))];
  if (came < 0) { fill("mind", ...after, ` comes nothing${data.model.labels.length ? "" : " yet"}: it is the last ${unit()}.`); return; }
  const whose = data.given || state.token < data.prompt - 1 ? "comes" : "the model chose";
  const best = likeliest(last, state.token)[0];
  const verdict = settled < 0
    ? ["the likeliest is ", make("b", {}, tokenName(best.id)), ` (${percent(best.chance)}), and `, make("b", {}, tokenName(came)), ` has rank ${inWords(rank(last, state.token))} (${percent(number(data.lens.chance, last, state.token))}).`]
    : [settled === 0 ? "it is the likeliest from the input on." : settled === last ? "it becomes the likeliest in the last layer only." : `it becomes the likeliest in layer ${settled} of ${last} and stays so.`];
  fill("mind", ...after, ` ${whose} `, make("b", {}, tokenName(came)), "; ", ...verdict);
}
function showLikeliest() {
  const found = likeliest(state.stage, state.token), came = follower(state.token);
  fill("likeliest", ...found.map(({ id, chance }) => bar(id, chance, found[0].chance, { class: id === came ? "came" : null })));
  byId("likeliest-caption").textContent = inUnits(`The ten likeliest tokens after ${quoted(data.tokens[state.token])} ${state.stage ? `if the model stopped after layer ${state.stage}` : "from the input alone"}${came < 0 ? "" : `; the actual next token has rank ${inWords(rank(state.stage, state.token))}`}.`);
}
function showWritten() {
  const { attention, mlp, stream } = data.written, layers = data.model.layers;
  const most = Math.max(...[...Array(layers).keys()].flatMap((layer) => [number(attention, layer, state.token), number(mlp, layer, state.token)]));
  const meter = (kind, value) => make("span", { class: "meter", title: `${kind} adds a vector of length ${value.toFixed(2)}` }, make("span", { class: kind, style: `width:${100 * value / (most || 1)}%` }));
  fill("written", make("p", { class: "legend" }, make("span", { class: "key attention" }), " attention ", make("span", { class: "key mlp" }), " MLP ", make("span", { class: "faint", text: "at the right: length of the vector after the layer" })),
    ...[...Array(layers).keys()].reverse().map((layer) => make("div", { class: "writes" }, make("span", { text: `layer ${layer + 1}` }), make("div", {}, meter("attention", number(attention, layer, state.token)), meter("mlp", number(mlp, layer, state.token))), make("span", { class: "share", text: number(stream, layer + 1, state.token).toFixed(1) }))));
}
byId("lens-back").onclick = () => { state.lensFrom = Math.max(0, state.lensFrom - COLUMNS); showLens(); };
byId("lens-on").onclick = () => { state.lensFrom = Math.min(Math.max(0, count() - COLUMNS), state.lensFrom + COLUMNS); showLens(); };
