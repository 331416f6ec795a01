/* ---- 2: the input ---- */
function tokenButton(place, settings = {}) {
  const id = data.tokens[place], [text, kind] = piece(id);
  return make("button", { class: `tok chip ${kind}${place >= data.prompt ? " made" : ""}`, dir: "auto", "data-token": place, title: `token ${place + 1}, id ${id}`, "aria-pressed": place === state.token, onclick: () => choose({ token: place }), ...settings }, ...marked(text));
}
function showInput() {
  const music = data.model.task === "music";
  byId("input-lead").textContent = `${music ? "The model does not hear notes. A performance is told as events, each a number: a key goes down or up, time passes, the touch changes" : "The model does not see letters. The text is cut into tokens of its vocabulary, each a number"}; a vector for the token and one for its place are added, and that is all it gets.`;
  byId("tokens").classList.toggle("tall", count() > 200);
  fill("tokens", ...data.tokens.map((id, place) => {
    const button = tokenButton(place);
    button.append(make("small", { text: id }));
    return button;
  }));
}
function showToken() {
  const id = data.tokens[state.token], [text, kind, content] = piece(id);
  fill("bytes", make("p", {}, make("b", {}, tokenName(id)), ` is token ${inWords(id)} of ${inWords(data.model.vocabulary)}`, kind === "name" ? ", which is no text" : ", the bytes ", kind === "name" ? null : make("code", { text: content })));
  const { tokens, positions } = data.embeddings, place = state.token - data.first;
  if (place < 0) {
    fill("embedding");
    byId("embedding-caption").textContent = `Vectors are in this page for the last ${count() - data.first} tokens.`;
    return;
  }
  const real = (packed) => [...row(packed, place)].map((value) => packed.low + value / 255 * (packed.high - packed.low));
  const first = real(tokens), second = real(positions), sum = first.map((value, at) => value + second[at]);
  const most = largest(sum);
  const line = (name, values) => make("div", { class: "stripline" }, make("span", { text: name }), strip(values, most, `${name}: ${values.length} numbers, the largest ${largest(values).toFixed(2)}`));
  fill("embedding", line(`token ${text}`, first), line(`+ position ${state.token + 1}`, second), line("= the input", sum));
  byId("embedding-caption").textContent = `The ${data.model.width} numbers of the chosen token's vector, those of its position, and their sum, which goes into block 1; blue is above 0, orange below.`;
}
