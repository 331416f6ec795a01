#!/usr/bin/env bash
# pretty_midi: a note belongs to the program that its channel has when the note ends, not to the one that it was
# struck with. A piano note that still sounds when the channel changes to the violin is read, and written again, as a
# violin's. In MIDI a program change concerns the notes that are struck after it; symusic reads a piano note.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 mido==1.3.3 pretty_midi==0.2.11.post0 symusic==0.6.0
cat > "$folder/look.py" <<'PY'
import sys
from importlib.metadata import version

import mido
import pretty_midi
import symusic

track = mido.MidiTrack([
    mido.Message("program_change", program=0, time=0),
    mido.Message("note_on", note=60, velocity=80, time=0),
    mido.Message("program_change", program=40, time=240),
    mido.Message("note_off", note=60, velocity=0, time=240),
    mido.Message("note_on", note=62, velocity=80, time=0),
    mido.Message("note_off", note=62, velocity=0, time=480),
])  # fmt: skip
path = f"{sys.argv[1]}/piano_then_violin.mid"
mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track]).save(path)
tracks = {"pretty_midi": pretty_midi.PrettyMIDI(path).instruments, "symusic": symusic.Score(path).tracks}
read = {
    name: sorted((note.pitch, int(each.program)) for each in found for note in each.notes)
    for name, found in tracks.items()
}
print("A note that sounds while the program changes gets the new program.")
print(*(f"{name} {version(name)}" for name in ("mido", "pretty_midi", "symusic")))
print("struck: pitch 60 with program 0, pitch 62 with program 40")
for name, notes in read.items():
    print(f"{name}:", ", ".join(f"pitch {pitch} with program {program}" for pitch, program in notes))
raise SystemExit(read != {"pretty_midi": [(60, 40), (62, 40)], "symusic": [(60, 0), (62, 40)]})
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
