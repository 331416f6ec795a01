"""The page of a run that answers texts, in a browser: it shows what Python computes."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import gpt2kit
from gpt2kit.inspection.continuing import next_of
from gpt2kit.inspection.subject import followed, subject_of
from gpt2kit.model.ablation import Off, without
from gpt2kit.pipeline.engine import Engine
from gpt2kit.tasks.summarize import Summarize
from gpt2kit.tasks.text import TextTask

if TYPE_CHECKING:
    from tests.conftest import Browser
    from tests.live.conftest import RunPage

Runs = Callable[..., Path]
Pages = Callable[..., "RunPage"]
ANSWER = "#so-far"
NOTHING = Off()
ALTERNATIVES = "#alternatives-list button"


STOP_AFTER_20_WORDS = """new MutationObserver((changes, watch) => {
  if (document.querySelectorAll("#so-far button").length <= 20) return;
  watch.disconnect();
  document.getElementById("ten").click();
}).observe(document.getElementById("so-far"), { childList: true })"""
"""In the page itself: the model may write thousands of words between two looks from here."""


def greedy(engine: Engine, text: str, given: Sequence[int] = (), off: Off = NOTHING) -> list[int]:
    """The likeliest answer that begins with `given`, without the parts that are off."""
    ids, eos = [*given], engine.task.vocabulary.eos
    with without(engine.model, off):
        while len(ids) < engine.config.max_new_tokens and eos not in ids:
            ids.append(int(next_of(followed(engine, "", "", engine.task.parse(text), ids)).argmax()))
    return [id for id in ids if id != eos]


def test_a_translation(tab: "Browser", page: Pages, by_heart: Path) -> None:
    """As one types; other words; heads that are off; texts that are not sentences."""
    engine, shown = gpt2kit.load(by_heart, {"dtype": "fp32"}), page(by_heart)
    assert isinstance(engine.task, TextTask)
    shown.shows("Type something first.")
    assert not tab.value("document.getElementById('ten').offsetParent")
    for text in ("I am a student", "two lines", "été 中文 🙂\tשלום", "a cat " * 99):
        shown.type(text)
        shown.shows(engine(text))
    assert "only a part of it is read" in shown.text("#ten-said")
    shown.type("12.5 %")
    shown.shows("12.5 %")
    assert shown.texts(f"{ANSWER} button") == [], "the model has not written it"

    text = "let them eat cake"
    shown.type(text)
    shown.shows("qu'ils mangent du gâteau")
    assert shown.texts(f"{ANSWER} button") == ["qu'ils", "mangent", "du", "gâteau"]
    shown.click(f"{ANSWER} button", 1)
    assert shown.text("#alternatives-of") == "Instead of mangent the model could have begun with:"
    place = next(at for at, id in enumerate(greedy(engine, text)) if engine.task.bpe.token(id).startswith("Ġ"))
    before = greedy(engine, text)[:place]
    chances = next_of(followed(engine, "", "", engine.task.parse(text), before)).topk(10)
    assert shown.shares("#alternatives-list .share") == pytest.approx(chances.values.tolist(), abs=0.006)
    assert tab.value(f"document.querySelectorAll('{ALTERNATIVES}')[0].disabled"), "it is in the answer"
    shown.click(ALTERNATIVES, 1)
    other = greedy(engine, text, [*before, int(chances.indices[1])])
    shown.shows(engine.task.decode(other))
    shown.click("#ten")
    shown.shows("qu'ils mangent du gâteau")
    assert "1 layer × 2 heads" in shown.text("#shape")

    ids, eos = greedy(engine, text), engine.task.vocabulary.eos
    after = next_of(followed(engine, "", "", engine.task.parse(text), ids))
    assert shown.text("#sides h3") == "The answer is complete"
    assert shown.text("#sides figcaption").startswith("<|endoftext|> ends the answer: its probability was ")
    assert shown.share(shown.text("#sides figcaption")) == pytest.approx(float(after[eos]), abs=0.006)
    assert shown.texts("#sides .came .tok") == ["<|endoftext|>"]
    assert tab.value("document.querySelector('#sides .came button').disabled")
    shown.click("#undo")
    shown.computed()
    assert shown.text(ANSWER) == "qu'ils mangent du gâteau", "only its end is removed"
    assert shown.text("#sides h3") == "What comes next"
    shown.click("#sides .chip")
    shown.computed()
    assert shown.text("#sides h3") == "The answer is complete"
    shown.click("#sides .chip", 1)
    shown.shows(engine.task.decode([*ids, int(after.topk(2).indices[1])]))
    shown.click("#restart")
    shown.computed()
    shown.click("#sides .chip", shown.texts("#sides .chip").index("<|endoftext|>"))
    shown.computed()
    assert shown.text("#sides h3") == "The answer is empty"
    shown.click("#ten")
    shown.shows("qu'ils mangent du gâteau")

    head, both = Off(heads=frozenset({(0, 1)})), Off(heads=frozenset({(0, 1)}), mlps=frozenset({0}))
    shown.click("#switches input", 1)
    shown.shows(engine.task.decode(greedy(engine, text, off=head)))
    assert "switched off" in shown.text("#sides figcaption")
    assert shown.text("#off-said").startswith("Parts of the model are switched off.")
    shown.click("#switches input", 3)
    changed = greedy(engine, text, off=both)
    assert changed != greedy(engine, text)
    shown.shows(engine.task.decode(changed))
    with without(engine.model, both):
        chances = next_of(followed(engine, "", "", engine.task.parse(text), changed)).topk(3)
    assert [*shown.likeliest().values()][:3] == pytest.approx(chances.values.tolist(), abs=0.006)
    focused = "[...document.querySelectorAll('#switches input')].indexOf(document.activeElement)"
    assert tab.value(focused) == 3, "the switch still has the focus"
    shown.click("#all-on")
    shown.shows("qu'ils mangent du gâteau")
    assert not tab.value("document.getElementById('off-said').offsetParent")
    assert tab.value("[...document.querySelectorAll('#switches input')].every(({ checked }) => checked)")
    asked = tab.value("questions.asked")
    shown.set("ten-temperature", -1)
    shown.click("#ten")
    assert tab.value("questions.asked") == asked, "the browser says what is accepted"
    shown.type("")
    shown.shows("Type something first.")
    assert not tab.value("document.getElementById('alternatives').offsetParent")


def test_several_languages(tab: "Browser", page: Pages, tmp_path: Path, examples: Callable[[str], Any]) -> None:
    from gpt2kit import recipe

    module, pairs = examples("translate"), {"fr": "oui merci", "de": "ja danke"}
    corpora = []
    for language, target in pairs.items():
        path = tmp_path / f"{language}.tsv"
        path.write_text(f"yes thanks\t{target}\n" * 2, encoding="utf-8")
        corpora.append(f"{language}={path}")
    tiny = recipe.load("translate", [*module.TINY, "train.steps=30", "task.to=fr"])
    gpt2kit.prepare(tiny, {"train": corpora, "val": corpora}, tmp_path / "data")
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    shown = page(tmp_path / "run")
    assert shown.texts("#ending option") == ["French", "German"]
    assert "It answers in French or German." in shown.text("#about")
    shown.type("yes thanks")
    shown.shows(gpt2kit.load(tmp_path / "run", {"dtype": "fp32"}, to="fr")("yes thanks"))
    asked = tab.value("questions.asked")
    tab.value("(() => { const found = document.getElementById('ending'); found.value = 'de'; found.oninput(); })()")
    tab.until(f"questions.asked > {asked}")
    shown.shows(gpt2kit.load(tmp_path / "run", {"dtype": "fp32"}, to="de")("yes thanks"))
    assert shown.text(ANSWER) == "ja danke"


def test_a_text_is_continued(tab: "Browser", page: Pages, run_of: Runs) -> None:
    """By hand, and by the model until one stops it; with a seed it draws what Python draws."""
    run = run_of("lm")
    engine, shown = gpt2kit.load(run, {"dtype": "fp32"}), page(run, max_new_tokens=10**6, roll=True)
    text = "The robot"
    shown.type(text)
    shown.computed()
    assert tab.value("document.querySelectorAll('#tokens button').length") > 1
    chances = next_of(followed(engine, "", "", text, [])).topk(10)
    assert [*shown.likeliest().values()] == pytest.approx(chances.values.tolist(), abs=0.006)
    shown.click("#sides .chip", 1)
    shown.shows(engine.task.decode([int(chances.indices[1])]))
    shown.click("#undo")
    shown.shows("")
    shown.click("#undo")
    shown.shows("")  # there is nothing left to remove

    drawn = {"temperature": 1.1, "top_k": 50, "top_p": 0.95, "seed": 5}
    for name, value in drawn.items():
        shown.set(f"ten-{name.replace('_', '-')}", value)
    tab.value(STOP_AFTER_20_WORDS)
    shown.click("#ten")
    shown.computed()
    assert shown.text("#ten") == "write on"
    assert tab.value("document.querySelectorAll('#tokens button').length") <= engine.model.config.n_positions
    found, made = shown.text(ANSWER), tab.value("questions.last.look.answer")
    (wanted,) = engine.results([text], engine.configured(drawn | {"max_new_tokens": len(made), "roll": True}))
    assert len(found) > 20
    assert made == wanted.ids[0]
    assert " ".join(wanted.outputs[0].split())[: len(found) - 4] == found[:-4], "its last character may be incomplete"
    shown.click("#restart")
    shown.shows("")


def test_labels(tab: "Browser", page: Pages, run_of: Runs) -> None:
    """The probabilities of two texts, and of the same without each word."""
    run = run_of("pairs")
    engine, shown = gpt2kit.load(run, {"dtype": "fp32"}), page(run)
    assert shown.texts("#inputs label") == ["premise", "hypothesis"]
    assert f"It chooses between {', '.join(engine.model.labels)}." in shown.text("#about")

    def chances(*texts: str) -> dict[str, float]:
        (found,) = engine.results([engine.task.parse("\t".join(texts))])
        assert found.probabilities is not None
        return found.probabilities

    shown.type("3 is here")
    shown.computed()
    assert shown.texts("#sides .tok") == [], "the other text is missing"
    assert shown.texts("#weighed .word") == []
    shown.type("7 lives here", 1)
    shown.computed()
    wanted = chances("3 is here", "7 lives here")
    assert shown.likeliest() == {name: pytest.approx(value, abs=0.006) for name, value in wanted.items()}
    best = max(wanted, key=lambda name: wanted[name])
    assert next(iter(shown.likeliest())) == best
    assert not tab.value("document.getElementById('ten').offsetParent"), "a label is not continued"
    assert shown.texts("#weighed .word") == ["3", "is", "here", "7", "lives", "here"]
    titles = tab.value("[...document.querySelectorAll('#weighed .word')].map((word) => word.title)")
    without_it = [
        *(chances(rest, "7 lives here") for rest in ("is here", "3 here", "3 is ")),
        *(chances("3 is here", rest) for rest in ("lives here", "7 here", "7 lives ")),
    ]
    for title, other in zip(titles, without_it, strict=True):
        assert title.startswith(f"{best}: ")
        assert shown.share(title.split("” ")[1]) == pytest.approx(other[best], abs=0.006)
    shown.click("#switches input", 3)
    shown.computed()
    with without(engine.model, Off(mlps=frozenset({0}))):
        (changed,) = engine.results([engine.task.parse("3 is here\t7 lives here")])
    assert changed.probabilities is not None
    assert shown.likeliest() == {name: pytest.approx(value, abs=0.006) for name, value in changed.probabilities.items()}


def test_a_text_is_continued_again(tab: "Browser", page: Pages, run_of: Runs) -> None:
    """Each time by as many tokens, until the window is full; figures are about a token that all of them have."""
    run = run_of("lm")
    engine, shown = gpt2kit.load(run, {"dtype": "fp32"}), page(run, max_new_tokens=20, temperature=0)
    assert isinstance(engine.task, TextTask)
    shown.type("The robot")
    shown.set("ten-temperature", 0)
    for count in (20, 40):
        shown.click("#ten")
        (wanted,) = engine.results(["The robot"], engine.configured({"temperature": 0, "max_new_tokens": count}))
        shown.shows(wanted.outputs[0])
        assert len(wanted.ids[0]) == count
    assert tab.value("document.querySelectorAll('#neurons li').length") > 0
    for _ in range(2):
        shown.click("#ten")
        shown.computed()
    assert f"the window of {engine.model.config.n_positions} tokens is full" in shown.text("#ten-said")


def test_a_summary(page: Pages, run_of: Runs) -> None:
    """A title alone has none."""
    run = run_of("summarize")
    engine, shown = gpt2kit.load(run, {"dtype": "fp32"}), page(run)
    assert isinstance(engine.task, Summarize)
    assert shown.texts("#inputs label") == ["title (may be empty)", "document"]
    shown.type("Cats")
    shown.shows("Still empty: document.")
    shown.type("A cat lives here. It sleeps.", 1)
    (wanted,) = engine.results([replace(engine.task, title="Cats").parse("A cat lives here. It sleeps.")])
    shown.shows(wanted.outputs[0])
    assert "Sources" in shown.text("nav")


def test_a_long_text(tab: "Browser", page: Pages, run_of: Runs) -> None:
    """Words that the model does not read are not weighed, and the page says that the text is cut."""
    run = run_of("labelled")
    engine, shown = gpt2kit.load(run, {"dtype": "fp32"}), page(run)
    text = "fine 3 dull 2 words " * 2600
    shown.type(text)
    shown.computed()
    assert "So far" not in shown.text("#weighed-caption")
    assert "only a part of it is read" in shown.text("#remarks")
    assert "the rest is not read" in shown.text("#weighed")
    (ids, _) = engine.prompt(engine.task.parse(text), engine.config)
    assert isinstance(engine.task, TextTask)
    read = engine.task.bpe.decode(ids[1:-1])
    assert text.startswith(read)
    words = shown.texts("#weighed .word")
    assert words == text.split()[: len(read.split())]
    title = tab.value("[...document.querySelectorAll('#weighed .word')][1].title")
    (without_it,) = engine.results([engine.task.parse(text.replace("3 ", "", 1))])
    assert without_it.probabilities is not None
    assert shown.share(title.split("” ")[1]) == pytest.approx(without_it.probabilities[title.split(":")[0]], abs=0.006)


def test_choices_and_completions(tab: "Browser", page: Pages, run_of: Runs) -> None:
    engine, shown = gpt2kit.load(run_of("choice"), {"dtype": "fp32"}), page(run_of("choice"))
    assert shown.texts("#inputs label") == ["context", *(f"choice {n}" for n in (1, 2, 3, 4))]
    for field, text in enumerate(("3 is", "odd", "even")):
        shown.type(text, field)
    shown.computed()
    (wanted,) = engine.results([engine.task.parse("3 is\todd\teven")])
    assert wanted.probabilities is not None
    assert shown.likeliest() == {name: pytest.approx(value, abs=0.006) for name, value in wanted.probabilities.items()}
    assert shown.text("#sides h3") == "The choice"
    shown.computed()
    best, other = sorted(wanted.probabilities.values(), reverse=True)
    assert shown.texts("#label-explained option") == ["odd", "even"]
    total = tab.value("Number(document.querySelector('#label-parts [data-total]').dataset.total)")
    assert total == pytest.approx(math.log(best / other), abs=1e-3), "the parts add up"
    for field, text in enumerate(("3 is", "10", "9")):  # an object of JavaScript would have 9 first
        shown.type(text, field)
    shown.computed()
    (wanted,) = engine.results([engine.task.parse("3 is\t10\t9")])
    assert shown.texts("#sides .tok")[0] == wanted.outputs[0]
    assert shown.texts("#label-explained option") == ["10", "9"]
    assert "choice" in shown.text("#drawing .box")
    made = subject_of(engine, "", "finetune", engine.task.parse("3 is\t10\t9"))
    assert [int(text.split()[-1]) for text in shown.texts("#tokens button")] == made.ids

    engine, shown = gpt2kit.load(run_of("completion"), {"dtype": "fp32"}), page(run_of("completion"))
    shown.type("what is 3")
    shown.shows(engine("what is 3"))


def test_a_conversation(tab: "Browser", page: Pages, tmp_path: Path, examples: Callable[[str], Any]) -> None:
    from gpt2kit import recipe

    module = examples("finetune")
    said = [{"role": "user", "content": "how are you"}, {"role": "assistant", "content": "fine, thanks"}]
    (tmp_path / "chat.jsonl").write_text(f"{json.dumps({'messages': said})}\n" * 4, encoding="utf-8")
    tiny = recipe.load("finetune", [*module.TINY, "train.steps=30", "train.evaluate_every=30", "train.samples=0"])
    corpus = [str(tmp_path / "chat.jsonl")]
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, tmp_path / "data")
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    shown = page(tmp_path / "run")
    assert shown.text("#use-title") == "Talk to the model"
    assert shown.texts("#inputs label") == ["system prompt (may be empty)", "message"]
    shown.type("how are you", 1)
    shown.shows(gpt2kit.load(tmp_path / "run", {"dtype": "fp32"})("how are you"))


@pytest.mark.parametrize(
    ("kind", "inputs", "settings", "wide"),
    [
        ("translate", ["I am a student"], (), 1280),
        ("labelled", ["fine 3"], ("model.attention=compressed", "model.compression=3"), 390),
        ("lm", ["The robot must " * 9], ("model.attention=relative-local", "model.block=6"), 390),
    ],
)
def test_the_lesson(
    tab: "Browser", page: Pages, run_of: Runs, kind: str, inputs: list[str], settings: tuple[str, ...], wide: int
) -> None:
    """To its end and back: each step points at a part of the page that is in view above the step's text."""
    shown = page(run_of(kind, *settings))
    tab.send("Emulation.setDeviceMetricsOverride", width=wide, height=844, deviceScaleFactor=1, mobile=wide < 500)
    for field, text in enumerate(inputs):
        shown.type(text, field)
    tab.until(f"document.documentElement.clientWidth <= {wide}")
    shown.computed()
    assert tab.value("document.querySelectorAll('#tokens button').length") > 1
    shown.click("#lesson-start")
    room = (
        "(() => { const top = document.querySelector('.pointed').getBoundingClientRect().top;"
        " return document.getElementById('lesson').getBoundingClientRect().top - top; })()"
    )
    covered = (  # the card that is above the bar at the top cannot be below it
        "(() => { const found = document.querySelector('.pointed'), bar = document.getElementById('chooser');"
        " const top = found.id === 'explore' ? 0 : bar.getBoundingClientRect().bottom;"
        " const box = found.getBoundingClientRect();"
        " const end = document.getElementById('lesson').getBoundingClientRect().top;"
        " return found.querySelector('#arcs') && box.height > end - top ? 0 : top - box.top; })()"  # its end is shown
    )
    in_view = (
        "(selector) => { const box = document.querySelector(selector).getBoundingClientRect(); return"
        " box.top >= document.getElementById('chooser').getBoundingClientRect().bottom"
        " && box.bottom <= document.getElementById('lesson').getBoundingClientRect().top; }"
    )
    needed = {  # what a step asks for, and what it changes
        "Up through the blocks": ["#drawing > :last-child"],
        "What the heads look at": ["#arcs .asking"],
        "The output: a probability for each token": ["#temperature", "#next li"],
        "One token at a time": ["#step-on", "#cache .new"],
    }
    steps, titles = int(shown.text("#lesson-count").split()[-1]), []
    for number in range(1, steps + 1):
        assert shown.text("#lesson-count") == f"Step {number} of {steps}"
        assert tab.value("document.querySelectorAll('.pointed').length") == 1
        assert tab.value(covered) <= 0, shown.text("#lesson-title")
        assert tab.value(room) > 120, shown.text("#lesson-title")
        for selector in needed.get(shown.text("#lesson-title"), []):
            assert tab.value(f"({in_view})({selector!r})"), selector
        assert tab.value("document.getElementById('lesson-count').offsetHeight") < 30, "one line"
        words = shown.text("#lesson-text")
        assert len(words) > 100
        assert not any(odd in words for odd in ("NaN", "undefined", "null", "Infinity"))
        assert tab.value("document.documentElement.scrollWidth") <= wide
        titles.append(shown.text("#lesson-title"))
        shown.click("#lesson-on")
    assert ("The label" in titles) == (kind == "labelled")
    assert len({*titles}) == steps
    assert not tab.value("document.getElementById('lesson').offsetParent")
    assert tab.value("document.querySelectorAll('.pointed').length") == 0
    shown.click("#lesson-start")
    shown.click("#lesson-on")
    shown.click("#lesson-back")
    assert shown.text("#lesson-title") == titles[0]
    assert tab.value("document.getElementById('lesson-back').disabled")
    shown.click("#lesson-close")
    assert not tab.value("document.getElementById('lesson').offsetParent")


def test_the_lesson_explains_the_same_token_of_a_new_input(page: Pages, run_of: Runs) -> None:
    """What is typed during the lesson is explained as if it had been started afterwards; Escape closes it."""
    shown = page(run_of("translate"))
    shown.type("I am")
    shown.click("#lesson-start")
    for step in range(11):
        shown.type(f"I am a student {step} .")
        shown.computed()
        token, words = shown.text("#picked"), shown.text("#lesson-text")
        shown.tab.press("Escape", 27)
        assert not shown.tab.value("document.getElementById('lesson').offsetParent")
        shown.click("#lesson-start")
        for _ in range(step):
            shown.click("#lesson-on")
        assert (shown.text("#picked"), shown.text("#lesson-text")) == (token, words)
        shown.click("#lesson-on")
