#!/usr/bin/env bash
# pretty_midi and symusic: the specification of standard MIDI files (RP-001) asks programs to skip chunks of unknown type
# and header chunks that are longer than six bytes. A file with an unknown chunk before its track is refused by
# mido and pretty_midi; one whose header has two more bytes is refused by symusic.
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

events = b"\x00\x90\x3c\x50\x83\x60\x80\x3c\x00\x00\xff\x2f\x00"
track = b"MTrk" + len(events).to_bytes(4, "big") + events
six = b"\x00\x00\x00\x01\x01\xe0"
files = {
    "unknown chunk": b"MThd\x00\x00\x00\x06" + six + b"XFIH\x00\x00\x00\x04data" + track,
    "longer header": b"MThd\x00\x00\x00\x08" + six + b"\x00\x00" + track,
}
readers = {
    "mido": lambda path: sum(message.type == "note_on" for message in mido.MidiFile(path)),
    "pretty_midi": lambda path: sum(len(each.notes) for each in pretty_midi.PrettyMIDI(path).instruments),
    "symusic": lambda path: sum(len(each.notes) for each in symusic.Score(path).tracks),
}
print("Chunks and headers that a reader has to skip are refused, or not.")
print(*(f"{name} {version(name)}" for name in readers))
found = {}
for kind, content in files.items():
    path = f"{sys.argv[1]}/{kind.replace(' ', '_')}.mid"
    with open(path, "wb") as file:
        file.write(content)
    for name, read in readers.items():
        try:
            found[kind, name] = f"{read(path)} note"
        except Exception as error:
            found[kind, name] = type(error).__name__
        print(f"{kind}, {name}: {found[kind, name]}")
refused = {key for key, result in found.items() if result.endswith("Error")}
expected = {("unknown chunk", "mido"), ("unknown chunk", "pretty_midi"), ("longer header", "symusic")}
raise SystemExit(refused != expected)
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
