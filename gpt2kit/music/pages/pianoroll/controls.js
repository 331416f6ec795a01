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
  if (event.ctrlKey || event.metaKey || event.altKey || focused.matches("select, input:not([type=checkbox])")) return;
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
