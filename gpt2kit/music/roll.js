/* Plays a performance as a piano roll and shows which earlier notes each note looked at; its data is in #piece. */
(() => {
const byId = (id) => document.getElementById(id);
if (!byId("piece")) return;
const piece = JSON.parse(byId("piece").textContent);
const count = piece.pitch.length;
const start = piece.start.map((ms) => ms / 1000), end = piece.end.map((ms) => ms / 1000);
const piano = createPiano(), player = createPlayer(piano, { pitch: piece.pitch, velocity: piece.velocity, start, end });
const { duration } = player;
const longest = end.reduce((most, time, note) => Math.max(most, time - start[note]), 0);
const MOST_LINES = 60, LEFT = 56, BOTTOM = 26, TOP = 24, LEAD = 0.5, REST = 1.5;
let lowest = 48, highest = 83;
if (count) {
  lowest = Math.max(piece.pitch.reduce((a, b) => Math.min(a, b)) - 2, 0);
  highest = Math.min(piece.pitch.reduce((a, b) => Math.max(a, b)) + 2, 127);
  const missing = Math.max(36 - (highest - lowest + 1), 0);
  lowest = Math.max(Math.min(lowest - (missing >> 1), 127 - 36), 0);
  highest = Math.min(Math.max(highest, lowest + 35), 127);
}

/* ---- state ---- */
let following = true;
let view = -LEAD, scale = 0;  // the time at the left edge, pixels a second
let chosen = -1, hovered = -1, layer = -1, edges = [];
let colours, style;

/* ---- attention ---- */
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
let looked = null;
if (piece.attention) {
  const raw = piece.attention, keys = bytes(raw.keys).buffer;
  looked = { layers: raw.layers, heads: raw.heads, top: raw.top, on: Array(raw.heads).fill(true), weights: bytes(raw.weights),
    keys: raw.wide ? new Uint32Array(keys) : new Uint16Array(keys), none: raw.wide ? 0xffffffff : 0xffff };
}
const headColour = (head) => piece.heads[head % piece.heads.length];
/* The largest weights of a note as {key, head, weight}, the smallest first; for all layers their mean. */
function lookedAt(note) {
  const found = new Map();
  if (!looked || note < 0) return [];
  const layers = layer < 0 ? [...Array(looked.layers).keys()] : [layer];
  for (const each of layers) for (let head = 0; head < looked.heads; head++) {
    if (!looked.on[head]) continue;
    const base = ((note * looked.layers + each) * looked.heads + head) * looked.top;
    for (let place = base; place < base + looked.top; place++) {
      const key = looked.keys[place], weight = looked.weights[place] / 255 / layers.length;
      if (key === looked.none || weight === 0) continue;
      const id = key * looked.heads + head;
      found.set(id, (found.get(id) || 0) + weight);
    }
  }
  return [...found].map(([id, weight]) => ({ key: Math.floor(id / looked.heads), head: id % looked.heads, weight }))
    .sort((a, b) => a.weight - b.weight).slice(-MOST_LINES);
}

/* ---- sound ---- */
/* Play a chosen note, unless the piece is playing. */
function hear(note) {
  if (note < 0 || player.playing || !piano.open()) return;
  piano.hush();
  piano.strike(piece.pitch[note], piece.velocity[note], Math.min(end[note] - start[note], 3));
}
player.changed = () => {
  byId("play").setAttribute("aria-pressed", player.playing);
  byId("play").setAttribute("aria-label", player.playing ? "Pause" : "Play");
  if (player.playing) following = true;
  redraw();
};
function seek(time) {
  player.seek(time);
  following = true;
  bringIntoView(player.position);
  redraw();
}

/* ---- pictures ---- */
const roll = byId("roll"), overview = byId("overview"), dark = matchMedia("(prefers-color-scheme: dark)");
const width = () => roll.clientWidth - LEFT;
const x = (time) => LEFT + (time - view) * scale;
const keyHeight = () => (roll.clientHeight - TOP - BOTTOM) / (highest - lowest + 1);
const y = (pitch) => TOP + (highest - pitch) * keyHeight();
const least = () => width() / (duration + LEAD + REST);
function setView(time) { view = clamp(time, -LEAD, Math.max(-LEAD, duration + REST - width() / scale)); }
function zoom(factor, at) {
  const time = view + (at - LEFT) / scale;
  scale = clamp(scale * factor, least(), 1200);
  setView(time - (at - LEFT) / scale);
  redraw();
}
function bringIntoView(time) {
  if (x(time) < LEFT || x(time) > roll.clientWidth - 20) setView(time - 0.3 * width() / scale);
}
function sharp(canvas) {
  const ratio = window.devicePixelRatio || 1, wide = Math.round(canvas.clientWidth * ratio), high = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  pen.font = "12px system-ui, sans-serif";
  return pen;
}
function readStyle() {
  const computed = getComputedStyle(document.documentElement);
  style = {};
  for (const name of ["card", "ink", "faint", "line", "octave", "lane", "primer", "primer-line", "cursor", "ivory", "ebony", "edge", "window"])
    style[name] = computed.getPropertyValue("--" + name).trim();
  colours = dark.matches ? piece.colours.dark : piece.colours.light;
  byId("gradient").style.background = `linear-gradient(to right, ${[0, 25, 50, 75, 100, 126].map((i) => colours[i]).join(",")})`;
}
let asked = false;
function redraw() { if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; draw(); }); } }
function draw() {
  player.advance();
  const { position, playing } = player;
  if (playing && following) {
    const at = x(position) - LEFT;
    if (at > 0.62 * width()) setView(position - 0.62 * width() / scale);
    else if (at < 0) setView(position - 0.1 * width() / scale);
  }
  if (playing && looked && byId("follow").checked) {
    const last = firstFrom(start, position + 1e-6) - 1;
    if (last >= 0 && last !== chosen) choose(last, true);
  }
  drawRoll();
  drawOverview();
  byId("clock").textContent = `${clock(position, 1)} / ${clock(duration)}`;
  overview.setAttribute("aria-valuenow", position.toFixed(1));
  overview.setAttribute("aria-valuetext", clock(position));
  if (playing) redraw();
}
function drawRoll() {
  const { position, playing } = player;
  const pen = sharp(roll), right = roll.clientWidth, high = keyHeight(), bottom = y(lowest) + high;
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, right - LEFT, roll.clientHeight);
  pen.clip();
  const from = Math.max(x(0), LEFT), to = Math.min(x(duration), right);
  pen.fillStyle = style.lane;
  for (let pitch = lowest; pitch <= highest; pitch++) if (isBlack(pitch)) pen.fillRect(from, y(pitch), to - from, high);
  if (piece.primer > 0) {
    pen.fillStyle = style.primer;
    pen.fillRect(x(0), TOP, x(Math.min(piece.primer, duration)) - x(0), bottom - TOP);
  }
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600].find((each) => each * scale >= 70) || 1800;
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (let tick = Math.max(0, Math.ceil(view / step)); tick * step <= duration && x(tick * step) < right + 40; tick++) {
    pen.fillStyle = style.line;
    pen.fillRect(Math.round(x(tick * step)), TOP, 1, bottom - TOP);
    pen.fillStyle = style.faint;
    pen.fillText(clock(tick * step, step < 1 ? 1 : 0), x(tick * step), bottom + 7);
  }
  pen.fillStyle = style.octave;
  for (let pitch = lowest; pitch <= highest; pitch++) if (pitch % 12 === 0) pen.fillRect(from, Math.round(y(pitch) + high), to - from, 1);
  const sounding = new Map(), keyNotes = new Set(edges.map((edge) => edge.key));
  for (let note = firstFrom(start, view - longest); note < count && x(start[note]) < right; note++) {
    if (x(end[note]) < LEFT) continue;
    const sounds = playing && start[note] <= position && position < end[note];
    if (sounds) sounding.set(piece.pitch[note], note);
    const wide = Math.max(x(end[note]) - x(start[note]) - 0.7, 2), tall = Math.max(high - 1, 2);
    pen.globalAlpha = chosen < 0 || note === chosen || sounds || !looked ? 1 : keyNotes.has(note) ? 1 : 0.38;
    pen.fillStyle = colours[piece.velocity[note] - 1];
    pen.beginPath();
    pen.roundRect(x(start[note]), y(piece.pitch[note]) + 0.5, wide, tall, Math.min(3, wide / 2, tall / 2));
    pen.fill();
    if (note === chosen || note === hovered || sounds) {
      pen.lineWidth = note === chosen ? 2.5 : 1.5;
      pen.strokeStyle = style.ink;
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
  drawArcs(pen);
  if (piece.primer > 0) {
    pen.fillStyle = style["primer-line"];
    pen.fillRect(x(piece.primer) - 1, 4, 2, bottom - 4);
    pen.font = "600 12px system-ui, sans-serif";
    pen.textAlign = x(piece.primer) - LEFT > 60 ? "right" : "left";
    pen.fillText("primer", x(piece.primer) + (pen.textAlign === "right" ? -6 : 6), 6);
  }
  pen.fillStyle = style.cursor;
  pen.fillRect(x(position) - 1, TOP - 8, 2, bottom - TOP + 8);
  pen.beginPath();
  pen.moveTo(x(position) - 6, TOP - 12);
  pen.lineTo(x(position) + 6, TOP - 12);
  pen.lineTo(x(position), TOP - 3);
  pen.fill();
  pen.restore();
  drawKeyboard(pen, sounding, high, bottom);
  if (!count) {
    pen.fillStyle = style.faint;
    pen.textAlign = "center";
    pen.font = "16px system-ui, sans-serif";
    pen.fillText("This piece has no notes.", (LEFT + right) / 2, roll.clientHeight / 2 - 8);
  }
}
function drawArcs(pen) {
  if (chosen < 0) return;
  const half = keyHeight() / 2, x1 = x(start[chosen]) + 2, y1 = y(piece.pitch[chosen]) + half;
  const strongest = edges.length ? edges[edges.length - 1].weight : 1;
  pen.lineCap = "round";
  for (const { key, head, weight } of edges) {
    const x0 = x((start[key] + Math.min(end[key], start[key] + 0.4)) / 2), y0 = y(piece.pitch[key]) + half;
    // Heads bend differently, so that two lines to one note are seen as two.
    const lift = 18 + Math.min(0.28 * (x1 - x0), 190) + 5 * (head % 8), top = Math.max(Math.min(y0, y1) - lift, 6 + 3 * (head % 8));
    pen.strokeStyle = headColour(head);
    pen.globalAlpha = 0.25 + 0.65 * weight / strongest;
    pen.lineWidth = 0.8 + 7 * weight / strongest;
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.bezierCurveTo(x1 - 0.2 * (x1 - x0), top, x0 + 0.2 * (x1 - x0), top, x0, y0);
    pen.stroke();
  }
  pen.globalAlpha = 1;
}
function drawKeyboard(pen, sounding, high, bottom) {
  const left = LEFT - 24, wide = 21;
  pen.fillStyle = style.ivory;
  pen.fillRect(left, TOP, wide, bottom - TOP);
  pen.strokeStyle = style.edge;
  pen.lineWidth = 1;
  pen.strokeRect(left + 0.5, TOP + 0.5, wide - 1, bottom - TOP - 1);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (let pitch = lowest; pitch <= highest; pitch++) {
    const top = y(pitch), note = sounding.get(pitch);
    if (isBlack(pitch)) { pen.fillStyle = style.ebony; pen.fillRect(left, top + 0.5, 0.62 * wide, high - 1); }
    else if (pitch % 12 === 0 || pitch % 12 === 5) { pen.fillStyle = style.edge; pen.fillRect(left, top + high - 0.5, wide, 1); }
    if (note !== undefined) { pen.fillStyle = colours[piece.velocity[note] - 1]; pen.fillRect(left, top, isBlack(pitch) ? 0.62 * wide : wide, high); }
    if (pitch % 12 === 0) { pen.fillStyle = style.faint; pen.fillText(nameOf(pitch), left - 6, top + high / 2); }
  }
}
const overviewX = (time) => 8 + time / (duration || 1) * (overview.clientWidth - 16);
function drawOverview() {
  const pen = sharp(overview), tall = overview.clientHeight - 12, high = tall / (highest - lowest + 1);
  const ratio = overviewX(1) - overviewX(0);
  if (piece.primer > 0) {
    pen.fillStyle = style.primer;
    pen.fillRect(overviewX(0), 0, Math.min(piece.primer, duration) * ratio, overview.clientHeight);
    pen.fillStyle = style["primer-line"];
    pen.fillRect(overviewX(Math.min(piece.primer, duration)), 0, 1.5, overview.clientHeight);
  }
  for (let note = 0; note < count; note++) {
    pen.fillStyle = colours[piece.velocity[note] - 1];
    pen.fillRect(overviewX(start[note]), Math.round(6 + (highest - piece.pitch[note]) * high), Math.max((end[note] - start[note]) * ratio, 1), Math.max(Math.round(high), 1));
  }
  for (const { key, head, weight } of edges) {
    pen.fillStyle = headColour(head);
    pen.beginPath();
    pen.arc(overviewX(start[key]), 6 + (highest - piece.pitch[key]) * high, 1.5 + 4 * Math.sqrt(weight), 0, 7);
    pen.fill();
  }
  const left = overviewX(clamp(view, 0, duration)), right = overviewX(clamp(view + width() / scale, 0, duration));
  if (right - left < overview.clientWidth - 20) {
    pen.fillStyle = style.window;
    pen.fillRect(left, 0, right - left, overview.clientHeight);
    pen.strokeStyle = style.faint;
    pen.lineWidth = 1.5;
    pen.strokeRect(left, 0.75, right - left, overview.clientHeight - 1.5);
  }
  pen.fillStyle = style.cursor;
  pen.fillRect(overviewX(player.position) - 1, 0, 2, overview.clientHeight);
}

/* ---- choosing notes ---- */
const describe = (note) => `${nameOf(piece.pitch[note])}, velocity ${piece.velocity[note]}, ${clock(start[note], 2)} to ${clock(end[note], 2)}`;
function choose(note, quiet = false) {
  chosen = note;
  edges = lookedAt(note);
  roll.dataset.chosen = note;
  roll.dataset.arcs = edges.length;
  if (note >= 0 && !quiet) bringIntoView(start[note]);
  const list = byId("keys");
  list.replaceChildren();
  if (!looked) { redraw(); return; }
  byId("chosen").textContent = note < 0
    ? "Choose a note in the piano roll: lines lead to the earlier notes that the model looked at; the wider a line, the larger the weight."
    : edges.length ? `${describe(note)}, looked back at:` : `${describe(note)}, looked back at no note here.`;
  const shares = new Map();
  for (const { key, head, weight } of edges) {
    if (!shares.has(key)) shares.set(key, { total: 0, parts: [] });
    shares.get(key).total += weight;
    shares.get(key).parts.push([head, weight]);
  }
  const heads = Math.max(1, looked.on.filter(Boolean).length);
  const best = [...shares].sort((a, b) => b[1].total - a[1].total).slice(0, 12);
  for (const [key, { total, parts }] of best) {
    const button = document.createElement("button"), meter = document.createElement("span");
    for (const text of [nameOf(piece.pitch[key]), clock(start[key], 2)]) {
      const span = document.createElement("span");
      span.textContent = text;
      button.append(span);
    }
    meter.className = "meter";
    for (const [head, weight] of parts.sort((a, b) => a[0] - b[0])) {
      const part = document.createElement("span");
      part.style.width = `${100 * weight / best[0][1].total}%`;
      part.style.background = headColour(head);
      part.title = `head ${head + 1}`;
      meter.append(part);
    }
    const share = document.createElement("span");
    share.className = "share";
    share.textContent = `${(100 * total / heads).toFixed(0)}%`;
    button.append(meter, share);
    button.onclick = () => { byId("follow").checked = false; choose(key); };
    const item = document.createElement("li");
    item.append(button);
    list.append(item);
  }
  redraw();
}
function noteAt(px, py) {
  const pitch = highest - Math.floor((py - TOP) / keyHeight()), time = view + (px - LEFT) / scale, slack = 4 / scale;
  if (px < LEFT) return -1;
  for (let note = Math.min(firstFrom(start, time + slack), count) - 1; note >= 0 && start[note] > time - longest - slack; note--)
    if (piece.pitch[note] === pitch && time <= Math.max(end[note], start[note] + 2 / scale) + slack) return note;
  return -1;
}

/* ---- mouse and keyboard ---- */
let held = null;
roll.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  held = { x: event.clientX, view, moved: false };
  roll.setPointerCapture(event.pointerId);
});
roll.addEventListener("pointermove", (event) => {
  const box = roll.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
  if (held && (held.moved || Math.abs(event.clientX - held.x) > 5)) {
    held.moved = true;
    following = false;
    setView(held.view - (event.clientX - held.x) / scale);
    redraw();
  }
  const note = held && held.moved ? -1 : noteAt(px, py), tip = byId("tip");
  roll.style.cursor = held && held.moved ? "grabbing" : note >= 0 ? "pointer" : "crosshair";
  tip.hidden = note < 0;
  if (note >= 0) {
    tip.textContent = describe(note);
    tip.style.left = `${clamp(event.clientX + 14, 4, Math.max(4, innerWidth - tip.offsetWidth - 6))}px`;
    tip.style.top = `${event.clientY > 60 ? event.clientY - 42 : event.clientY + 22}px`;
  }
  if (note !== hovered) { hovered = note; redraw(); }
});
roll.addEventListener("pointerup", (event) => {
  if (!held) return;
  const box = roll.getBoundingClientRect(), px = event.clientX - box.left;
  const note = noteAt(px, event.clientY - box.top), { moved } = held;
  held = null;
  if (moved) return;
  if (note >= 0) { byId("follow").checked = false; choose(note === chosen ? -1 : note); hear(chosen); }
  else if (px >= LEFT) { choose(-1); seek(view + (px - LEFT) / scale); }
});
roll.addEventListener("pointercancel", () => { held = null; });
roll.addEventListener("pointerleave", () => { byId("tip").hidden = true; hovered = -1; redraw(); });
roll.addEventListener("wheel", (event) => {
  const turned = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
  if (event.ctrlKey || event.metaKey) { event.preventDefault(); zoom(Math.exp(-event.deltaY / 300), event.clientX - roll.getBoundingClientRect().left); }
  else if (turned) { event.preventDefault(); following = false; setView(view + turned / scale); redraw(); }
}, { passive: false });
const seekOverview = (event) => seek((event.clientX - overview.getBoundingClientRect().left - 8) / (overview.clientWidth - 16) * duration);
overview.addEventListener("pointerdown", (event) => { overview.setPointerCapture(event.pointerId); seekOverview(event); });
overview.addEventListener("pointermove", (event) => { if (event.buttons & 1) seekOverview(event); });
byId("play").onclick = () => player.setPlaying(!player.playing);
byId("speed").onchange = (event) => player.setSpeed(Number(event.target.value));
byId("volume").oninput = (event) => piano.setVolume(event.target.value / 100);
byId("in").onclick = () => zoom(1.5, LEFT + width() / 2);
byId("out").onclick = () => zoom(1 / 1.5, LEFT + width() / 2);
/* On a page with other sections, the keys work while the focus is in the roll's section. */
(byId("performance") || document).addEventListener("keydown", (event) => {
  const focused = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || focused.matches("select, input[type=range]")) return;
  const actions = {
    " ": () => player.setPlaying(!player.playing),
    ArrowLeft: () => seek(player.position - (event.shiftKey ? 10 : 2)),
    ArrowRight: () => seek(player.position + (event.shiftKey ? 10 : 2)),
    Home: () => seek(0),
    End: () => seek(duration),
    ",": () => count && choose(clamp((chosen < 0 ? firstFrom(start, player.position) : chosen) - 1, 0, count - 1)),
    ".": () => count && choose(clamp(chosen < 0 ? firstFrom(start, player.position) : chosen + 1, 0, count - 1)),
    Escape: () => choose(-1),
    "+": () => zoom(1.5, LEFT + width() / 2),
    "=": () => zoom(1.5, LEFT + width() / 2),
    "-": () => zoom(1 / 1.5, LEFT + width() / 2),
  };
  if (!actions[event.key] || (event.key === " " && focused.matches("button, summary, input"))) return;
  event.preventDefault();
  if (event.key === "," || event.key === ".") byId("follow").checked = false;
  actions[event.key]();
  if (event.key === "," || event.key === ".") hear(chosen);
});

