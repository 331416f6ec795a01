#!/usr/bin/env bash
# pretty_midi and symusic: in a file of type 1 whose first track sets up the channels (program 40, a violin) and whose
# second has the notes of the same channel, the notes come back as program 0, a piano: a program is looked for in the
# track of the notes only. A program belongs to the channel, whichever track sets it.
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

file = mido.MidiFile(type=1, ticks_per_beat=480)
setup, notes = mido.MidiTrack(), mido.MidiTrack()
file.tracks += [setup, notes]
setup.append(mido.Message("program_change", channel=2, program=40, time=0))
notes.append(mido.Message("note_on", channel=2, note=60, velocity=80, time=480))
notes.append(mido.Message("note_off", channel=2, note=60, velocity=0, time=480))
path = f"{sys.argv[1]}/setup.mid"
file.save(path)
first = [int(each.program) for each in pretty_midi.PrettyMIDI(path).instruments if each.notes]
second = [each.program for each in symusic.Score(path).tracks if each.notes]
print("A program change in another track of the channel does not count.")
print("pretty_midi", version("pretty_midi"), "symusic", version("symusic"), "mido", version("mido"))
print("program of the note's channel: 40; by pretty_midi:", first, "by symusic:", second)
raise SystemExit((first, second) != ([0], [0]))
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
