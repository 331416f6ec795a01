/* The sound and the time of pages with music: `createPiano` strikes keys, `createPlayer` plays notes on it. */
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B"];
const isBlack = (pitch) => [1, 3, 6, 8, 10].includes(pitch % 12);
const nameOf = (pitch) => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const clock = (seconds, digits = 0) => {
  const unit = 10 ** digits, whole = Math.round(seconds * unit) / unit, minutes = Math.floor(whole / 60);
  return minutes + ":" + (whole - 60 * minutes).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
};
/* The place of the first of these ascending times that is `time` or later. */
const firstFrom = (times, time) => {
  let low = 0, high = times.length;
  while (low < high) { const middle = (low + high) >> 1; if (times[middle] < time) low = middle + 1; else high = middle; }
  return low;
};

/* Each key is a sum of decaying partials, computed when first needed. A browser lets it sound after a click or a key. */
function createPiano() {
  const sources = new Set(), tones = new Map();
  let context = null, input, volume, loudness = 0.8;
  const piano = {};
  const setGain = () => { if (volume) volume.gain.value = 1.1 * loudness ** 2; };
  /* 0 to 1. */
  piano.setVolume = (share) => { loudness = share; setGain(); };
  piano.audible = () => context !== null && context.state === "running";
  /* Seconds, of the sound or, where there is none, of the page. */
  piano.now = () => piano.audible() ? context.currentTime : performance.now() / 1000;
  /* Whether there can be sound. Before the user's first click, key or lifted finger a browser refuses it, with a warning. */
  piano.open = () => {
    if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return false;
    if (!context && window.AudioContext) {
      context = new AudioContext();
      const dry = context.createGain(), wet = context.createGain(), room = context.createConvolver();
      const press = context.createDynamicsCompressor();
      input = context.createGain();
      volume = context.createGain();
      wet.gain.value = 0.35;
      room.buffer = echo();
      input.connect(dry).connect(volume);
      input.connect(room).connect(wet).connect(volume);
      volume.connect(press).connect(context.destination);
      setGain();
    }
    if (context && context.state !== "running") context.resume();
    return context !== null;
  };
  function echo() {
    const found = context.createBuffer(2, Math.round(1.2 * context.sampleRate), context.sampleRate);
    let seed = 1;
    for (const ear of [0, 1]) {
      const samples = found.getChannelData(ear);
      let soft = 0;
      for (let i = Math.round(0.012 * context.sampleRate); i < samples.length; i++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        soft += 0.45 * (seed / 2147483648 - 1 - soft);
        samples[i] = soft * Math.exp(-i / context.sampleRate * 5.5);
      }
    }
    return found;
  }
  function tone(pitch, force) {
    const id = pitch * 4 + force;
    if (tones.has(id)) return tones.get(id);
    const rate = context.sampleRate, frequency = 440 * 2 ** ((pitch - 69) / 12), struck = [0.25, 0.5, 0.72, 0.95][force];
    const slowest = 0.22 * (frequency / 261.6) ** 0.72;
    const samples = new Float32Array(Math.ceil(clamp(6 / slowest, 0.5, 7) * rate));
    const stiff = Math.exp(-0.0847 * pitch - 5.82) + Math.exp(0.0926 * Math.min(pitch, 108) - 13.64);
    const reach = 350 + 2600 * struck ** 1.4 + 0.9 * frequency;
    let energy = 0;
    const partials = [];
    for (let number = 1; number <= 28; number++) {
      const f = number * frequency * Math.sqrt((1 + stiff * number * number) / (1 + stiff));
      if (f > 0.45 * rate) break;
      const colour = Math.abs(Math.sin(Math.PI * number / 8)) + 0.12;
      const size = colour * number ** -0.4 * Math.exp(-Math.max(f - frequency, 0) / reach) / (1 + (70 / f) ** 2);
      if (partials.length && size < 0.002 * partials[0][1]) continue;
      energy += size * size;
      partials.push([f, size, number]);
    }
    for (const [f, size, number] of partials) {
      const slow = slowest * (f / frequency) ** 0.3 + 1.1e-7 * f * f + 1.5e-4 * f;
      for (const [share, decay, cents] of [[0.75, 3.2 * slow, 0], [0.25, slow, 0.35]]) {
        const angle = 2 * Math.PI * f * 2 ** (cents / 1200) / rate, r = Math.exp(-decay / rate), phase = (number * 2.4) % 6.283;
        const one = 2 * r * Math.cos(angle), two = -r * r, gain = share * size / Math.sqrt(energy);
        const length = Math.min(samples.length, Math.ceil(7 / decay * rate));
        let before = gain * Math.cos(phase - angle) / r, last = gain * Math.cos(phase);
        for (let i = 0; i < length; i++) { samples[i] += last; const now = one * last + two * before; before = last; last = now; }
      }
    }
    const attack = Math.max(8, Math.round((0.0015 + 0.004 * 2 ** ((40 - pitch) / 24)) * rate)), fade = Math.round(0.02 * rate);
    for (let i = 0; i < attack; i++) samples[i] *= 0.5 - 0.5 * Math.cos(Math.PI * i / attack);
    for (let i = 0; i < fade; i++) samples[samples.length - 1 - i] *= i / fade;
    const buffer = context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    tones.set(id, buffer);
    return buffer;
  }
  /* Compute the sound of a key in advance: it takes some milliseconds. */
  piano.prepare = (pitch, velocity) => tone(pitch, Math.min(3, Math.floor(velocity / 32)));
  /* Strike a key now, or at a time of an audible `now()`, and release it some seconds later; after `Infinity` the caller
     does, by `release(time)` of what this returns. */
  piano.strike = (pitch, velocity, seconds, time = 0) => {
    const when = Math.max(time, context.currentTime);
    const source = context.createBufferSource(), gain = context.createGain(), pan = context.createStereoPanner();
    source.buffer = piano.prepare(pitch, velocity);
    gain.gain.value = 0.3 * (0.04 + 0.96 * (velocity / 127) ** 1.7);
    pan.pan.value = clamp(0.45 * (pitch - 64) / 44, -1, 1);
    source.connect(gain).connect(pan).connect(input);
    source.start(when);
    source.release = (time = context.currentTime) => {
      if (pitch >= 90) return;  // such strings have no damper
      const damping = 0.09 * 2 ** ((60 - pitch) / 36), until = Math.max(time, when);
      gain.gain.setTargetAtTime(0, until, damping);
      source.stop(until + 9 * damping);
    };
    if (seconds < Infinity) source.release(when + seconds);
    source.silence = () => { gain.gain.cancelScheduledValues(0); gain.gain.setTargetAtTime(0, context.currentTime, 0.02); source.stop(context.currentTime + 0.15); };
    sources.add(source);
    source.onended = () => { sources.delete(source); pan.disconnect(); };
    return source;
  };
  piano.hush = () => {
    for (const source of sources) source.silence();
    sources.clear();
  };
  return piano;
}

