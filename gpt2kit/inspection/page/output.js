/* ---- 5: the output ---- */
const sliders = () => ({ temperature: Number(byId("temperature").value), topK: Number(byId("top-k").value), topP: Number(byId("top-p").value) });
function asRun() { setSliders(data.generate); }
function asModel() { setSliders({ temperature: 1, top_k: 0, top_p: 1 }); }
function setSliders({ temperature, top_k, top_p }) {
  byId("temperature").value = temperature;
  byId("top-k").value = top_k;
  byId("top-p").value = top_p;
}
function showSteps() {
  fill("step-choice", ...data.steps.map((place, step) => make("option", { value: step, text: `${place + 1}: ${shown(data.tokens[place])}` })));
  byId("step-choice").value = state.step;
}
function showNext() {
  const { temperature, topK, topP } = sliders(), stored = distribution(state.step), { chances, inPlay } = sampled(stored, temperature, topK, topP);
  const plain = sampled(stored, 1, 0, 1).chances, came = follower(data.steps[state.step]);
  byId("temperature-value").textContent = temperature === 0 ? "0, greedy" : temperature.toFixed(2);
  byId("top-k-value").textContent = topK || "off";
  byId("top-p-value").textContent = topP < 1 ? topP.toFixed(2) : "off";
  const shownPlaces = [...Array(Math.min(16, stored.ids.length)).keys()], most = Math.max(chances[0], plain[0]);
  fill("next", ...shownPlaces.map((place) => {
    const id = stored.ids[place], item = bar(id, chances[place], most, { class: [id === came ? "came" : "", chances[place] > 0 ? "" : "out"].join(" "), title: `${shown(id)}: ${percent(plain[place])} before and ${percent(chances[place])} with these settings` });
    item.querySelector(".meter").append(make("i", { style: `left:${100 * plain[place] / (most || 1)}%` }));
    return item;
  }));
  const size = stored.ids.length + stored.counts.reduce((a, b) => a + b, 0), penalty = data.generate.repetition_penalty !== 1 ? ` Both include the run's repetition penalty of ${data.generate.repetition_penalty}.` : "";
  byId("next-caption").textContent = inUnits(`${inWords(inPlay)} of ${inWords(size)} tokens can be drawn after ${quoted(data.tokens[data.steps[state.step]])}. Bars are probabilities with these settings, thin marks those at temperature 1 without top-k and top-p.${penalty}${came < 0 ? "" : ` The actual next token is ${quoted(came)}.`}`);
  byId("next").dataset.play = inPlay;
}
function showPath() {
  byId("path-caption").textContent = inUnits(`The ${count() <= data.prompt ? "input" : data.answers ? "answer" : "continuation"} token by token, each with its probability and the likeliest alternatives: the model's own probabilities, before any setting.`);
  fill("path", ...data.steps.map((place, step) => {
    const came = follower(place), [chance, position, drawn, inPlay] = data.path[step];
    const others = likeliest(stages() - 1, place).filter(({ id }) => id !== came).slice(0, 4);
    const detail = came < 0 ? `no next ${unit()}` : `${percent(chance)}, rank ${inWords(position)}; with the run's settings ${inWords(inPlay)} can be drawn, this one with ${percent(drawn)}`;
    return make("li", { class: step === state.step ? "here" : null }, make("button", { class: "plain", title: detail, onclick: () => choose({ step, token: place }) }, came < 0 ? make("span", { class: "faint", text: "next" }) : tokenName(came), came < 0 ? null : make("span", { class: "share", text: percent(chance) })), make("span", { class: "others" }, ...others.map(({ id, chance: share }) => make("span", { class: share > 0.5 * chance ? "near" : "" }, tokenName(id), ` ${percent(share)}`))));
  }));
}
for (const name of ["temperature", "top-k", "top-p"]) byId(name).oninput = showNext;
byId("as-run").onclick = () => { asRun(); showNext(); };
byId("as-model").onclick = () => { asModel(); showNext(); };
byId("step-choice").onchange = (event) => choose({ step: Number(event.target.value), token: data.steps[Number(event.target.value)] });
