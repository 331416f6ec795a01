/* ---- what the user gives: one field for each text of an input, and the settings of drawing ---- */
function inputs() {
  const values = [...document.querySelectorAll("#inputs textarea")].map(({ value }) => value);
  return settings.choices ? values.filter((value, place) => place === 0 || value.trim()) : values;
}
const ending = () => byId("ending").value || undefined;
/* What a prompt may end with is mostly a language. */
function nameOfEnding(ending) {
  try { return new Intl.DisplayNames(["en"], { type: "language" }).of(ending); } catch { return ending; }
}
if (byId("ending")) {
  for (const option of byId("ending").options) option.textContent = nameOfEnding(option.value);
  const names = [...byId("ending").options].map(({ textContent }) => textContent).filter(Boolean);
  byId("answers-in").textContent = names.length ? `It answers in ${new Intl.ListFormat("en", { type: "disjunction" }).format(names)}. ` : "";
}
/* The first field whose number is not in its range. */
const outOfRange = () => [...document.querySelectorAll("#explore input[type=number]")].find(({ validity: { badInput, rangeUnderflow, rangeOverflow } }) => badInput || rangeUnderflow || rangeOverflow);
/* The number in a field, within its limits; null if there is none. */
function numberOf(id) {
  const { value, min, max } = byId(id);
  return value === "" ? null : Math.max(Number(min), Math.min(max === "" ? Number.MAX_SAFE_INTEGER : Number(max), Number(value)));
}
function wholeNumberOf(id) {
  const number = numberOf(id);
  return number === null ? null : Math.floor(number);
}
/* The settings that the user has changed, and a seed: a new one if none is given. */
function drawKnobs() {
  const chosen = { temperature: numberOf("ten-temperature"), top_k: wholeNumberOf("ten-top-k"), top_p: numberOf("ten-top-p") };
  const known = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== null));
  if (known.temperature === 0) Object.assign(known, { top_k: 0, top_p: 1 });  // greedy decoding has no use for them
  return { settings: known, seed: wholeNumberOf("ten-seed") ?? Math.floor(2 ** 31 * Math.random()) };
}
for (const name of ["temperature", "top_k", "top_p"]) byId(`ten-${name.replace("_", "-")}`).value = settings.knobs[name];
