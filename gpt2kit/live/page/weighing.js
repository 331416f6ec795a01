/* ---- the weight of each word in a label: what the label becomes without it ---- */
async function weigh() {
  try {
    const { label, whole, words: found } = await ask("weigh", { values: inputs(), off: live.off });
    const most = Math.max(0.01, ...found.flat().map(({ without }) => Math.abs(whole - without)));
    fill("weighed", ...found.map((line) => make("p", { class: "reading" }, ...line.flatMap(({ text, without }, place) => {
      const change = whole - without, color = change >= 0 ? "--tint" : "--below", share = Math.round(70 * Math.abs(change) / most);
      return [place ? " " : null, make("span", { class: "word", dir: "auto", style: `background:color-mix(in srgb, var(${color}) ${share}%, transparent)`, title: `${label}: ${percent(whole)}, without “${text}” ${percent(without)}`, text })].filter((part) => part !== null);
    }))));
    byId("weighed-caption").textContent = found.flat().length ? `What each word does for “${label}” (${percent(whole)}): the probability is computed again without it. Blue words speak for it, orange ones against it; the strongest one changes it by ${percent(most)}.` : "";
  } catch (error) {
    if (!(error instanceof Outdated)) byId("busy").textContent = error.message;
  }
}
