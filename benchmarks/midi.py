"""How fast MIDI files become ids, beside other readers: the same pieces, one process each, in turn, in one run.

    python benchmarks/midi.py maestro-v2.0.0-midi.zip [--files 24] [--rounds 5]

A unit of work is a pass over the pieces; figures are notes/s, medians over the rounds, ratios are medians of the
rounds' ratios. What the programs do:

gpt2kit       a zip to event ids, as `prepare` does it: unpacked, checked, parsed, pedal applied, encoded, hashed
symusic       files to its object: the parser alone
miditok       files to ids: symusic's parser, then MIDI-Like tokens at 10 ms (120 beats a minute), pedal not applied
pretty_midi   files to its object: the parser alone

The others find their files unpacked; every note of MAESTRO has a length, so all count the same notes.
"""

import argparse
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

from machine import record
from report import add_options, chosen, failures, protocol, ratios, table, versions
from turns import Plan, Player, Settings, Turn, play, serve

from gpt2kit.music.corpus.archives import is_midi


def ours(settings: Settings, turn: Turn) -> None:
    from gpt2kit.music.corpus.sources import Piece, pieces

    while True:
        turn.tick(sum(len(item.notes) for item in pieces([settings["zip"]]) if isinstance(item, Piece)))


def symusic(settings: Settings, turn: Turn) -> None:
    from symusic import Score

    while True:
        turn.tick(sum(note_count(Score(path)) for path in settings["files"]))


def note_count(score: Any) -> int:
    return sum(len(track.notes) for track in score.tracks)


def miditok(settings: Settings, turn: Turn) -> None:
    from miditok import MIDILike, TokenizerConfig
    from symusic import Score

    config = TokenizerConfig(pitch_range=(0, 127), beat_res={(0, 2): 50}, num_velocities=32)
    tokenizer = MIDILike(config)
    while True:
        count = 0
        for path in settings["files"]:
            score = Score(path)
            count += note_count(score)
            tokenizer(score)
        turn.tick(count)


def pretty_midi(settings: Settings, turn: Turn) -> None:
    from pretty_midi import PrettyMIDI

    warnings.simplefilter("ignore")
    while True:
        files = map(PrettyMIDI, settings["files"])
        turn.tick(sum(len(instrument.notes) for file in files for instrument in file.instruments))


PROGRAMS = {"gpt2kit": ours, "symusic": symusic, "miditok": miditok, "pretty_midi": pretty_midi}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a zip of MIDI files")
    parser.add_argument("--files", type=int, default=24, help="how many, spread over the archive; 0 for all")
    add_options(parser, ["files-to-ids"], seconds=3)
    arguments = parser.parse_args()
    plan = Plan(1, 0.5, 1, 0, 1) if arguments.smoke else Plan(arguments.rounds, arguments.seconds, 2, 1, 1)
    with tempfile.TemporaryDirectory() as folder:
        settings = sample(arguments.archive, arguments.files, Path(folder))
        players = [Player(name, name, settings, ours=name == "gpt2kit") for name in PROGRAMS]
        players = chosen(players, arguments.only)
        play(__file__, players, plan)
    figures = {player.name: _figures(player) for player in players}
    print(table(players, players, figures, {"notes/s": ("per_second", ",.0f"), "cores": ("cores", ".1f")}))
    print(failures(players), end="")
    if not arguments.smoke:
        result = {"files": len(settings["files"]), **protocol(plan), "programs": figures, "ratios": ratios(players)}
        record("midi", result | {"versions": versions("symusic", "miditok", "pretty_midi", "numpy")})


def sample(archive: Path, count: int, folder: Path) -> Settings:
    """Some of the archive's pieces, as files and as a zip."""
    files = []
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(folder / "some.zip", "w", zipfile.ZIP_DEFLATED) as target:
        names = sorted(filter(is_midi, source.namelist()))
        for number, name in enumerate(names[:: max(1, len(names) // count)][:count] if count else names):
            content = source.read(name)
            target.writestr(name, content)
            path = folder / f"{number}.mid"
            path.write_bytes(content)
            files.append(str(path))
    return {"zip": str(folder / "some.zip"), "files": files}


def _figures(player: Player) -> dict[str, Any]:
    """Of one program; one that failed has its reason instead."""
    if not player.done:
        return {"failed": player.failed}
    figures: dict[str, Any] = {"per_second": round(player.rate), "each_round": [round(rate) for rate in player.rates]}
    return figures | {"cores": round(player.cores, 2), "memory_gib": round(player.turns[-1]["memory_gib"], 2)}


if __name__ == "__main__":
    if sys.argv[1:] == ["--worker"]:
        serve(PROGRAMS)
    else:
        main()
