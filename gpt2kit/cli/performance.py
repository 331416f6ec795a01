"""`gpt2kit TASK generate` and `render`, for tasks that play: performances as files to hear and see."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit import files, overwriting
from gpt2kit.cli import console, loading, options, reports
from gpt2kit.errors import PARTLY_DONE, DataError, UserError, counted

if TYPE_CHECKING:
    from gpt2kit.data.store import Store
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.engine import Engine
    from gpt2kit.pipeline.evaluation_sets import Documents

DEMO_SECONDS = 30.0

LONGEST_HOURS = 6
"""A .wav is limited to 4 GiB."""

KINDS = {
    ".mid": overwriting.MIDI,
    ".wav": overwriting.SOUND,
    ".png": overwriting.PICTURE,
    ".html": overwriting.PAGE,
}


def generate(
    task: str,
    flags: dict[str, str],
    *,
    run: options.RunOption = "",
    base: options.BaseOption = "",
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="SECONDS", help="Play for this long, in addition to the primer.")
    ] = 60.0,
    prime: Annotated[
        str,
        typer.Option(
            "--prime", metavar="FILE", show_default="start from nothing", help="A MIDI file to continue, the primer."
        ),
    ] = "",
    prime_seconds: Annotated[
        float | None,
        typer.Option(
            "--prime-seconds", metavar="SECONDS", show_default="all of it", help="Use only the beginning of --prime."
        ),
    ] = None,
    alone: Annotated[bool, options.switch("--alone", help="Write only the continuation, without the primer.")] = False,
    samples: Annotated[
        int, typer.Option("--samples", min=1, metavar="N", help="Play N pieces: piece-1.mid, piece-2.mid, ...")
    ] = 1,
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The MIDI file to write.")] = "piece.mid",
    sound: Annotated[bool, typer.Option(metavar="", help="Also write sound (.wav) and a picture (.png).")] = True,
    temperature: options.TemperatureOption = None,
    top_k: options.TopKOption = None,
    top_p: options.TopPOption = None,
    seed: options.SeedOption = None,
    set: options.EngineSetOption,
    device: options.DeviceOption = "",
    overwrite: options.OverwriteFilesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Play a new piece, or continue one: writes MIDI, sound and a picture."""
    from gpt2kit.music import events
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.play import piece, play, stalled

    check_seconds(seconds)
    paths = [_numbered(Path(out), number, samples) for number in range(1, samples + 1)]
    _check(paths, (".mid", ".wav", ".png") if sound else (".mid",), overwrite, [prime])
    if prime_seconds is not None and not prime:
        raise UserError("--prime-seconds is a part of --prime: give the file, too")
    primer = _primer(prime, prime_seconds) if prime else Notes.none()
    check_seconds(seconds, primer.duration)
    files.writable_folder(Path(out).parent)
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    engine = loading.load(task, run, sampling, device, set, flags, base=base)
    loading.settle_seed(engine, seed)
    written = []
    for path, result in zip(paths, play(engine, primer, seconds, samples, json), strict=True):
        notes, begun = piece(engine, primer, result, alone)
        written.append(_written(path, notes, begun, sound))
        if result.seed is not None:
            written[-1]["seed"] = result.seed
        written[-1]["log_probability"] = result.log_probabilities[0]
        if stalled(result, seconds):
            written[-1]["stalled"] = True
            made = f"{events.seconds(result.ids[0]):.1f} of {seconds:g} seconds"
            console.say(f"{path}: stopped after {made}: the model wrote events without any time between them")
        if result.truncated:
            console.say(f"{path}: the primer is longer than the model's window; only its end was used")
    if json:
        console.result_json(written if samples > 1 else written[0])


def demonstrate(task: str, engine: "Engine", run: Path) -> str:
    """Play a piece into the run folder; returns a command to try next."""
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.play import piece, play

    path, nothing = run / "piece.mid", Notes.none()
    (result,) = play(engine, nothing, DEMO_SECONDS, 1)
    console.say("")
    _written(path, *piece(engine, nothing, result), sound=True)
    return (
        f"  gpt2kit {task} render {path} --run {run}\n"
        f"  gpt2kit {task} generate --run {run} --seconds 60 --out new.mid\n"
        f"  gpt2kit {task} prepare {engine.task.about.corpus} --out data/mine\n"
        f"  gpt2kit {task} train data/mine --out runs/mine"
    )


