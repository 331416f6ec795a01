/* ---- a piano to play on: with mouse or fingers, with the letters of a keyboard, or with a MIDI keyboard ---- */
const LOWEST = 48, HIGHEST = 76, FIRM = 72;  // the keys that are shown, and the velocity of a letter
const narrow = matchMedia("(max-width: 640px)");  // from the letters' lowest key on, so that fingers hit them
/* The keys of a computer from C4 on, by their places: what is printed on them depends on the keyboard. */
const PLACES = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ", "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon"];
/* `held`: who holds each pitch; `pedalled`: the pitches that only the sustain pedal holds. */
const keys = { octave: 0, held: new Map(), pedal: false, pedalled: new Set(), printed: new Map([["Semicolon", ";"]]), press: () => {}, release: () => {} };
const keyOf = (pitch) => document.querySelector(`#piano-keys [data-pitch="${pitch}"]`);
const markKey = (pitch, down) => { if (keyOf(pitch)) keyOf(pitch).classList.toggle("down", down); };
/* The keys that the model plays. */
function lightKeys(pitches) {
  for (const key of byId("piano-keys").children) key.classList.toggle("played", pitches.has(Number(key.dataset.pitch)));
}
function press(pitch, velocity, by) {
  if (keys.pedalled.has(pitch)) letGo(pitch);
  if (keys.held.has(pitch) || pitch < 0 || pitch > 127) return;
  keys.held.set(pitch, by);
  markKey(pitch, true);
  keys.press(pitch, velocity);
}
function release(pitch, by) {
  if (keys.held.get(pitch) !== by) return;
  markKey(pitch, false);
  if (keys.pedal) keys.pedalled.add(pitch); else letGo(pitch);
}
function letGo(pitch) {
  keys.held.delete(pitch);
  keys.pedalled.delete(pitch);
  markKey(pitch, false);
  keys.release(pitch);
}
const releaseKeys = () => [...keys.held.keys()].forEach(letGo);
function setPedal(down) {
  keys.pedal = down;
  if (!down) [...keys.pedalled].forEach(letGo);
}

/* ---- the keys on the page ---- */
const pitchAt = (place) => 60 + 12 * keys.octave + PLACES.indexOf(place);
const printedOn = (place) => keys.printed.get(place) || place.replace("Key", "").toLowerCase();
function drawKeys() {
  const lowest = LOWEST + (narrow.matches ? 12 : 0);
  const pitches = [...Array(HIGHEST - lowest + 1).keys()].map((each) => lowest + 12 * keys.octave + each), white = pitches.filter((pitch) => !isBlack(pitch));
  const letters = new Map(PLACES.map((place) => [pitchAt(place), printedOn(place)]));
  fill("piano-keys", ...pitches.map((pitch) => {
    const black = isBlack(pitch), place = white.filter((other) => other < pitch).length, down = keys.held.has(pitch) ? " down" : "";
    const style = `left:${100 * (place - (black ? 0.3 : 0)) / white.length}%;width:${(black ? 60 : 100) / white.length}%`;
    return make("button", { class: `key-${black ? "black" : "white"}${down}`, "data-pitch": pitch, "aria-label": nameOf(pitch), tabindex: -1, style }, make("small", { text: letters.get(pitch) || "" }), pitch % 12 ? null : make("i", { text: nameOf(pitch) }));
  }));
  byId("lower").disabled = keys.octave === -2;
  byId("higher").disabled = keys.octave === 3;
}
function setOctave(octave) {
  keys.octave = clamp(octave, -2, 3);
  drawKeys();
}
/* A finger that glides plays each key that it touches. The lower a key is touched, the louder it sounds. */
const fingers = new Map();
function touch({ pointerId, clientX, clientY }) {
  const found = document.elementFromPoint(clientX, clientY), key = found && found.closest("#piano-keys [data-pitch]");
  const pitch = key ? Number(key.dataset.pitch) : null, before = fingers.get(pointerId), by = `finger ${pointerId}`;
  if (pitch === before) return;
  if (typeof before === "number") release(before, by);
  fingers.set(pointerId, pitch);
  if (pitch === null) return;
  const { top, height } = key.getBoundingClientRect();
  press(pitch, Math.round(40 + 60 * clamp((clientY - top) / height, 0, 1)), by);
}
function lift({ pointerId }) {
  const pitch = fingers.get(pointerId);
  fingers.delete(pointerId);
  if (typeof pitch === "number") release(pitch, `finger ${pointerId}`);
}
byId("piano-keys").onpointerdown = (event) => {
  if (event.button) return;
  byId("piano-keys").setPointerCapture(event.pointerId);
  touch(event);
};
byId("piano-keys").onpointermove = (event) => { if (fingers.has(event.pointerId)) touch(event); };
byId("piano-keys").onpointerup = byId("piano-keys").onpointercancel = byId("piano-keys").onlostpointercapture = lift;

/* ---- letters ---- */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input:not([type=checkbox], [type=range]), select, textarea")) return;
  if (PLACES.includes(event.code)) press(pitchAt(event.code), FIRM, event.code);
  else if (event.code === "KeyZ" || event.code === "KeyX") setOctave(keys.octave + (event.code === "KeyZ" ? -1 : 1));
});
document.addEventListener("keyup", ({ code }) => {
  for (const [pitch, by] of [...keys.held]) if (by === code) release(pitch, by);
});
/* Releases outside of the window are not told. */
globalThis.addEventListener("blur", () => { fingers.clear(); releaseKeys(); });
byId("lower").onclick = () => setOctave(keys.octave - 1);
byId("higher").onclick = () => setOctave(keys.octave + 1);

/* ---- MIDI keyboards, also those that are connected later ---- */
function hearMidi([status, number, value]) {
  const kind = status & 0xf0;
  if (kind === 0x90 && value) press(number, value, "midi");
  else if (kind === 0x80 || kind === 0x90) release(number, "midi");
  else if (kind === 0xb0 && number === 64) setPedal(value >= 64);
}
async function useMidi() {
  try {
    const access = await navigator.requestMIDIAccess(), listen = () => {
      const inputs = [...access.inputs.values()];
      for (const input of inputs) input.onmidimessage = ({ data: message }) => hearMidi(message);
      byId("midi-said").textContent = inputs.length ? `listening to ${inputs.map(({ name }) => name).join(", ")}` : "no MIDI keyboard is connected";
    };
    access.onstatechange = listen;
    listen();
  } catch {
    byId("midi-said").textContent = "this browser does not let the page use MIDI";
  }
}
byId("midi").onclick = useMidi;
narrow.onchange = drawKeys;
drawKeys();
/* Some browsers tell what is printed on the keys. */
if (navigator.keyboard && navigator.keyboard.getLayoutMap) navigator.keyboard.getLayoutMap().then((printed) => { keys.printed = printed; drawKeys(); }, () => {});
