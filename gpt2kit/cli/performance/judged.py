"""The part of `gpt2kit TASK evaluate` for tasks that play: pieces that the model plays, compared with real ones."""

from typing import TYPE_CHECKING, Any

from gpt2kit.cli import console

if TYPE_CHECKING:
    from gpt2kit.pipeline.engine import Engine
    from gpt2kit.pipeline.evaluation_sets import Documents


def judged(
    engine: "Engine", documents: "Documents", count: int, seconds: float, json: bool
) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """The statistics of `count` pieces that the model plays, compared with real ones, and how much they copy; and the
    pieces as samples. Prints them unless JSON is requested."""
    from gpt2kit.music.analysis.judge import judge
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.evaluation_sets import run_of
    from gpt2kit.pipeline.play import piece, play, shortfall
    from gpt2kit.pipeline.training_pieces import performances, training_pieces

    store = run_of(engine).prepared.store("train")
    training = training_pieces(engine, store)
    results = play(engine, Notes.none(), seconds, count)
    played = [piece(engine, result) for result in results]
    shown = [(engine.task.show(Notes.none()), engine.task.tell(notes), "") for notes in played]
    config = engine.config
    how = f"n:{count}|seconds:{seconds:g}|t:{config.temperature:g}|k:{config.top_k}|p:{config.top_p:g}"
    how += f"|seed:{config.seed}|beside:{documents.name}"
    statistics: dict[str, Any] = {"signature": how, "notes": 0}
    if any(map(len, played)):
        judgement = judge(played, list(performances(engine, documents.store)), training)
        statistics = judgement.json() | {"signature": how}
        for line in [] if json else judgement.lines():
            console.result(line)
        console.say(f"samples: {how}")
    else:
        console.say(f"samples: they contain no notes ({how})")
    if lacking := list(filter(None, (shortfall(result, seconds) for result in results))):
        statistics["short"] = len(lacking)
        console.say(f"samples: {len(lacking)} of {count} lack something, as in: {lacking[0]}")
    return statistics, shown
