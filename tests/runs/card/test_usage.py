"""Every snippet of a card runs as it stands, and gives what the model gives."""

import random
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from gpt2kit import recipe
from gpt2kit.cli.app import run as gpt2kit
from gpt2kit.data.bpe import Bpe
from gpt2kit.music.stream import announcements
from gpt2kit.pipeline.opening import load
from gpt2kit.runs.card.facts import facts
from gpt2kit.runs.card.usage import usage
from gpt2kit.runs.folder import Run

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]
Capture = pytest.CaptureFixture[str]

TEXTS = ["translate", "summarize", "lm", "finetune", "completion", "labelled", "choice"]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)


def words(command: str) -> list[str]:
    """As bash reads them."""
    shown = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True)
    return shown.stdout.split("\0")[:-1]


@pytest.fixture
def beside(copied: Copied, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """A copy of a run in the folder where snippets are run."""

    def make(run: Path) -> Path:
        copy = copied(run)
        (copy.parent / "YOUR.txt").write_text("a document", encoding="utf-8")
        monkeypatch.chdir(copy.parent)
        return copy

    return make


@pytest.mark.parametrize("kind", [*TEXTS, "music"])
def test_commands_and_python_run(run_of: RunOf, beside: Callable[[Path], Path], kind: str, capsys: Capture) -> None:
    settings = ["generate.max_new_tokens=8"] if kind == "music" else []
    shown = usage(facts(Run(beside(run_of(kind, *settings)))))
    (commands,) = blocks(shown, "sh")
    command, *more = commands.splitlines()
    assert [each.split()[2] for each in more] == (["infill", "accompany"] if kind == "music" else [])
    assert command.startswith(
        f"gpt2kit {'finetune' if kind in ('completion', 'labelled', 'choice') else kind} generate"
    )
    assert gpt2kit([*words(command)[1:], *(["--set", "generate.top_k=0"] if kind == "music" else [])]) == 0
    out = capsys.readouterr().out
    ours, *theirs = blocks(shown, "python")
    exec(compile(ours, "card", "exec"), {})
    printed = capsys.readouterr().out
    if kind == "music":
        assert Path("piece.mid").is_file()
    if kind not in ("lm", "finetune", "labelled", "choice", "summarize"):
        assert printed == out
    (snippet,) = theirs
    known: dict[str, Any] = {}
    exec(compile(snippet, "card", "exec"), known)
    assert capsys.readouterr().out or (kind == "music" and known["model"].config.vocab_size == announcements.SIZE)


@pytest.mark.parametrize("attention", ["full", "local"])
@pytest.mark.parametrize("kind", ["translate", "completion"])
def test_with_transformers_the_answer_is_the_same(
    run_of: RunOf, beside: Callable[[Path], Path], kind: str, attention: str, capsys: Capture
) -> None:
    settings = ["model.attention=local", "model.block=16"] if attention == "local" else []
    run = beside(run_of(kind, "generate.max_new_tokens=40", "generate.max_ratio=0", *settings))
    snippet = blocks(usage(facts(Run(run))), "python")[1]
    assert ("trust_remote_code=True" in snippet) == (attention != "full")
    exec(compile(snippet, "card", "exec"), {})
    engine = load(run)
    assert capsys.readouterr().out == f"{engine(engine.task.about.input)}\n"


PARTS = ("the cat sat on", "a good morning to you", " dog", "I am", "zebra, 12", " bonjour ", "student?\n")


@pytest.mark.parametrize(
    ("settings", "limits"),
    [
        ({"max_ratio": 0.5}, {"max_ratio"}),
        ({"max_ratio": 0.0, "max_new_tokens": 50, "repetition_penalty": 1.05}, {"max_new_tokens", "window"}),
        ({"repetition_penalty": 1.3, "penalty_on": "answer", "max_new_tokens": 9}, {"max_new_tokens"}),
    ],
)
def test_with_transformers_every_answer_is_the_same(
    run_of: RunOf,
    by_heart: Path,
    tmp_path: Path,
    copy_run: Callable[[Path, Path], Path],
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    limits: set[str],
) -> None:
    """Of prompts of many lengths, by a model that ends its answers and by one that does not."""
    reached, draw = set(), random.Random(0)
    monkeypatch.chdir(tmp_path)
    for place, trained in enumerate((by_heart, run_of("translate"))):
        run = copy_run(trained, tmp_path / f"run-{place}")
        table = recipe.load(str(run / "recipe.toml")).table()
        table["generate"] |= settings
        (run / "recipe.toml").write_text(tomli_w.dumps(table), encoding="utf-8")
        shown, engine = usage(facts(Run(run))), load(run)
        room = engine.config.room_for_prompt(engine.model.config.n_positions)
        assert f"gpt2kit cuts a prompt to the {room} tokens that leave room for an answer" in shown
        begin, asked, rest = blocks(shown, "python")[1].partition("ids = tokenizer(")
        known: dict[str, Any] = {}
        exec(compile(begin, "card", "exec"), known)
        parsed = [engine.task.parse("".join(draw.choices(PARTS, k=1 + number // 4))) for number in range(16)]
        results = list(engine.results(parsed))
        for source, result in zip(parsed, results, strict=True):
            if result.truncated:
                continue
            prompt = repr(engine.task.vocabulary.render(engine.task.encode_source(source)))
            exec(compile(f"{asked}{prompt}{rest[rest.index(', return_tensors') :]}", "card", "exec"), known)
            # gpt2kit leaves out the first bytes of a character that is cut
            assert capsys.readouterr().out.removesuffix("\n").removesuffix("\ufffd") == result.outputs[0]
        reached |= {result.limit for result in results if not result.truncated}
    assert reached == {"", *limits}


@pytest.mark.parametrize("settings", [[], ["model.attention=local", "model.block=16"]])
@pytest.mark.parametrize("kind", ["labelled", "pairs", "similar", "choice"])
def test_with_transformers_the_probabilities_are_the_same(
    run_of: RunOf, beside: Callable[[Path], Path], kind: str, settings: list[str]
) -> None:
    run = beside(run_of(kind, *settings))
    snippet = blocks(usage(facts(Run(run))), "python")[1]
    assert ("pipeline(" in snippet) == (kind in ("labelled", "pairs")), "it reads a text once"
    assert "<extract>" not in snippet
    assert_probabilities_of(snippet, run)


@pytest.mark.parametrize("kind", ["labelled", "pairs", "similar", "choice"])
def test_the_card_of_an_older_run_spells_the_control_tokens(
    run_of: RunOf, beside: Callable[[Path], Path], kind: str
) -> None:
    """gpt2kit writes its card again after an evaluation."""
    run = beside(run_of(kind))
    Bpe.load(run).save(run, window=64)
    snippet = blocks(usage(facts(Run(run))), "python")[1]
    assert "<extract>" in snippet
    assert_probabilities_of(snippet, run)


@pytest.mark.parametrize("kind", ["labelled", "similar"])
def test_a_snippet_cuts_long_texts_as_gpt2kit_does(run_of: RunOf, beside: Callable[[Path], Path], kind: str) -> None:
    run = beside(run_of(kind))
    snippet, about = blocks(usage(facts(Run(run))), "python")[1], load(run).task.about.input
    for text in about.split("\t"):
        assert repr(text) in snippet
        snippet = snippet.replace(repr(text), repr(text * 30))
    assert_probabilities_of(snippet, run, 30)


def assert_probabilities_of(snippet: str, run: Path, repeated: int = 1) -> None:
    """A snippet prints the probabilities of gpt2kit for the example input: of each label, or of the choices in turn."""
    printed: list[Any] = []
    exec(compile(snippet, "card", "exec"), {"print": lambda *told: printed.extend(told)})
    engine = load(run)
    source = engine.task.parse("\t".join(text * repeated for text in engine.task.about.input.split("\t")))
    (result,) = engine.results([source])
    assert result.truncated == (repeated > 1)
    assert result.probabilities is not None
    answers = engine.task.layout.answers(source)
    found, *more = printed
    if isinstance(found, list):
        assert {each["label"]: each["score"] for each in found} == pytest.approx(result.probabilities, abs=1e-5)
    else:
        assert found.tolist() == pytest.approx([result.probabilities[answer] for answer in answers], abs=1e-5)
        assert [*more[0].values()] == list(engine.task.layout.labels)


@pytest.mark.parametrize(
    ("settings", "same", "said"),
    [
        ({}, "The same answer", "that leave room for an answer, and reads a control token"),
        (
            {"temperature": 0.7, "top_k": 5, "top_p": 0.9},
            "Samples of the same distribution",
            ", do_sample=True, temperature=0.7, top_k=5, top_p=0.9)",
        ),
        ({"beams": 3}, "The same model's greedy answer", "searches with 3 beams"),
        (
            {"mbr": 4, "temperature": 0.7},
            "Samples of the same distribution",
            "answers with the most typical of 4 samples",
        ),
        ({"roll": True}, "The same answer", "continues when the window is full"),
        ({"stop": ["\n"]}, "The same answer", "ends an answer before the texts in `generate.stop`"),
    ],
    ids=["greedy", "sampling", "beams", "mbr", "roll", "stop"],
)
def test_it_says_how_the_answers_compare(
    run_of: RunOf, copied: Copied, settings: dict[str, Any], same: str, said: str
) -> None:
    run = copied(run_of("lm"))
    table = recipe.load(str(run / "recipe.toml")).table()
    table["generate"] |= settings
    (run / "recipe.toml").write_text(tomli_w.dumps(table), encoding="utf-8")
    shown = usage(facts(Run(run)))
    assert f"{same} with `transformers`:" in shown
    assert said in shown


def test_what_transformers_has_not_is_not_claimed(run_of: RunOf, copied: Copied) -> None:
    run = copied(run_of("music"))
    shown = usage(facts(Run(run)))
    assert "which runs `modeling_gpt2kit.py` of the folder" in shown
    (run / "modeling_gpt2kit.py").unlink()  # as in the run of an older gpt2kit
    shown = usage(facts(Run(run)))
    assert "from transformers" not in shown
    assert "`transformers` has no model with its attention (relative" in shown
    shown = usage(facts(Run(run_of("music", "model.attention=full"))))
    assert "from transformers" not in shown
    assert "`GPT2LMHeadModel`" in shown
    assert AutoModelForCausalLM.from_pretrained(run_of("music", "model.attention=full")).config.vocab_size == 479
    assert AutoModelForSequenceClassification.from_pretrained(run_of("labelled")).config.id2label == {
        0: "bad",
        1: "good",
    }


@pytest.mark.parametrize("name", ["it's", "two words", "`tick`", 'quo"te', "$(date)", "-x"])
def test_a_folder_of_any_name_is_quoted(
    run_of: RunOf, copied: Copied, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    copy = copied(run_of("translate"))
    run = copy.rename(copy.with_name(name))
    shown = usage(facts(Run(run)))
    (command,) = re.findall(r"^`{3,}sh\n(.*?)\n`{3,}$", shown, re.MULTILINE)
    assert shlex.split(command)[4] == words(command)[4] == name
    monkeypatch.chdir(run.parent)
    snippet = re.findall(r"^`{3,}python\n(.*?)\n`{3,}$", shown, re.MULTILINE | re.DOTALL)[0]
    exec(compile(snippet, "card", "exec"), {"print": str})
