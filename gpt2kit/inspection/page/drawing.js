/* ---- drawing ---- */
const SVG = "http://www.w3.org/2000/svg";
function dressed(element, settings, children) {
  for (const [name, value] of Object.entries(settings)) {
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element[name] = value;
    else if (name.startsWith("aria-")) element.setAttribute(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
const make = (tag, settings = {}, ...children) => dressed(document.createElement(tag), settings, children);
const draw = (tag, settings = {}, ...children) => dressed(document.createElementNS(SVG, tag), settings, children);
const fill = (id, ...children) => byId(id).replaceChildren(...children.filter((child) => child !== null));
/* Marks of spaces and the like are paler than text. */
function marked(text) {
  const parts = text.split(/([·↵⇥␍]+|⟨[^⟩]*⟩)/).filter(Boolean);
  return parts.map((part) => make("span", { class: /^[·↵⇥␍⟨]/.test(part) ? "mark" : null, text: part }));
}
const tokenName = (id, settings = {}) => make("span", { class: `tok ${piece(id)[1]}`, dir: "auto", ...settings }, ...marked(shown(id)));
const dark = matchMedia("(prefers-color-scheme: dark)");
/* The background of a share: 0 is transparent, 1 the full colour, on which text is still readable. */
const shade = (share) => `color-mix(in srgb, var(--tint) ${Math.round(100 * Math.min(1, Math.max(0, share)))}%, transparent)`;
/* Signed numbers as a strip: blue above 0, orange below; `most` has the full colour. */
function strip(values, most, label, height = 14) {
  const canvas = make("canvas", { class: "strip", role: "img", "aria-label": label, title: label });
  canvas.width = values.length;
  canvas.height = 1;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d"), pixels = pen.createImageData(values.length, 1);
  values.forEach((value, place) => {
    const strength = Math.min(1, Math.abs(value) / (most || 1)), [r, g, b] = value >= 0 ? [46, 105, 160] : [214, 104, 28];
    pixels.data.set([r, g, b, 255 * Math.sqrt(strength)], 4 * place);
  });
  pen.putImageData(pixels, 0, 0);
  return canvas;
}
const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
/* A token, a bar of its share of `most`, and its percentage. */
function bar(id, share, most, settings = {}) {
  return make("li", settings, tokenName(id), make("span", { class: "meter" }, make("span", { style: `width:${100 * share / (most || 1)}%` })), make("span", { class: "share", text: percent(share) }));
}
/* Words of tokens from `first` to before `end`: [{from, to, text, name}]; spaces belong to the word after them. */
const bare = (text) => text.replace(/^[·↵⇥␍]+|[·↵⇥␍]+$/g, "");
function words(first, end, idOf) {
  const found = [];
  let open = false;
  for (let place = first; place < end; place++) {
    const [text, kind] = piece(idOf(place)), last = found[found.length - 1], name = kind === "name";
    if (open && !name && (!bare(last.text) || !/^[·↵⇥␍]/.test(text))) { last.to = place + 1; last.text += text; }
    else found.push({ from: place, to: place + 1, text, name });
    open = !name && !(/[↵⇥]$/.test(text) && bare(found[found.length - 1].text));
  }
  for (const word of found) if (/⟨[0-9A-F]{2}/.test(word.text)) word.text = whole(word, idOf);
  return found.filter((word) => word.name || bare(word.text));
}
/* The text of a word whose tokens split a character. */
function whole({ from, to }, idOf) {
  const hex = [...Array(to - from).keys()].map((each) => piece(idOf(from + each))[2]).join(" ");
  const text = new TextDecoder().decode(Uint8Array.from(hex.split(" "), (byte) => parseInt(byte, 16)));
  return text.replace(/ /g, "·").replace(/\n/g, "↵").replace(/\t/g, "⇥");
}
