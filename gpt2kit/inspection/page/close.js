/* ---- 4, in numbers: the three tables, and the query with every key ---- */
const SHOWN = 7;
/* What the product of a query and a key is divided by in a layer, such as √64; "" for nothing. */
function divisor(layer) {
  const { scaled, width, heads } = data.model;
  return [scaled.by_width ? `√${width / heads}` : "", scaled.by_layer && layer ? String(layer + 1) : ""].filter(Boolean).join(" · ");
}
const product = () => `query · key${divisor(state.layer) && ` / ${divisor(state.layer)}`}`;
/* Rows of tokens around the chosen one, and the keys nearest to them. */
function closeRows() {
  const place = state.token - data.first;
  if (place < 0) return null;
  const { keys } = data.looked[state.layer].close;
  const from = Math.max(0, Math.min(place - SHOWN + 3, count() - data.first - SHOWN)), rows = [...Array(Math.min(SHOWN, count() - data.first - from)).keys()].map((each) => each + from);
  const near = [...keys.keys()].filter((at) => { const [first, last] = span(state.layer, keys[at]); return first < 0 || (last >= data.first + rows[0] && first <= data.first + rows[rows.length - 1]); });
  return { place, rows, near: near.slice(0, SHOWN + 2), keys };
}
function showTables() {
  const found = closeRows();
  if (!found) {
    fill("tables", make("p", { class: "faint", text: inUnits(`This page has the numbers of heads for the last ${count() - data.first} tokens only: choose one of them.`) }));
    return;
  }
  const { close } = data.looked[state.layer], { rows, near, keys, place } = found;
  const value = (packed, row, key) => number(packed, state.head, row, key), masked = (row, key) => number(close.hidden, row, key) === 1;
  const cutOff = data.first + rows[0] > 0;
  const earlier = (line) => 1 - near.reduce((all, key) => all + value(close.weights, line, key), 0);
  const scores = rows.flatMap((line) => near.map((key) => value(close.scores, line, key))).filter(Number.isFinite), most = largest(scores) || 1;
  const kinds = [
    [`Scores: ${product()}`, (line, key) => { const score = value(close.scores, line, key); return Number.isFinite(score) ? [rounded(score), `color-mix(in srgb, ${score > 0 ? "var(--share)" : "var(--below)"} ${Math.round(55 * Math.abs(score) / most)}%, transparent)`] : ["·", "none"]; }],
    [`Mask: −∞ for ${units()} that must not be seen`, (line, key) => masked(line, key) ? ["−∞", "var(--mask)"] : [rounded(value(close.scores, line, key)), "none"]],
    ["Softmax: each row sums to 1", (line, key) => masked(line, key) ? ["0", "none"] : [value(close.weights, line, key).toFixed(2).replace(/^0/, ""), shade(value(close.weights, line, key))], true],
  ];
  fill("tables", ...kinds.map(([caption, cell, last]) => make("figure", {}, make("div", { class: "wide" }, make("table", { class: "scores" },
    make("tr", {}, make("td"), cutOff ? make("th", { scope: "col" }, make("span", { class: "tok", text: "earlier" })) : null, ...near.map((key) => make("th", { scope: "col" }, make("span", { class: "tok", text: keyName(state.layer, keys[key]) })))),
    ...rows.map((line) => make("tr", { class: line === place ? "here" : null }, make("th", { scope: "row" }, tokenName(data.tokens[data.first + line])), cutOff ? make("td", { class: "figure faint", text: last ? earlier(line).toFixed(2).replace(/^-?0/, "") : "…" }) : null, ...near.map((key) => { const [text, background] = cell(line, key); return make("td", { class: "figure", style: `background:${background}`, text }); }))))), make("figcaption", { text: caption }))));
}
function showGather() {
  const found = closeRows(), { close, kind } = data.looked[state.layer];
  if (!found) { fill("gather"); byId("gather-caption").textContent = ""; return; }
  const { place } = found, weights = row(close.weights, state.head, place), scores = row(close.scores, state.head, place);
  const seenKeys = [...weights.keys()].filter((key) => number(close.hidden, place, key) === 0);
  const chosen = seenKeys.sort((a, b) => weights[b] - weights[a]).slice(0, 12), width = close.value.shape[2], sum = new Float32Array(width);
  for (const key of seenKeys) row(close.value, state.head, key).forEach((value, at) => { sum[at] += weights[key] * value; });
  const most = largest(chosen.flatMap((key) => [...row(close.value, state.head, key)])), most_keys = largest(chosen.flatMap((key) => [...row(close.key, state.head, key)]));
  const query = row(close.query, state.head, place), name = tokenName(data.tokens[state.token]);
  fill("gather",
    make("tr", {}, ...["", "key", product(), "softmax", "value"].map((text) => make("th", { scope: "col", text }))),
    make("tr", { class: "here" }, make("th", { scope: "row" }, "query of ", name), make("td", {}, strip([...query], largest(query), "the query")), make("td"), make("td"), make("td")),
    ...chosen.map((key) => make("tr", {}, make("th", { scope: "row" }, make("span", { class: "tok", text: keyName(state.layer, close.keys[key]) })), make("td", {}, strip([...row(close.key, state.head, key)], most_keys, "the key")), make("td", { class: "figure", text: rounded(scores[key]) }), make("td", { class: "figure", style: `background:${shade(weights[key])}`, text: weights[key].toFixed(3) }), make("td", { style: `opacity:${0.25 + 0.75 * weights[key]}` }, strip([...row(close.value, state.head, key)], most, "the value")))),
    make("tr", { class: "sum" }, make("th", { scope: "row", text: "weighted sum" }), make("td"), make("td"), make("td", { class: "figure", text: seenKeys.reduce((all, key) => all + weights[key], 0).toFixed(2) }), make("td", {}, strip([...sum], largest(sum), "the weighted sum of the values"))));
  const further = 1 - seenKeys.reduce((all, key) => all + weights[key], 0);
  const relative = data.model.attention[kind].distances ? " A term for the distance is added." : "", rest = seenKeys.length - chosen.length;
  byId("gather-caption").textContent = inUnits(`The chosen token's query is multiplied with every key${divisor(state.layer) && `, and the product is divided by ${divisor(state.layer)}`}${data.model.scaled.by_width ? ", the root of a head's width" : ""}.${relative} Softmax turns these scores into weights that sum to 1; the values are added up by these weights.${rest > 0 ? ` The ${chosen.length} keys with the largest weights are listed, of ${inWords(seenKeys.length)}.` : ""}${further > 0.005 ? ` The other ${percent(further)} of the weight is on earlier tokens, whose numbers are not in this page.` : ""}`);
}
function showSplit() {
  const heads = [...Array(data.model.heads).keys()], found = closeRows(), { close } = data.looked[state.layer];
  const written = heads.map((head) => number(data.written.heads, state.layer, head, state.token)), most = Math.max(...written) || 1;
  fill("split", make("div", { class: "split" }, ...heads.map((head) => make("button", { class: "headbox", "aria-pressed": head === state.head, style: `--head:${colourOf(head)}`, title: `head ${head + 1} adds a vector of length ${written[head].toFixed(2)}`, onclick: () => choose({ head, allHeads: false }) },
    make("span", { text: `head ${head + 1}` }), found ? strip([...row(close.query, head, found.place)], largest(row(close.query, head, found.place)), `the query's part for head ${head + 1}`, 10) : null, make("span", { class: "meter" }, make("span", { style: `width:${100 * written[head] / most}%` }))))));
}
