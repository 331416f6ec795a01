#!/usr/bin/env bash
# pretty_midi: two notes of one key that begin at one tick, a loud short one and a soft long one, are written with the
# soft one first, though it is the second in the list: `write` sorts the messages of a tick by velocity. A reader that ends
# the first stroke first, such as symusic, then gives each note the other's velocity, and nothing is said.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 mido==1.3.3 pretty_midi==0.2.11.post0 symusic==0.6.0
cat > "$folder/look.py" <<'PY'
import sys
from importlib.metadata import version

import pretty_midi
import symusic

midi = pretty_midi.PrettyMIDI()
piano = pretty_midi.Instrument(program=0)
piano.notes = [pretty_midi.Note(90, 60, 1.0, 2.0), pretty_midi.Note(30, 60, 1.0, 3.0)]
midi.instruments.append(piano)
path = f"{sys.argv[1]}/notes.mid"
midi.write(path)
(track,) = symusic.Score(path).to("second").tracks
read = sorted((note.velocity, round(note.start, 3), round(note.end, 3)) for note in track.notes)
print("Of two notes of one key struck together, the softer is written first, and the velocities are exchanged.")
print("pretty_midi", version("pretty_midi"), "symusic", version("symusic"), "mido", version("mido"))
print("written (velocity, start, end):", [(30, 1.0, 3.0), (90, 1.0, 2.0)])
print("read:", read)
raise SystemExit(read != [(30, 1.0, 2.0), (90, 1.0, 3.0)])
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
