#!/usr/bin/env bash
# miditok: of the 32 tempos that it divides 40 to 250 into by default, none is 120, the tempo of a MIDI file that
# states none; the nearest is 121.29. With use_tempos=True such a piece is decoded 1.1% too fast: after a minute it is
# 0.64 seconds ahead of its audio. Without tempos, or with steps that meet 120, such as
# TokenizerConfig(use_tempos=True, tempo_range=(40, 195)), which gives steps of 5, the times are kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 miditok==3.1.0 symusic==0.6.0
cat > "$folder/look.py" <<'PY'
from importlib.metadata import version

from miditok import REMI, TokenizerConfig
from symusic import Note, Score, Tempo, Track

score = Score(480)
score.tempos.append(Tempo(0, 120))
piano = Track(program=0)
piano.notes.extend([Note(0, 480, 60, 79), Note(120 * 480, 480, 62, 79)])
score.tracks.append(piano)


def second_note(score):
    return round(score.to("second").tracks[0].notes[1].start, 2)


configs = {
    "no tempos": TokenizerConfig(),
    "use_tempos": TokenizerConfig(use_tempos=True),
    "use_tempos, 40 to 195": TokenizerConfig(use_tempos=True, tempo_range=(40, 195)),
}
print("The second note of a piece of 120 quarters a minute, after a minute, moves when the piece is decoded.")
print(*(f"{name} {version(name)}" for name in ("miditok", "symusic")))
print("given:", second_note(score), "s")
found = {}
for name, config in configs.items():
    tokenizer = REMI(config)
    decoded = tokenizer.decode(tokenizer(score))
    found[name] = second_note(decoded)
    print(f"{name}: {found[name]} s, {decoded.tempos[0].qpm:.2f} quarters a minute")
raise SystemExit(list(found.values()) != [60.0, 59.36, 60.0])
PY
"$folder/venv/bin/python" "$folder/look.py"