def judged(
    engine: "Engine", documents: "Documents", count: int, seconds: float, json: bool
) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """The statistics of `count` pieces that the model plays, compared with real ones, and how much they copy; and the
    pieces as samples. Prints them unless JSON is requested."""
    from gpt2kit.music.copying import TrainingPieces
    from gpt2kit.music.judge import judge
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.evaluation_sets import run_of
    from gpt2kit.pipeline.play import piece, play, stalled

    store = run_of(engine).prepared.store("train")
    training = TrainingPieces(zip(store.names(), _performances(engine, store), strict=True))
    results = play(engine, Notes.none(), seconds, count)
    played = [piece(engine, Notes.none(), result)[0] for result in results]
    shown = [(engine.task.show(Notes.none()), engine.task.tell(notes), "") for notes in played]
    config = engine.config
    how = f"n:{count}|seconds:{seconds:g}|t:{config.temperature:g}|k:{config.top_k}|p:{config.top_p:g}"
    how += f"|seed:{config.seed}|beside:{documents.name}"
    statistics: dict[str, Any] = {"signature": how, "notes": 0}
    if any(map(len, played)):
        judgement = judge(played, list(_performances(engine, documents.store)), training)
        statistics = judgement.json() | {"signature": how}
        for line in [] if json else judgement.lines():
            console.result(line)
        console.say(f"samples: {how}")
    else:
        console.say(f"samples: they contain no notes ({how})")
    if silent := sum(stalled(result, seconds) for result in results):
        console.say(
            f"samples: {silent} of {count} were stopped early: the model wrote events without any time between them"
        )
    return statistics, shown


def _performances(engine: "Engine", store: "Store") -> "Iterator[Notes]":
    for index in range(len(store)):
        prompt, target = store.row(index)
        yield engine.task.decode([*prompt, *target])


def render(
    task: str,
    flags: dict[str, str],
    *,
    pieces: Annotated[list[str], typer.Argument(metavar="FILE", help="MIDI files.")],
    run: Annotated[
        str,
        typer.Option(
            "--run", "-r", metavar="DIR", show_default="no attention", help="Show which notes this run attends to."
        ),
    ] = "",
    primer: Annotated[
        float, typer.Option("--primer", metavar="SECONDS", help="Mark the first SECONDS as the primer.")
    ] = 0.0,
    overwrite: options.OverwriteFilesOption = False,
    json: options.JsonOption = False,
) -> None:
    """Render MIDI files as sound (.wav), picture (.png) and a page with a player, next to each file."""
    if not 0 <= primer < float("inf"):
        raise UserError(f"--primer {primer:g}: must be 0 seconds or more")
    paths = [Path(word) for word in pieces]
    shown: dict[Path, Path] = {}
    for path in paths:
        if (other := shown.setdefault(path.with_suffix(".html"), path)) is not path:
            raise UserError(f"{other} and {path} would both be rendered as {path.with_suffix('.html')}: rename one")
    engine = loading.load(task, run, {}, "", [], flags) if run else None
    if overwrite:  # otherwise what exists is kept
        _check(paths, (".wav", ".png", ".html"), overwrite, pieces)
    rendered, failed = [], []
    for path in paths:
        try:
            notes = heard(path)
        except DataError as error:
            failed.append(str(error))
            continue
        rendered.append(_rendered(path, notes, primer, engine, overwrite))
    if not rendered:
        raise DataError("; ".join(failed))
    for reason in failed:
        console.say(reason)
    if json:
        console.result_json(rendered if len(paths) > 1 else rendered[0])
    if failed:
        raise typer.Exit(PARTLY_DONE)


