#!/usr/bin/env bash
# mido: a System Exclusive message that a standard MIDI file divides into two packets (F0 ... and later F7 ... F7, as
# RP-001 describes) is closed after its first packet when mido reads and saves the file: the copy sends an instrument
# two other messages.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mido==1.3.3
cat > "$folder/look.py" <<'PY'
import sys
from importlib.metadata import version

import mido

events = b"\x00\xf0\x03\x43\x12\x00" + b"\x60\xf7\x03\x43\x12\xf7" + b"\x00\xff\x2f\x00"
header = b"MThd" + (6).to_bytes(4, "big") + b"\x00\x00\x00\x01\x01\xe0"
path = f"{sys.argv[1]}/sysex.mid"
with open(path, "wb") as file:
    file.write(header + b"MTrk" + len(events).to_bytes(4, "big") + events)
copy = f"{sys.argv[1]}/copy.mid"
mido.MidiFile(path).save(copy)
with open(copy, "rb") as file:
    written = file.read()[22:]
print("A divided System Exclusive message is not copied as it is.")
print("mido", version("mido"))
print("track:", events.hex(" "))
print("copy: ", written.hex(" "))
raise SystemExit(written == events or b"\x43\x12\x00\xf7" not in written)
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
