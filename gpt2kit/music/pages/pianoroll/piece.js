/* ---- the piece: its notes in seconds, and the range of keys that is shown ---- */
const byId = (id) => document.getElementById(id);
if (!byId("piece")) return;
const MOST_LINES = 60, LEFT = 56, BOTTOM = 26, TOP = 24, LEAD = 0.5, REST = 1.5;
const piano = createPiano(), player = createPlayer(piano);
/* `kept`: the times [from, to] that are shaded, before the model's part and after it. */
let piece, count, start, end, duration, longest, lowest, highest, kept;
function setPiece(next) {
  piece = next;
  count = piece.pitch.length;
  start = piece.start.map((ms) => ms / 1000);
  end = piece.end.map((ms) => ms / 1000);
  player.load({ pitch: piece.pitch, velocity: piece.velocity, start, end });
  duration = player.duration;
  kept = [[0, piece.part ? piece.part[0] : piece.primer], [piece.part ? piece.part[1] : duration, duration]].map((times) => times.map((time) => Math.min(time, duration))).filter(([from, to]) => from < to);
  longest = end.reduce((most, time, note) => Math.max(most, time - start[note]), 0);
  lowest = 48;
  highest = 83;
  if (!count) return;
  lowest = Math.max(piece.pitch.reduce((a, b) => Math.min(a, b)) - 2, 0);
  highest = Math.min(piece.pitch.reduce((a, b) => Math.max(a, b)) + 2, 127);
  const missing = Math.max(36 - (highest - lowest + 1), 0);
  lowest = Math.max(Math.min(lowest - (missing >> 1), 127 - 36), 0);
  highest = Math.min(Math.max(highest, lowest + 35), 127);
}

/* Notes that are held end now, and so does the piece. Returns whether it did so: not while it is playing. */
function lengthen(now) {
  if (player.playing) return false;
  for (const note of piece.held) {
    end[note] = Math.max(end[note], now);
    longest = Math.max(longest, end[note] - start[note]);
  }
  duration = player.duration = Math.max(duration, now);
  overview.setAttribute("aria-valuemax", duration.toFixed(1));
  return true;
}

/* ---- state ---- */
let following = true;
let view = -LEAD, scale = 0;  // the time at the left edge, pixels a second
let chosen = -1, hovered = -1, layer = -1, edges = [];
let colours, style;

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