/* Plays notes, given as arrays in the order of `start`; times are seconds. Its `changed` is called whenever
   it starts or stops. */
function createPlayer(piano, notes = { pitch: [], velocity: [], start: [], end: [] }) {
  const player = { duration: 0, position: 0, playing: false, speed: 1, changed: () => {} };
  let { pitch, velocity, start, end } = notes, count = 0, next = 0, anchored = null;
  /* Other notes from now on; it stops. */
  player.load = (others) => {
    player.setPlaying(false);
    ({ pitch, velocity, start, end } = others);
    count = start.length;
    player.duration = end.reduce((a, b) => Math.max(a, b), 0);
    player.position = clamp(player.position, 0, player.duration);
  };
  /* Count the time of the piece from now on; cancel what is scheduled. */
  function anchor() {
    piano.hush();
    const heard = piano.audible(), { position, speed } = player;
    // The first tones are computed before the time starts, or they would be late.
    if (heard) for (let note = firstFrom(start, position); note < count && start[note] < position + 0.4 * speed; note++) piano.prepare(pitch[note], velocity[note]);
    anchored = { at: piano.now() + (heard ? 0.06 : 0), from: position, heard };
    next = firstFrom(start, position);
  }
  /* Move the position on, and hand the next notes to the piano. */
  player.advance = () => {
    if (!player.playing) return;
    if (anchored.heard !== piano.audible()) anchor();
    const { speed } = player, position = Math.max(anchored.from, anchored.from + (piano.now() - anchored.at) * speed);
    player.position = position;
    if (piano.audible()) {
      const until = position + 1.3 * speed, began = performance.now();  // hidden pages wake once a second
      while (next < count && start[next] < until) {
        const note = next, when = anchored.at + (start[note] - anchored.from) / speed;
        // Computing tones takes time: later ones wait, so that the picture keeps moving.
        if (start[note] > position + 0.25 * speed && performance.now() - began > 12) break;
        next++;
        piano.strike(pitch[note], velocity[note], (end[note] - start[note]) / speed, when);
      }
    }
    if (position >= player.duration) { player.position = player.duration; player.setPlaying(false); }
  };
  setInterval(player.advance, 40);
  player.setPlaying = (on) => {
    if (on === player.playing || (on && !count)) return;
    if (on && player.position >= player.duration) player.position = 0;
    player.playing = on;
    if (on) { piano.open(); anchor(); }
    else piano.hush();
    player.changed();
  };
  player.seek = (time) => {
    player.position = clamp(time, 0, player.duration);
    if (player.playing) anchor();
  };
  player.setSpeed = (speed) => {
    player.advance();
    player.speed = speed;
    if (player.playing) anchor();
  };
  player.load(notes);
  return player;
}
