/* ---- all sections, and what is chosen in them ---- */
function showToolbar() {
  const option = (value) => make("option", { value, text: value + 1 });
  fill("pick-layer", ...[...Array(data.model.layers).keys()].map(option));
  fill("pick-head", ...[...Array(data.model.heads).keys()].map(option));
}
/* Draw everything, and choose a token, or else the last one of the prompt. */
function show(chosen = {}) {
  document.body.classList.remove("waiting");
  state.token = Math.min(Math.max(0, data.prompt - 1), count() - 1);
  state.layer = Math.min(state.layer, data.model.layers - 1);
  state.head = Math.min(state.head, data.model.heads - 1);
  state.stage = stages() - 1;
  state.step = Math.max(0, data.steps.indexOf(state.token));
  state.clock = Math.min(state.clock, clockSteps() - 1);
  taskState.layer = taskState.head = -1;
  taskState.word = 0;
  taskState.label = null;
  state.lensFrom = Math.min(Math.max(0, state.token - COLUMNS / 2), Math.max(0, count() - COLUMNS));
  showToolbar();
  showModel();
  showInput();
  showGlance();
  showSteps();
  asModel();
  showCache();
  showTask();
  choose(chosen);
}
/* Other scripts add what else a choice changes. */
const chosenToo = [];
/* Redraws what a choice changes: all sections show the same token, layer and head. */
function choose(change) {
  const focused = document.activeElement, home = focused && focused.closest("#arcs, #lens, #split, #path, #parts");
  Object.assign(state, change);
  if (state.token < state.lensFrom || state.token >= state.lensFrom + COLUMNS) state.lensFrom = Math.min(Math.max(0, state.token - COLUMNS / 2), Math.max(0, count() - COLUMNS));
  if (!("step" in change) && data.steps.includes(state.token)) state.step = data.steps.indexOf(state.token);
  fill("picked", tokenName(data.tokens[state.token]), make("small", { class: "faint", text: ` ${state.token + 1} of ${inWords(count())}` }));
  byId("pick-layer").value = state.layer;
  byId("pick-head").value = state.head;
  byId("all-heads").checked = state.allHeads;
  byId("step-choice").value = state.step;
  for (const button of document.querySelectorAll("#tokens [data-token]")) button.setAttribute("aria-pressed", Number(button.dataset.token) === state.token);
  showToken();
  showLens();
  showMind();
  showLikeliest();
  showWritten();
  showNeurons();
  markGlance();
  showLarge();
  showArcs();
  showTables();
  showGather();
  showSplit();
  showNext();
  showAttribution();
  showPath();
  for (const also of chosenToo) also();
  scrollTokens();
  scrollLens();
  drawArcs();
  if (home && !focused.isConnected) refocus(home, focused.dataset);
}
/* What was chosen by key is redrawn: the same element gets the focus again. */
function refocus(home, { token, stage }) {
  const same = stage === undefined ? `[data-token="${token}"]` : `[data-stage="${stage}"][data-token="${token}"]`;
  const found = home.querySelector(same) || home.querySelector("[aria-pressed=true], .here button");
  if (found) found.focus({ preventScroll: true });
}
function scrollTokens() {
  const flow = byId("tokens"), own = flow.querySelector("[aria-pressed=true]");
  if (own && (own.offsetTop < flow.scrollTop || own.offsetTop + own.offsetHeight > flow.scrollTop + flow.clientHeight)) flow.scrollTop = own.offsetTop - flow.clientHeight / 2;
}
const stepTo = (name, by, size) => choose({ [name]: (state[name] + by + size) % size });
byId("before").onclick = () => choose({ token: Math.max(0, state.token - 1) });
byId("after").onclick = () => choose({ token: Math.min(count() - 1, state.token + 1) });
byId("pick-layer").onchange = (event) => choose({ layer: Number(event.target.value) });
byId("pick-head").onchange = (event) => choose({ head: Number(event.target.value), allHeads: false });
document.addEventListener("keydown", (event) => {
  if (!data || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea, canvas") || event.target.closest("#performance")) return;
  const actions = {
    ",": () => choose({ token: Math.max(0, state.token - 1) }), ".": () => choose({ token: Math.min(count() - 1, state.token + 1) }),
    "[": () => stepTo("layer", -1, data.model.layers), "]": () => stepTo("layer", 1, data.model.layers),
    "{": () => stepTo("head", -1, data.model.heads), "}": () => stepTo("head", 1, data.model.heads),
  };
  if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
});
let widthBefore = 0;
new ResizeObserver(() => {
  const { clientWidth } = document.documentElement;
  if (data && clientWidth !== widthBefore) { widthBefore = clientWidth; drawArcs(); if (byId("task-body").querySelector(".align")) showAlignment(); }
}).observe(document.documentElement);
if (data) show();
else document.body.classList.add("waiting");
globalThis.inspection = { state, choose, sampled, distribution };
