/* ---- start, and another piece on the same page ---- */
function load(next) {
  if (!duration) scale = 0;
  setPiece(next);
  setLooks(piece.attention);
  hovered = -1;
  readStyle();
  const header = { title: piece.title, facts: [`${count.toLocaleString("en")} ${count === 1 ? "note" : "notes"}`, clock(duration),
    ...(piece.primer > 0 ? [`the first ${piece.primer.toFixed(1).replace(/\.0$/, "")} s are the primer`] : [])].join(" · ") };
  for (const [id, text] of Object.entries(header)) if (byId(id)) byId(id).textContent = text;
  overview.setAttribute("aria-valuemax", duration.toFixed(1));
  for (const element of document.querySelectorAll(".seen")) element.hidden = !looked;
  if (!looked) {
    const how = document.createElement("code");
    how.textContent = "gpt2kit music render piece.mid --run RUN";
    byId("chosen").replaceChildren("This page was made without a model. With one it shows which earlier notes each note looked at: ", how);
  }
  resize();
  choose(-1);
}
function resize() {
  const fit = least();
  scale = scale ? Math.max(scale, fit) : clamp(40, fit, 1200);
  setView(view);
  redraw();
}
load(JSON.parse(byId("piece").textContent));
new ResizeObserver(resize).observe(roll);
dark.addEventListener("change", () => { readStyle(); redraw(); });
/* For other scripts of the page: show another piece or a part of it, lengthen the notes that are held,
   hear notes, play from a time on. */
globalThis.roll = { load, show: showPart, lengthen, hear, seek, piano, play: (time) => { seek(time); player.setPlaying(true); } };
