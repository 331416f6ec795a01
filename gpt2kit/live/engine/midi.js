/* Notes as the bytes of a standard MIDI file: one piano at 120 beats a minute, byte for byte as
   gpt2kit/music/midi_file/writer.py writes it. */
const LONG_PIECE = 2.5 * 3600;  // seconds from which on a tick is 10 ms, not 1 ms

/* The nearest whole number; of two, the even one. */
function nearestWhole(value) {
  const below = Math.floor(value), rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2) ? below + 1 : below;
}

const ticksASecond = (notes) => notes.some(({ end }) => end >= LONG_PIECE && end < Infinity) ? 100 : 1000;

/* Notes in order with {on, off} in ticks; each has a length of one tick at least. */
function inTicks(notes) {
  const scale = ticksASecond(notes);
  return inOrder(notes).map((note) => {
    const on = nearestWhole(note.start * scale);
    return { ...note, on, off: Math.max(nearestWhole(note.end * scale), on + 1) };
  });
}

/* The notes at the times that a file has for them: what a reader of the file hears. A key that is still down stays so. */
function asInFile(notes) {
  const tick = 1 / ticksASecond(notes);
  return inOrder(inTicks(notes).map(({ pitch, velocity, on, off }) => ({ pitch, velocity, start: tick * on, end: tick * off })));
}

/* The file (Uint8Array). At one tick, keys are let go before others are struck. */
function midiFile(notes) {
  const ordered = inTicks(notes), beat = ticksASecond(notes) / 2;
  // A note-on of velocity 0 is a note-off: with running status it saves a byte.
  const offs = ordered.map(({ pitch, off }) => ({ tick: off, message: [0x90, pitch, 0] }));
  const ons = ordered.map(({ pitch, velocity, on }) => ({ tick: on, message: [0x90, pitch, velocity] }));
  const head = [midiMeta(0x51, [0x07, 0xa1, 0x20]), midiMeta(0x58, [4, 2, 24, 8])];  // 500,000 µs a beat; 4/4
  const piano = [midiMeta(0x03, asciiBytes("Piano")), { tick: 0, message: [0xc0, 0] }];
  const played = [...offs, ...ons].sort((a, b) => a.tick - b.tick);
  const header = [...asciiBytes("MThd"), ...bigEndian(6, 4), 0, 1, 0, 2, ...bigEndian(beat, 2)];
  return Uint8Array.from([...header, ...midiTrack(head), ...midiTrack([...piano, ...played])]);
}

function midiTrack(messages) {
  const content = [];
  let now = 0, running = 0;
  for (const { tick, message } of messages) {
    const [status] = message;
    content.push(...variableLength(tick - now), ...(status === running ? message.slice(1) : message));
    now = tick;
    running = status < 0xf0 ? status : 0;  // a meta event cancels running status
  }
  content.push(0, ...midiMeta(0x2f, []).message);
  return [...asciiBytes("MTrk"), ...bigEndian(content.length, 4), ...content];
}

const midiMeta = (kind, contents) => ({ tick: 0, message: [0xff, kind, ...variableLength(contents.length), ...contents] });

const asciiBytes = (text) => [...text].map((letter) => letter.charCodeAt(0));

const bigEndian = (value, size) => Array.from({ length: size }, (_, place) => (value >>> 8 * (size - 1 - place)) & 0xff);

/* A number in groups of 7 bits; all but the last group have the highest bit set. */
function variableLength(value) {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest; rest >>>= 7) digits.unshift(rest & 0x7f | 0x80);
  return digits;
}
