/* Several performances below each other, to listen to one at a time; their data is in #data. Needs piano.js. */
(() => {
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent), piano = createPiano();
const LEFT = 34, RIGHT = 10, TOP = 10, BOTTOM = 20;
const make = (tag, text = "", kind = "") => Object.assign(document.createElement(tag), { textContent: text, className: kind });
const most = (values, least) => values.reduce((a, b) => Math.max(a, b), least);
/* All samples have one scale of time and one of pitch, so that they can be compared. */
const highest = Math.min(data.samples.reduce((high, { pitch }) => pitch.reduce((a, b) => Math.max(a, b), high), 72) + 2, 127);
const lowest = Math.max(data.samples.reduce((low, { pitch }) => pitch.reduce((a, b) => Math.min(a, b), low), 60) - 2, 0);
const dark = matchMedia("(prefers-color-scheme: dark)");
let style, colours, current = 0;

function readStyle() {
  const computed = getComputedStyle(document.documentElement);
  style = {};
  for (const name of ["ink", "faint", "line", "octave", "lane", "primer", "primer-line"]) style[name] = computed.getPropertyValue("--" + name).trim();
  colours = dark.matches ? data.colours.dark : data.colours.light;
  style.given = dark.matches ? data.given.dark : data.given.light;
  byId("given-colour").style.background = style.given;
  byId("gradient").style.background = `linear-gradient(to right, ${[0, 25, 50, 75, 100, 126].map((i) => colours[i]).join(",")})`;
}

/* ---- one sample ---- */
const ICON = '<svg class="start" viewBox="0 0 20 20" aria-hidden="true"><path d="M5 2.5v15l13-7.5z"/></svg><svg class="pause" viewBox="0 0 20 20" aria-hidden="true"><path d="M4 3h4.4v14H4zM11.6 3H16v14h-4.4z"/></svg>';
const samples = data.samples.map((sample, place) => {
  const notes = { pitch: sample.pitch, velocity: sample.velocity, start: sample.start.map((ms) => ms / 1000), end: sample.end.map((ms) => ms / 1000) };
  const item = make("li", "", "card sample"), bar = make("div", "", "bar"), button = make("button", "", "play"), links = make("span", "", "links end");
  const time = make("span", "", "time"), picture = make("div", "", "picture"), canvas = make("canvas"), cursor = make("i"), facts = make("dl", "", "facts");
  button.innerHTML = ICON;
  button.onclick = () => toggle(place);
  for (const { name, address } of sample.files) links.append(Object.assign(make("a", name), { href: address }));
  bar.append(button, make("h2", sample.name), time, links);
  for (const [name, value] of sample.facts) {
    const fact = make("div");
    fact.append(make("dt", name), make("dd", value));
    facts.append(fact);
  }
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Piano roll of ${sample.name}`);
  picture.append(canvas, cursor);
  picture.onclick = (event) => {
    const box = canvas.getBoundingClientRect();
    found.player().seek(view()[0] + (event.clientX - box.left - LEFT) / scale(canvas));
    play(place);
  };
  item.append(bar, picture, facts);
  byId("samples").append(item);
  let player = null;
  const found = {
    sample, notes, item, canvas, cursor, time, button, drawn: false,
    duration: most(notes.end, 0),
    /* Made when first needed: it has a timer. */
    player() {
      if (!player) {
        player = createPlayer(piano, notes);
        if (view()[0]) player.seek(view()[0]);
        player.changed = () => changed(place);
      }
      return player;
    },
    position: () => player ? player.position : view()[0],
    playing: () => player !== null && player.playing,
  };
  return found;
});
const longest = Math.max(1, most(samples.map((each) => each.duration), 0));
/* What is new may be a moment of a long piece: then it and 10 seconds around it are shown, unless all is asked for. */
const AROUND = 10, SMALL = 0.25;
const begins = samples.map(({ sample }) => sample.outside.reduce((time, [from, to]) => from > 0 ? time : to, 0));
const ends = samples.map(({ sample, duration }) => sample.outside.reduce((time, [from]) => from > 0 ? from : time, duration));
const first = begins.reduce((a, b) => Math.min(a, b), longest), last = most(ends, 0);
const isSmall = last > first && last - first < SMALL * longest;
const near = [Math.floor(Math.max(first - AROUND, 0)), Math.min(last + AROUND, longest)];
const view = () => isSmall && !byId("whole").checked ? near : [0, longest];
const scale = (canvas) => (canvas.clientWidth - LEFT - RIGHT) / (view()[1] - view()[0]);

/* ---- playing ---- */
function show(place) {
  const { item, button, cursor, canvas, time, sample, duration, position, playing } = samples[place];
  item.classList.toggle("current", place === current);
  button.setAttribute("aria-pressed", playing());
  button.setAttribute("aria-label", `${playing() ? "Pause" : "Play"} ${sample.name}`);
  cursor.style.transform = `translateX(${LEFT + (position() - view()[0]) * scale(canvas) - 1}px)`;
  cursor.hidden = position() < view()[0] || position() > view()[1];
  time.textContent = `${clock(position(), 1)} / ${clock(duration)}`;
}
function follow() {
  show(current);
  if (samples[current].playing()) requestAnimationFrame(follow);
}
function changed(place) {
  const { player } = samples[place];
  show(place);
  if (player().playing) requestAnimationFrame(follow);
  else if (place === current && player().position >= player().duration && byId("onward").checked && place + 1 < samples.length) {
    samples[place + 1].player().seek(view()[0]);
    play(place + 1);
  }
}
function play(place) {
  const before = current;
  current = place;
  if (before !== place && samples[before].playing()) samples[before].player().setPlaying(false);
  show(before);
  samples[place].player().setPlaying(true);
  show(place);
  const box = samples[place].item.getBoundingClientRect();
  if (box.top < 0 || box.bottom > innerHeight) samples[place].item.scrollIntoView({ block: "nearest" });
}
function toggle(place) {
  if (samples[place].playing()) samples[place].player().setPlaying(false);
  else play(place);
}
function seek(time) {
  samples[current].player().seek(time);
  show(current);
}

/* ---- pictures ---- */
function draw(each) {
  const { canvas, notes, sample } = each, ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(canvas.clientHeight * ratio);
  const pen = canvas.getContext("2d"), right = canvas.clientWidth - RIGHT, bottom = canvas.clientHeight - BOTTOM, unit = scale(canvas);
  const [begin, end] = view(), x = (time) => LEFT + (time - begin) * unit, high = (bottom - TOP) / (highest - lowest + 1), y = (pitch) => TOP + (highest - pitch) * high;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = "12px system-ui, sans-serif";
  pen.fillStyle = style.lane;
  for (let pitch = lowest; pitch <= highest; pitch++) if (isBlack(pitch)) pen.fillRect(LEFT, y(pitch), right - LEFT, high);
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, right - LEFT, bottom);
  pen.clip();
  pen.fillStyle = style.primer;
  for (const [from, to] of sample.outside) pen.fillRect(x(from), TOP, x(to) - x(from), bottom - TOP);
  pen.restore();
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200].find((time) => time * unit >= 60) || 3600;
  pen.textBaseline = "top";
  for (let tick = Math.ceil(begin / step); tick * step <= end; tick++) {
    pen.fillStyle = style.line;
    pen.fillRect(Math.round(x(tick * step)), TOP, 1, bottom - TOP);
    pen.fillStyle = style.faint;
    pen.textAlign = x(tick * step) > right - 16 ? "right" : "center";
    pen.fillText(clock(tick * step), x(tick * step), bottom + 4);
  }
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (let pitch = lowest; pitch <= highest; pitch++) if (pitch % 12 === 0) {
    pen.fillStyle = style.octave;
    pen.fillRect(LEFT, Math.round(y(pitch) + high), right - LEFT, 1);
    pen.fillStyle = style.faint;
    pen.fillText(nameOf(pitch), LEFT - 6, y(pitch) + high / 2);
  }
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, right - LEFT, bottom);
  pen.clip();
  const tall = Math.max(Math.floor(high), 2), given = new Set(sample.given);  // whole pixels are sharp
  for (let note = 0; note < notes.start.length; note++) {
    pen.fillStyle = given.has(note) ? style.given : colours[notes.velocity[note] - 1];
    pen.fillRect(x(notes.start[note]), Math.round(y(notes.pitch[note])), Math.max((notes.end[note] - notes.start[note]) * unit - 0.5, 1), tall);
  }
  pen.fillStyle = style["primer-line"];
  for (const [from, to] of sample.outside) pen.fillRect(x(from > 0 ? from : to) - 1, TOP, 2, bottom - TOP);
  if (sample.copied) {
    const from = x(sample.copied[0]), wide = Math.max((sample.copied[1] - sample.copied[0]) * unit, 4);
    pen.strokeStyle = style.ink;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(from, TOP);
    pen.lineTo(from, 4);
    pen.lineTo(from + wide, 4);
    pen.lineTo(from + wide, TOP);
    pen.stroke();
  }
  pen.restore();
  if (!notes.start.length) {
    pen.fillStyle = style.faint;
    pen.textAlign = "center";
    pen.fillText("This sample has no notes.", (LEFT + right) / 2, (TOP + bottom) / 2);
  }
  each.drawn = true;
}
/* Only what is on the screen is drawn. */
const seen = new Set();
const watch = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) {
    const each = samples.find(({ canvas }) => canvas === target);
    if (!isIntersecting) { seen.delete(each); continue; }
    seen.add(each);
    if (!each.drawn) draw(each);
  }
}, { rootMargin: "300px" });
function redraw() {
  samples.forEach((each, place) => { each.drawn = false; show(place); });
  seen.forEach(draw);
}

/* ---- keyboard ---- */
document.addEventListener("keydown", (event) => {
  const focused = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || focused.matches("input[type=range]") || !samples.length) return;
  const position = samples[current].position(), far = event.shiftKey ? 10 : 2;
  const actions = {
    " ": () => toggle(current),
    ArrowLeft: () => seek(position - far),
    ArrowRight: () => seek(position + far),
    Home: () => seek(view()[0]),
    ",": () => play(Math.max(current - 1, 0)),
    ".": () => play(Math.min(current + 1, samples.length - 1)),
  };
  if (event.key >= "1" && event.key <= "9" && Number(event.key) <= samples.length) actions[event.key] = () => play(event.key - 1);
  if (!actions[event.key] || (event.key === " " && focused.matches("button, summary, input, a"))) return;
  event.preventDefault();
  actions[event.key]();
});

/* ---- start ---- */
byId("title").textContent = data.title;
byId("facts").textContent = data.facts;
byId("volume").oninput = (event) => piano.setVolume(event.target.value / 100);
byId("given").hidden = data.samples.every(({ given }) => given === null);
byId("part").hidden = !isSmall;
byId("whole").onchange = redraw;
readStyle();
for (const { canvas } of samples) watch.observe(canvas);
new ResizeObserver(redraw).observe(byId("samples"));
dark.addEventListener("change", () => { readStyle(); redraw(); });
})();
