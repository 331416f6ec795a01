/* ---- what is in view: times and keys as pixels ---- */
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
/* Show a part of the piece, as far as there is one. */
function showPart(from, to) {
  scale = clamp(width() / (to - from), least(), 1200);
  setView(from);
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
