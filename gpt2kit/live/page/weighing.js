/* ---- the weight of each word in a label: what the label becomes without it ---- */
async function weigh() {
  try {
    showWeighed(await ask("weigh", { values: inputs(), off: live.off }, showWeighed));
  } catch (error) {
    if (!(error instanceof Outdated)) byId("busy").textContent = error.message;
  }
}
/* The words that the model reads of each text; those that have not been left out yet have no color. */
function showWeighed({ label, whole, texts }) {
  const words = texts.flatMap((text) => text.words), known = words.filter(({ without }) => without !== null);
  const most = Math.max(0.01, ...known.map(({ without }) => Math.abs(whole - without)));
  fill("weighed", ...texts.map((text) => make("p", { class: "reading" }, ...text.words.flatMap((word, place) => [place ? " " : null, weighedWord(label, whole, word, most)]), text.more ? make("span", { class: "faint", text: " … the rest is not read" }) : null)));
  const far = known.length < words.length ? ` So far ${inWords(known.length)} of ${inWords(words.length)} words are done.` : "";
  byId("weighed-caption").textContent = words.length ? `What each word does for “${label}” (${percent(whole)}): the probability is computed again without it. Blue words speak for it, orange ones against it; the strongest one changes it by ${percentagePoints(most)}.${far}` : "";
}
function weighedWord(label, whole, { text, without }, most) {
  if (without === null) return make("span", { class: "word", dir: "auto", text });
  const change = whole - without, color = change >= 0 ? "--tint" : "--below", share = Math.round(70 * Math.abs(change) / most);
  return make("span", { class: "word", dir: "auto", style: `background:color-mix(in srgb, var(${color}) ${share}%, transparent)`, title: `${label}: ${percent(whole)}, without “${text}” ${percent(without)}`, text });
}
const percentagePoints = (share) => several(Math.round(100 * share), "percentage point");
