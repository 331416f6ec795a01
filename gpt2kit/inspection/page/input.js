/* ---- 2: the input ---- */
function tokenButton(place, settings = {}) {
  const id = data.tokens[place], [text, kind] = piece(id);
  return make("button", { class: `tok chip ${kind}${place >= data.prompt ? " made" : ""}`, dir: "auto", "data-token": place, title: `${unit()} ${place + 1}, id ${id}`, "aria-pressed": place === state.token, onclick: () => choose({ token: place }), ...settings }, ...marked(text));
}
function showInput() {
  const music = data.model.task === "music";
  byId("input-lead").textContent = `${music ? "The model does not hear notes. A performance is a sequence of events, the tokens of this model, each with a number: a key goes down or up, time passes, or the velocity changes." : "The model does not see letters. The text is split into tokens of the vocabulary, each with a number."} The ${unit()}'s vector and the vector of its position are added, and this sum is all that the model reads.`;
  byId("tokens-caption").textContent = `${music ? "The events with their ids." : "The tokens with their ids: · is a space, ↵ the end of a line, and ⟨ ⟩ holds bytes that are part of a character."}${count() > data.prompt ? ` Blue ones are the ${data.answers ? "answer" : "continuation"}.` : ""} Choose one.`;
  byId("tokens").classList.toggle("tall", count() > 200);
  fill("tokens", ...data.tokens.map((id, place) => {
    const button = tokenButton(place);
    button.append(make("small", { text: id }));
    return button;
  }));
}
function showToken() {
  const id = data.tokens[state.token], [text, kind, content] = piece(id);
  fill("bytes", make("p", {}, make("b", {}, tokenName(id)), ` has id ${inWords(id)} in a vocabulary of ${inWords(data.model.vocabulary)}`, kind !== "name" ? "; its bytes are " : data.model.task === "music" ? "." : "; it is not text.", kind === "name" ? null : make("code", { text: content })));
  const { tokens, positions } = data.embeddings, place = state.token - data.first;
  if (place < 0) {
    fill("embedding");
    byId("embedding-caption").textContent = `This page has the vectors of the last ${count() - data.first} ${units()} only: choose one of them.`;
    return;
  }
  const first = [...row(tokens, place)], second = [...row(positions, place)], sum = first.map((value, at) => value + second[at]);
  const most = largest(sum);
  const line = (name, values) => make("div", { class: "stripline" }, make("span", { text: name }), strip(values, most, `${name}: ${values.length} numbers, the largest ${largest(values).toFixed(2)}`));
  fill("embedding", line(`${unit()} ${text}`, first), line(`+ position ${state.token + 1}`, second), line("= the input", sum));
  byId("embedding-caption").textContent = `The chosen ${unit()}'s vector of ${inWords(data.model.width)} numbers, the vector of its position, and their sum, which block 1 reads; blue is above 0, orange below.`;
}