/* ---- start ---- */
const header = { title: piece.title, facts: [`${count.toLocaleString("en")} ${count === 1 ? "note" : "notes"}`, clock(duration),
  ...(piece.primer > 0 ? [`the first ${piece.primer.toFixed(1).replace(/\.0$/, "")} s are the primer`] : [])].join(" · ") };
for (const [id, text] of Object.entries(header)) if (byId(id)) byId(id).textContent = text;
overview.setAttribute("aria-valuemax", duration.toFixed(1));
for (const element of document.querySelectorAll(".seen")) element.hidden = !looked;
if (looked) {
  const select = byId("layer");
  select.add(new Option("all", -1));
  for (let each = 0; each < looked.layers; each++) select.add(new Option(each + 1, each));
  select.onchange = () => { layer = Number(select.value); choose(chosen, true); };
  for (let head = 0; head < looked.heads; head++) {
    const button = document.createElement("button"), dot = document.createElement("i");
    dot.className = "head";
    dot.style.background = headColour(head);
    button.append(dot, `head ${head + 1}`);
    button.setAttribute("aria-pressed", "true");
    button.onclick = () => { looked.on[head] = !looked.on[head]; button.setAttribute("aria-pressed", looked.on[head]); choose(chosen, true); };
    byId("heads").append(button);
  }
} else {
  const how = document.createElement("code");
  how.textContent = "gpt2kit music render piece.mid --run RUN";
  byId("chosen").append("This page was made without a model. With one it shows which earlier notes each note looked at: ", how);
}
function resize() {
  const fit = least();
  scale = scale ? Math.max(scale, fit) : clamp(40, fit, 1200);
  setView(view);
  redraw();
}
new ResizeObserver(resize).observe(roll);
dark.addEventListener("change", () => { readStyle(); redraw(); });
readStyle();
resize();
choose(-1);
})();