def _rendered(path: Path, notes: "Notes", primer: float, engine: "Engine | None", overwrite: bool) -> dict[str, Any]:
    """Write the sound, the picture and the page of a piece, with the attention of a model."""
    from gpt2kit.music.page import write_page

    attention = None
    if engine is not None:
        from gpt2kit.pipeline.play import looked_back

        prompt = engine.task.encode_source(notes)
        notes, attention = engine.task.decode(prompt), looked_back(engine, prompt)
    page = path.with_suffix(".html")
    described = _shown(path, notes, primer, overwrite) | {"page": str(page)}
    if _wanted(page, overwrite):
        write_page(page, notes, path.stem, primer, attention)
        console.say(f"{page}: a page with a player{', with the attention of the model' if engine else ''}")
    return described


def check_seconds(seconds: float, primer: float = 0.0) -> None:
    if not (seconds > 0 and primer + seconds <= LONGEST_HOURS * 3600):
        after = f" after a primer of {primer:g}" if primer else ""
        raise UserError(f"--seconds {seconds:g}{after}: must be more than 0, and at most {LONGEST_HOURS} hours in all")


def _primer(path: str, seconds: float | None) -> "Notes":
    if seconds is not None and not seconds > 0:
        raise UserError(f"--prime-seconds {seconds:g}: must be more than 0")
    notes = heard(path)
    part = notes if seconds is None else notes.sliced(0, seconds)
    if not len(part):
        raise DataError(f"{path}: no notes in its first {seconds:g} seconds")
    return part


def heard(path: str | Path) -> "Notes":
    """The piano notes of a file; prints what was left out. Raises DataError if there are none."""
    from gpt2kit.music.midi import read_midi

    found = read_midi(path)
    others = ", ".join(f"{reason}: {count:,}" for reason, count in found.dropped.items())
    if not len(found.notes):
        raise DataError(f"{path}: no piano notes{f' ({others})' if others else ''}")
    if others:
        console.say(f"{path}: notes left out, {others}")
    if found.clipped:
        console.say(f"{path}: {found.clipped:,} data bytes above 127 were taken as 127")
    return found.notes


def _numbered(path: Path, number: int, count: int) -> Path:
    if path.suffix.lower() not in (".mid", ".midi"):
        raise UserError(f"--out {path}: expected a name that ends with .mid")
    return path if count == 1 else path.with_stem(f"{path.stem}-{number}")


def _check(paths: list[Path], endings: tuple[str, ...], overwrite: bool, inputs: list[str]) -> None:
    """Raise for files that must not be replaced, before any work; otherwise say which ones are."""
    written = [(path if kind == ".mid" else path.with_suffix(kind), KINDS[kind]) for path in paths for kind in endings]
    taken = [(path, overwriting.check_file(path, overwrite, kind, inputs)) for path, kind in written]
    for path, what in taken:
        reports.replaced(path, what)


def _written(path: Path, notes: "Notes", primer: float, sound: bool) -> dict[str, Any]:
    from gpt2kit.music.midi import write_midi

    write_midi(path, notes)
    console.say(f"{path}: {counted(len(notes), 'note')} in {notes.duration:.1f} seconds")
    return _shown(path, notes, primer, overwrite=True) if sound else {"midi": str(path), "notes": len(notes)}


def _wanted(path: Path, overwrite: bool) -> bool:
    if os.path.lexists(path) and not overwrite:
        console.say(f"{path}: exists and is kept; --overwrite replaces it if gpt2kit made it")
        return False
    return True


def _shown(path: Path, notes: "Notes", primer: float, overwrite: bool) -> dict[str, Any]:
    from gpt2kit.music.roll import write_roll
    from gpt2kit.music.sound import write_wav

    wav, png = path.with_suffix(".wav"), path.with_suffix(".png")
    if _wanted(wav, overwrite):
        console.say(f"{wav}: sound by {write_wav(wav, notes)}")
    if _wanted(png, overwrite):
        write_roll(png, notes, primer, path.stem)
        console.say(f"{png}: the piano roll")
    described = {"midi": str(path), "notes": len(notes), "seconds": round(notes.duration, 2), "primer_seconds": primer}
    return described | {"wav": str(wav), "png": str(png)}
