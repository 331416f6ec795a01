/* ---- 3: the neurons of the MLP ---- */
/* A page that has the model computes the tokens that neurons push when they are shown: (layer, numbers) => a promise,
   kept when data.neurons.pushed and data.pieces have them. */
let findPushed = null;
const pushedBy = (layer, number) => data.neurons.pushed[`${layer}.${number}`];
function showNeurons() {
  const { layer, token } = state, step = data.steps.indexOf(token), { numbers, activations } = data.neurons;
  byId("neurons-caption").textContent = step < 0
    ? `This page has the neurons at the ${units()} ${data.steps[0] + 1} to ${data.steps.at(-1) + 1} only: choose one of them.`
    : `The MLP of layer ${layer + 1} has ${inWords(data.model.inner)} neurons; those with the largest activation after ${quoted(data.tokens[token])} are listed. Each pushes some ${units()} up (▲) and others down (▼): its output, read with the last norm and the head, without what later layers make of it.`;
  if (step < 0) { fill("neurons"); return; }
  const found = [...row(numbers, layer, step)], strength = row(activations, layer, step), most = largest(strength), before = data;
  const missing = found.filter((number) => !pushedBy(layer, number));
  if (missing.length && findPushed) findPushed(layer, missing).then(() => { if (data === before && state.layer === layer && state.token === token) showNeurons(); }, () => null);  // without them the list is still right
  const separator = units() === "events" ? ", " : " ";  // names of events have spaces
  const list = (sign, ids) => make("span", { class: "pushed" }, `${sign} `, ...ids.flatMap((id, place) => [place ? separator : "", tokenName(id)]));
  fill("neurons", ...found.map((number, place) => {
    const pushed = pushedBy(layer, number);
    return make("li", {}, make("span", { text: `neuron ${inWords(number + 1)}` }), make("span", { class: "meter", title: `activation ${strength[place].toFixed(2)}` }, make("span", { class: "mlp", style: `width:${100 * Math.max(0, strength[place]) / (most || 1)}%` })), make("span", { class: "share", text: strength[place].toFixed(2) }), ...(pushed ? [list("▲", pushed[0]), list("▼", pushed[1])] : []));
  }));
}
