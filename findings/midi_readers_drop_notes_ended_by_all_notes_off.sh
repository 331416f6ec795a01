#!/usr/bin/env bash
# pretty_midi and symusic: a note that the controller All Notes Off (123) ends, as MIDI 1.0 allows, is not among the
# notes that they read, and nothing is said; the next note is. A file of a keyboard that sends this controller loses
# notes.
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

file = mido.MidiFile(type=0, ticks_per_beat=480)
track = mido.MidiTrack()
file.tracks.append(track)
track.append(mido.Message("note_on", note=60, velocity=80, time=0))
track.append(mido.Message("control_change", control=123, value=0, time=480))
track.append(mido.Message("note_on", note=64, velocity=80, time=0))
track.append(mido.Message("note_off", note=64, velocity=0, time=480))
path = f"{sys.argv[1]}/notes.mid"
file.save(path)
first = [note.pitch for each in pretty_midi.PrettyMIDI(path).instruments for note in each.notes]
second = [note.pitch for each in symusic.Score(path).tracks for note in each.notes]
print("A note that All Notes Off ends is not read.")
print("pretty_midi", version("pretty_midi"), "symusic", version("symusic"), "mido", version("mido"))
print("keys struck: 60 (ended by controller 123), 64 (ended by a note-off)")
print("read by pretty_midi:", first, "by symusic:", second)
raise SystemExit((first, second) != ([64], [64]))
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
