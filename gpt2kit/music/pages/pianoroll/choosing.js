/* ---- choosing notes, and the list of what the chosen one looked back at ---- */
const LISTED = 12, SCALES = [0.05, 0.1, 0.25, 0.5, 1];
const describe = (note) => `${nameOf(piece.pitch[note])}, velocity ${piece.velocity[note]}, ${clock(start[note], 2)} to ${clock(end[note], 2)}`;
const percentage = (share) => share >= 0.01 ? `${Math.round(100 * share)}%` : share > 0 ? "<1%" : "0%";
const total = (parts) => parts.reduce((sum, weight) => sum + weight, 0);
function choose(note, quiet = false) {
  chosen = note;
  const { notes, others, rest } = lookedAt(note);
  edges = notes.slice(-MOST_LINES);
  roll.dataset.chosen = note;
  roll.dataset.arcs = edges.length;
  if (note >= 0 && !quiet) bringIntoView(start[note]);
  if (looked) {
    byId("chosen").textContent = note < 0
      ? "Choose a note in the piano roll: lines lead to the earlier notes that the model looked at; the wider a line, the larger the weight."
      : notes.length ? `${describe(note)}, looked back at:` : `${describe(note)}, looked back at no note here.`;
    showList(note, notes, others, rest);
  }
  redraw();
}
/* Shares of all attention of the heads that are on: the notes with the largest ones, then all that is left. */
function showList(note, notes, others, rest) {
  byId("keys").replaceChildren();
  byId("rest").replaceChildren();
  const heads = looked.on.filter(Boolean).length;
  byId("scale").hidden = note < 0 || !heads;
  if (note < 0 || !heads) return;
  const shares = new Map();
  for (const { key, head, weight } of notes) {
    if (!shares.has(key)) shares.set(key, Array(looked.heads).fill(0));
    shares.get(key)[head] += weight / heads;
  }
  const sorted = [...shares].sort((a, b) => total(b[1]) - total(a[1])), unlisted = others.map((weight) => weight / heads);
  for (const [, parts] of sorted.slice(LISTED)) parts.forEach((weight, head) => { unlisted[head] += weight; });
  const full = SCALES.find((each) => each >= total(sorted.length ? sorted[0][1] : []));
  byId("scale").textContent = `All rows together are 100% of this note's attention${sorted.length ? `; a full bar is ${100 * full}%` : ""}.`;
  for (const [key, parts] of sorted.slice(0, LISTED)) {
    const button = document.createElement("button");
    button.append(...[nameOf(piece.pitch[key]), clock(start[key], 2)].map(labelled), meter(parts, full), labelled(percentage(total(parts)), "share"));
    button.onclick = () => { byId("follow").checked = false; choose(key); };
    byId("keys").append(item(button));
  }
  const rows = [["other earlier notes", unlisted, "All earlier notes that are not in the list."],
    ["no earlier note", rest.map((weight) => weight / heads), "Events of this note and of notes struck after it, and events of no note, such as the beginning."]];
  for (const [name, parts, title] of rows) {
    if (total(parts) < 0.0005) continue;
    const line = document.createElement("div");
    line.title = title;
    line.append(labelled(name), labelled(percentage(total(parts)), "share"));
    byId("rest").append(item(line));
  }
}
function item(content) {
  const found = document.createElement("li");
  found.append(content);
  return found;
}
function labelled(text, name = "") {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  return span;
}
/* A bar in the colours of the heads; it is full at the share `full`. */
function meter(parts, full) {
  const bar = labelled("", "meter");
  parts.forEach((weight, head) => {
    if (!weight) return;
    const part = labelled("");
    part.style.width = `${100 * weight / full}%`;
    part.style.background = headColour(head);
    part.title = `head ${head + 1}: ${percentage(weight)}`;
    bar.append(part);
  });
  return bar;
}
function noteAt(px, py) {
  const pitch = highest - Math.floor((py - TOP) / keyHeight()), time = view + (px - LEFT) / scale, slack = 4 / scale;
  if (px < LEFT) return -1;
  for (let note = Math.min(firstFrom(start, time + slack), count) - 1; note >= 0 && start[note] > time - longest - slack; note--)
    if (piece.pitch[note] === pitch && time <= Math.max(end[note], start[note] + 2 / scale) + slack) return note;
  return -1;
}
