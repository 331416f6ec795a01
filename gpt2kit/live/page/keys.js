/* ---- a piano to play on: with mouse or finger, with the letters of a keyboard, or with a MIDI keyboard ---- */
const LOWEST = 48, HIGHEST = 76, LETTERS = "awsedftgyhujkolp;";
const FIRM = 72;  // the velocity of a letter
const keys = { octave: 0, held: new Map(), press: () => {}, release: () => {} };
const keyOf = (pitch) => document.querySelector(`#piano-keys [data-pitch="${pitch}"]`);
function press(pitch, velocity, by) {
  if (keys.held.has(pitch)) return;
  keys.held.set(pitch, by);
  if (keyOf(pitch)) keyOf(pitch).classList.add("down");
  keys.press(pitch, velocity);
}
function release(pitch, by) {
  if (keys.held.get(pitch) !== by) return;
  keys.held.delete(pitch);
  if (keyOf(pitch)) keyOf(pitch).classList.remove("down");
  keys.release(pitch);
}
const letterPitch = (letter) => LETTERS.includes(letter) ? 60 + 12 * keys.octave + LETTERS.indexOf(letter) : -1;
function drawKeys() {
  const pitches = [...Array(HIGHEST - LOWEST + 1).keys()].map((each) => LOWEST + each), white = pitches.filter((pitch) => !isBlack(pitch));
  const letters = new Map([...LETTERS].map((letter) => [letterPitch(letter), letter]));
  fill("piano-keys", ...pitches.map((pitch) => {
    const black = isBlack(pitch), place = white.filter((other) => other < pitch).length;
    const style = `left:${100 * (place - (black ? 0.3 : 0)) / white.length}%;width:${(black ? 60 : 100) / white.length}%`;
    const key = make("button", { class: `key-${black ? "black" : "white"}`, "data-pitch": pitch, "aria-label": nameOf(pitch), tabindex: -1, style }, make("small", { text: letters.get(pitch) || "" }));
    key.onpointerdown = (event) => {
      key.setPointerCapture(event.pointerId);
      press(pitch, Math.round(40 + 60 * clamp(event.offsetY / key.clientHeight, 0, 1)), "pointer");
    };
    key.onpointerup = key.onpointercancel = () => release(pitch, "pointer");
    return key;
  }));
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input, select, textarea")) return;
  const letter = event.key.toLowerCase(), pitch = letterPitch(letter);
  if (pitch >= 0) press(pitch, FIRM, letter);
  else if (letter === "z" || letter === "x") {
    keys.octave = clamp(keys.octave + (letter === "z" ? -1 : 1), -3, 3);
    drawKeys();
  }
});
document.addEventListener("keyup", ({ key }) => {
  for (const [pitch, by] of [...keys.held]) if (by === key.toLowerCase()) release(pitch, by);
});
/* Listen to all MIDI keyboards, also those that are connected later. */
async function useMidi() {
  try {
    const access = await navigator.requestMIDIAccess(), listen = () => {
      for (const input of access.inputs.values()) input.onmidimessage = ({ data: [status, pitch, velocity] }) => {
        if ((status & 0xf0) === 0x90 && velocity) press(pitch, velocity, "midi");
        else if ((status & 0xe0) === 0x80) release(pitch, "midi");
      };
      byId("midi-said").textContent = access.inputs.size ? `listening to ${[...access.inputs.values()].map(({ name }) => name).join(", ")}` : "no MIDI keyboard is connected";
    };
    access.onstatechange = listen;
    listen();
  } catch {
    byId("midi-said").textContent = "this browser does not let the page use MIDI";
  }
}
byId("midi").onclick = useMidi;
drawKeys();
