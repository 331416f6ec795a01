#!/usr/bin/env bash
# partitura and music21: a key is struck again on the tick that ends its first stroke, and the file has the note-on
# before the note-off; MIDI leaves the order of the messages of a tick to the writer. pretty_midi and symusic read two
# notes of a beat each. partitura reads one note of length 0, music21 a note of a beat and one of length 0: both take
# the note-off for the end of the new stroke. Sorting the messages of a tick, note-offs first, before reading avoids
# it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 mido==1.3.3 pretty_midi==0.2.11.post0 symusic==0.6.0 \
    partitura==1.9.0 music21==10.5.1
cat > "$folder/look.py" <<'PY'
import sys
import warnings
from importlib.metadata import version

import mido

warnings.simplefilter("ignore")
import music21
import partitura
import pretty_midi
import symusic


def with_mido(path):
    """Seconds per note, the first stroke ends first."""
    now, struck, notes = 0.0, [], []
    for message in mido.MidiFile(path):
        now += message.time
        if message.type == "note_on":
            struck.append(now)
        elif message.type == "note_off":
            notes.append((struck.pop(0), now))
    return notes


readers = {
    "pretty_midi": lambda path: [(n.start, n.end) for n in pretty_midi.PrettyMIDI(path).instruments[0].notes],
    "symusic": lambda path: [(n.start, n.end) for n in symusic.Score(path).to("second").tracks[0].notes],
    "partitura": lambda path: [(n["note_on"], n["note_off"]) for n in partitura.load_performance_midi(path)[0].notes],
    "music21": lambda path: [
        (n.offset / 2, (n.offset + n.quarterLength) / 2) for n in music21.converter.parse(path).flatten().notes
    ],
}
strokes = {
    "note-off first": [("note_on", 0), ("note_off", 480), ("note_on", 0), ("note_off", 480)],
    "note-on first": [("note_on", 0), ("note_on", 480), ("note_off", 0), ("note_off", 480)],
}
print("A key that is struck again on the tick of its release is read as one note, or as a note of length 0.")
print("mido", version("mido"), *(f"{name} {version(name)}" for name in readers))
found = {}
for order, messages in strokes.items():
    track = mido.MidiTrack(mido.Message(kind, note=60, velocity=80, time=time) for kind, time in messages)
    path = f"{sys.argv[1]}/{order.replace(' ', '_')}.mid"
    mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track]).save(path)
    for name, read in readers.items():
        found[order, name] = sorted((round(float(start), 3), round(float(end), 3)) for start, end in read(path))
        print(f"{order}, {name}: seconds", *(f"{start} to {end}" for start, end in found[order, name]))
two = [(0.0, 0.5), (0.5, 1.0)]
expected = dict.fromkeys(found, two)
expected["note-on first", "partitura"] = [(0.5, 0.5)]
expected["note-on first", "music21"] = [(0.0, 0.5), (0.5, 0.5)]
raise SystemExit(found != expected)
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
