/* ---- pictures ---- */
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
  pen.fillStyle = style.primer;
  for (const [from, to] of kept) pen.fillRect(x(from), TOP, x(to) - x(from), bottom - TOP);
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
  pen.fillStyle = style["primer-line"];
  for (const time of borders()) pen.fillRect(x(time) - 1, 4, 2, bottom - 4);
  let named = null;
  if (piece.now !== undefined) {  // the notes that are held are drawn beyond it
    pen.strokeStyle = pen.fillStyle = style.ink;
    pen.lineWidth = 1.5;
    pen.setLineDash([5, 4]);
    pen.beginPath();
    pen.moveTo(x(piece.now), 18);
    pen.lineTo(x(piece.now), bottom);
    pen.stroke();
    pen.setLineDash([]);
    named = nameLine(pen, "next event", x(piece.now), false, right);
  }
  pen.fillStyle = style["primer-line"];
  if (piece.part) nameLine(pen, "new part", x(piece.part[0]), false, right, named);
  else if (piece.primer > 0) nameLine(pen, "primer", x(piece.primer), true, right, named);
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
    const lines = linesOf(pen, piece.now === undefined ? "This piece has no notes." : "The piece begins with the event that you choose.", right - LEFT - 16);
    lines.forEach((line, number) => pen.fillText(line, (LEFT + right) / 2, roll.clientHeight / 2 - 8 + 22 * (number - (lines.length - 1) / 2)));
  }
}
/* The times between what is kept and the model's part. */
const borders = () => kept.map(([from, to]) => from > 0 ? from : to);
/* A text in lines that are not wider than the room. */
function linesOf(pen, text, room) {
  return text.split(" ").reduce((lines, word) => {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    return lines.length && pen.measureText(longer).width <= room ? [...lines.slice(0, -1), longer] : [...lines, word];
  }, []);
}
/* Writes the name of a line next to it, before or after it: whole, or not at all where it would meet `other`. Returns where it is, [from, to]. */
function nameLine(pen, text, at, before, right, other = null) {
  if (at < LEFT || at > right) return null;
  pen.font = "600 12px system-ui, sans-serif";
  const wide = pen.measureText(text).width, sides = [[at - 6 - wide, at - 6], [at + 6, at + 6 + wide]];
  if (!before) sides.reverse();
  const place = sides.find(([from, to]) => from >= LEFT && to <= right && !(other && from < other[1] && other[0] < to));
  if (!place) return null;
  pen.textAlign = "left";
  pen.fillText(text, place[0], 6);
  return place;
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
  pen.fillStyle = style.primer;
  for (const [from, to] of kept) pen.fillRect(overviewX(from), 0, (to - from) * ratio, overview.clientHeight);
  pen.fillStyle = style["primer-line"];
  for (const time of borders()) pen.fillRect(overviewX(time), 0, 1.5, overview.clientHeight);
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
