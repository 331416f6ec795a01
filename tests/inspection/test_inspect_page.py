"""The page: what is in the file, and what a browser makes of it."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import gpt2kit
from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import sampling
from gpt2kit.inspection.neurons import pushed_by
from gpt2kit.inspection.page import FOLDER, SCRIPTS, page_of, write_page
from gpt2kit.inspection.performance import piece_view
from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.subject import Subject, subject_of
from gpt2kit.inspection.trace import Trace, trace_of
from gpt2kit.inspection.view import view_of
from gpt2kit.model.attention_kinds import KINDS

if TYPE_CHECKING:
    from tests.conftest import Browser

Make = Callable[..., Subject]
TASKS = pytest.mark.parametrize("task", ["translate", "summarize", "lm", "finetune", "music"])
ONLY = "document.getElementById"


class Reader(HTMLParser):
    """Scripts, addresses that would be fetched, and the data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts, self.addresses, self._within = 0, list[str](), ""
        self.data: dict[str, Any] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.scripts += tag == "script"
        found = [str(values[name]) for name in ("src", "href", "srcset", "data", "action") if name in values]
        self.addresses += [address for address in found if not address.startswith("#")]
        self._within = values.get("id") or ""
        assert tag not in ("img", "link", "iframe", "object", "embed", "base", "form")

    def handle_data(self, data: str) -> None:
        if self._within == "data":
            self.data = json.loads(data)
            self._within = ""


def paged(path: Path, made: Subject) -> Trace:
    found = trace_of(made)
    piece = piece_view(made) if made.task == "music" else None
    write_page(path, view_of(found), f"{made.name} <b>", piece)
    return found


@TASKS
def test_a_page_asks_for_nothing(subject: Make, task: str, tmp_path: Path) -> None:
    paged(tmp_path / "a.html", subject(task))
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    page = Reader(text)
    assert page.addresses == []
    assert page.scripts == (5 if task == "music" else 4)
    assert "default-src 'none'; form-action 'none'; base-uri 'none'" in text
    assert "connect-src" not in text
    assert "<title>runs/" + task + " &lt;b&gt;</title>" in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|url\(|@import|fetch\(|XMLHttp|WebSocket|import\(", text)
    assert not re.search(r"\{\{\w+\}\}", text)


def test_text_never_ends_its_script(subject: Make, tmp_path: Path) -> None:
    made = subject("lm", source="</script><script>alert(1)</script>{{title}}<!--", steps=0)
    paged(tmp_path / "a.html", made)
    page = Reader((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert page.scripts == 4
    assert page.data["tokens"] == made.ids


def test_a_long_input_makes_a_page_of_a_few_megabytes(run_of: Callable[..., Path], tmp_path: Path) -> None:
    shape = ("n_positions=1024", "n_layer=6", "n_head=8", "n_embd=64")
    opened = gpt2kit.load(run_of("lm", *(f"model.{setting}" for setting in shape)))
    long = opened.task.parse("The robot must obey the orders that it is given. " * 200)
    made = subject_of(opened, "runs/lm", "lm", long, 0, None)
    assert len(made.ids) == 1024
    write_page(tmp_path / "page.html", view_of(trace_of(made)), "a long text", None)
    assert 1e5 < (tmp_path / "page.html").stat().st_size < 10e6


def test_the_same_input_gives_the_same_page(subject: Make) -> None:
    first, second = (page_of(view_of(trace_of(subject("translate"))), "x") for _ in range(2))
    assert first == second


def test_the_parts_ship_with_the_package() -> None:
    names = [*(f"{name}.js" for name in (*SCRIPTS, "server", "live")), "page.html", "page.css", "live.html"]
    assert all((files("gpt2kit") / FOLDER / name).is_file() for name in names)


# ---- in a browser ----


def text(tab: "Browser", element: str) -> str:
    return tab.value(f"{ONLY}('{element}').innerText")


def count(tab: "Browser", selector: str) -> int:
    return tab.value(f"document.querySelectorAll({json.dumps(selector)}).length")


def change(tab: "Browser", element: str, value: object, event: str = "change") -> None:
    found = f"const found = {ONLY}('{element}'); found.value = {json.dumps(value)};"
    tab.value(f"(() => {{ {found} found.dispatchEvent(new Event('{event}')); }})()")


@pytest.mark.parametrize(
    ("task", "wide", "dark"),
    [
        ("translate", 1600, False),
        ("summarize", 400, True),
        ("lm", 400, False),
        ("finetune", 1600, True),
        ("music", 1200, False),
    ],
)
def test_all_of_it_is_shown_and_fits(
    tab: "Browser", subject: Make, task: str, wide: int, dark: bool, tmp_path: Path
) -> None:
    paged(tmp_path / "a.html", subject(task))
    tab.open(tmp_path / "a.html", wide, 900, dark=dark, mobile=wide < 500)
    assert text(tab, "name") == task, "not the path of its folder"
    assert tab.value("document.documentElement.scrollWidth") <= wide
    sections = tab.value("[...document.querySelectorAll('main > section')].map((each) => each.innerText.length)")
    assert len(sections) == 7
    assert min(sections) > 150
    assert tab.value("[...document.querySelectorAll('figure')].every((each) => each.querySelector('figcaption'))")


def test_it_shows_the_model_s_numbers(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    found = paged(tmp_path / "a.html", subject("translate"))
    made = found.subject
    tab.open(tmp_path / "a.html")
    assert text(tab, "total") == f"{made.engine.model.parameter_count():,}"
    assert count(tab, "#tokens button") == len(made.ids)
    assert count(tab, "#lens tr") == 2 + len(found.ranks)
    place = made.prompt
    tab.value(f"inspection.choose({{ token: {place}, layer: 0, head: 1 }})")
    row = found.looked[0].close.weights[1, place]
    shown = tab.value(
        "[...document.querySelectorAll('#tables figure:last-child tr.here td')].map((each) => Number(each.innerText))"
    )
    first = max(0, min(place - 4, len(made.ids) - 7))
    near = row[first : first + 7]
    np.testing.assert_allclose(shown[-len(near) :], near, atol=0.006)
    assert sum(shown) == pytest.approx(1, abs=0.05)
    summed = tab.value("document.querySelector('#gather tr.sum td.figure').innerText")
    assert float(summed) == pytest.approx(1, abs=0.006)
    titles = tab.value("[...document.querySelectorAll('#lens td.here')].map((each) => each.title)")
    for stage, title in enumerate(reversed(titles)):
        assert f"has rank {found.ranks[stage, place]:,}" in title


@pytest.mark.parametrize(
    ("tied", "words"),
    [("true", ["the head reuses the token vectors", "last norm\n"]), ("false", ["own", "last norm and head\n"])],
)
def test_the_drawing_says_what_the_head_is(
    tab: "Browser", run_of: Callable[..., Path], tmp_path: Path, tied: str, words: list[str]
) -> None:
    opened = gpt2kit.load(run_of("lm", f"model.tie_word_embeddings={tied}"))
    paged(tmp_path / "a.html", subject_of(opened, "runs/lm", "lm", opened.task.parse("The robot"), 0, None))
    tab.open(tmp_path / "a.html")
    assert all(each in text(tab, "drawing") for each in words)


def test_layer_head_and_token_are_chosen_by_mouse_and_keyboard(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    made = paged(tmp_path / "a.html", subject("lm")).subject
    tab.open(tmp_path / "a.html")
    change(tab, "pick-head", 1)
    assert tab.value("inspection.state.head") == 1
    assert count(tab, "#glance [aria-pressed=true]") == 1
    tab.value("document.querySelector('#tokens [data-token=\"2\"]').click()")
    assert tab.value("inspection.state.token") == 2
    assert "3 of" in text(tab, "picked")
    for key, name, expected in (
        (".", "token", 3),
        (",", "token", 2),
        ("{", "head", 0),
        ("}", "head", 1),
        ("]", "layer", 0),
    ):
        tab.press(key)
        assert tab.value(f"inspection.state.{name}") == expected
    tab.value("document.querySelector('#all-heads').click()")
    tab.value(f"inspection.choose({{ token: {len(made.ids) - 1} }})")
    assert tab.value("Number(document.querySelector('#arcs').dataset.arcs)") > 0
    tab.value("document.querySelector('#glance .thumb').click()")
    assert tab.value("[inspection.state.layer, inspection.state.head, inspection.state.allHeads]") == [0, 0, False]


def test_position_vectors_of_0_are_said_to_add_nothing(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    view, caption = view_of(trace_of(subject("lm"))), "document.getElementById('positions-caption').textContent"
    write_page(tmp_path / "a.html", view, "x")
    tab.open(tmp_path / "a.html")
    assert tab.value(caption).startswith("The position vectors: a row for each of the")
    view["model"]["positions"] |= {"low": 0.0, "high": 0.0}
    write_page(tmp_path / "a.html", view, "x")
    tab.open(tmp_path / "a.html")
    assert tab.value(caption).startswith("The position vectors are all 0 and add nothing")
    assert not tab.value("document.getElementById('positions').offsetParent"), "there is nothing to see"


def test_the_chosen_head_is_large(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    """With the tokens' texts, each field's weight, and the row of the chosen token marked."""
    found = paged(tmp_path / "a.html", subject("lm"))
    tab.open(tmp_path / "a.html")
    tab.value('document.querySelector(\'#glance [data-layer="0"][data-head="1"]\').click()')
    places = len(found.ids)
    assert count(tab, "#large tr") == places + 1
    assert "head 2" in text(tab, "large-caption")
    titles = tab.value("[...document.querySelectorAll('#large td[title]')].map((each) => each.title)")
    assert len(titles) == places * (places + 1) // 2, "later tokens are masked"
    row = found.looked[0].row(places - 1, [1])
    share = float(titles[-places:][int(row.argmax())].split(": ")[-1].removesuffix("%"))
    assert share / 100 == pytest.approx(row.max(), abs=0.006)
    tab.value("document.querySelectorAll('#large tr')[3].querySelector('td[title]').click()")
    assert tab.value("inspection.state.token") == 2
    assert tab.value("document.querySelectorAll('#large tr')[3].className") == "here"
    assert tab.value("document.querySelector('#large').offsetWidth > document.querySelector('.thumb').offsetWidth")


def test_a_large_head_of_many_tokens_is_a_picture(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    paged(tmp_path / "a.html", subject("lm", source="The robot must obey the orders. " * 4, steps=0))
    tab.open(tmp_path / "a.html")
    assert count(tab, "#tokens button") > 32
    assert count(tab, "#large canvas") == 1
    tab.value(
        "(() => { const canvas = document.querySelector('#large canvas'), box = canvas.getBoundingClientRect();"
        " const at = { clientX: box.left + 1, clientY: box.top + 1 };"
        " canvas.onpointermove(at); canvas.onclick(at); })()"
    )
    assert tab.value("inspection.state.token") == 0
    assert count(tab, "#large canvas") == 1


def test_heads_are_named_by_what_they_do(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    view = view_of(trace_of(subject("lm")))
    view["roles"] = [[["induction", 0.874], None] for _ in view["roles"]]
    write_page(tmp_path / "a.html", view, "x")
    tab.open(tmp_path / "a.html")
    names = tab.value("[...document.querySelectorAll('#glance .thumb')].map((each) => each.innerText)")
    assert names == ["induction\n87%", ""] * len(view["roles"])
    told = "87% of its attention is on what followed the same token before"
    assert told in tab.value("document.querySelector('#glance .thumb').title")
    assert f"On this input {told}." in text(tab, "large-caption")
    change(tab, "pick-head", 1)
    assert "On this input" not in text(tab, "large-caption")


def test_the_parts_of_a_logit_are_listed_and_add_up(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    found = paged(tmp_path / "a.html", subject("lm"))
    tab.open(tmp_path / "a.html")
    total = "Number(document.querySelector('#parts [data-total]').dataset.total)"
    came = found.subject.followers[found.steps[0]]
    other = next(id for id in found.attribution.ids[0].tolist() if id not in (came, -1))
    assert tab.value(f"Number({ONLY}('explained').value)") == came
    assert tab.value(total) == pytest.approx(found.logits[0, came], abs=1e-4)
    assert "what it adds to that of" not in text(tab, "parts-caption")
    change(tab, "against", other)
    assert tab.value(total) == pytest.approx(found.logits[0, came] - found.logits[0, other], abs=1e-4)
    assert "what it adds to that of" in text(tab, "parts-caption")
    change(tab, "explained", other)
    assert tab.value(total) == pytest.approx(found.logits[0, other], abs=1e-4), "a token is not compared with itself"
    config = found.subject.engine.model.config
    assert count(tab, "#parts td[title]") == config.n_layer * (config.n_head + 1)
    shown = tab.value("[...document.querySelectorAll('#parts li')].map((each) => each.innerText)")
    assert any(line.startswith("the position vector") for line in shown)
    chosen = "document.querySelector('#parts .link')"
    name = tab.value(f"{chosen}.innerText")
    tab.value(f"(() => {{ {chosen}.focus(); {chosen}.click(); }})()")
    assert tab.value(f"document.activeElement === {chosen}")
    assert tab.value("`layer ${inspection.state.layer + 1}, head ${inspection.state.head + 1}`") == name


def test_the_neurons_of_a_layer_and_what_they_push(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    found = paged(tmp_path / "a.html", subject("lm"))
    tab.open(tmp_path / "a.html")
    model = found.subject.engine.model
    tokens = pushed_by(model, found.neurons)
    for layer in range(model.config.n_layer):
        tab.value(f"inspection.choose({{ token: {found.steps[1]}, layer: {layer} }})")
        lines = tab.value("[...document.querySelectorAll('#neurons li')].map((each) => each.innerText)")
        numbers, strength = found.neurons.numbers[layer, 1], found.neurons.activations[layer, 1]
        assert len(lines) == 5
        for line, number, activation in zip(lines, numbers.tolist(), strength, strict=True):
            assert line.startswith(f"neuron {number + 1}")
            assert f"{activation:.2f}" in line
            up, down = ([piece_of(found.subject.engine.task, id).shown for id in ids] for ids in tokens[layer, number])
            above, below = line.split("▲ ")[1].split("▼ ")
            assert above.split() == [each for name in up for each in name.split()]
            assert below.split() == [each for name in down for each in name.split()]
    tab.value("inspection.choose({ token: 0 })")
    assert count(tab, "#neurons li") == 0
    assert "choose one of them" in text(tab, "neurons-caption")


def test_events_that_neurons_push_are_apart(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    found = paged(tmp_path / "a.html", subject("music"))
    tab.open(tmp_path / "a.html")
    task = found.subject.engine.task
    up, _ = pushed_by(found.subject.engine.model, found.neurons)[0, int(found.neurons.numbers[0, 0, 0])]
    shown = tab.value("document.querySelector('#neurons .pushed').innerText")
    assert shown == "▲ " + ", ".join(piece_of(task, id).shown for id in up)


def test_music_has_captions_of_its_own(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    paged(tmp_path / "a.html", subject("music"))
    tab.open(tmp_path / "a.html")
    told = tab.value("document.querySelector('main').innerText")
    assert "events with their ids" in told
    assert not re.findall(r"\w*(?:is a space|letter|character|\bword|\btoken (?!of this model))\w*", told)
    assert re.findall(r".*tokens.*", told) == [tab.value("document.getElementById('input-lead').textContent")]


def test_it_says_which_way_a_matrix_lies(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    """The shape of the file, which has inputs as rows."""
    made = paged(tmp_path / "a.html", subject("lm")).subject
    tab.open(tmp_path / "a.html")
    width = made.engine.model.config.n_embd
    shown = tab.value("[...document.querySelectorAll('#weights tr')].map((each) => each.innerText.split('\\t'))")
    assert next(row for row in shown if row[0] == "attn.c_attn.weight")[1] == f"{width} × {3 * width}"
    assert "a row for each input and a column for each output" in text(tab, "model")


def test_what_is_redrawn_keeps_the_focus(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    paged(tmp_path / "a.html", subject("lm"))
    tab.open(tmp_path / "a.html")
    for place, stage in ((2, 1), (0, 0)):
        cell = f'document.querySelector(\'#lens [data-stage="{stage}"][data-token="{place}"]\')'
        tab.value(f"(() => {{ {cell}.focus(); {cell}.click(); }})()")
        assert tab.value(f"document.activeElement === {cell}")
        assert tab.value("[inspection.state.token, inspection.state.stage]") == [place, stage]


def test_numbers_that_are_written_out_are_the_model_s(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    """In the sentence and the table, for each token and head, to the digits shown."""
    found = paged(tmp_path / "a.html", subject("translate"))
    tab.open(tmp_path / "a.html")
    column = (
        "(number) => [...document.querySelectorAll(`#gather tr:not(.here, .sum) td:nth-child(${number})`)]"
        ".map((each) => Number(each.innerText.replace('−', '-')))"
    )
    for layer, looked in enumerate(found.looked):
        for head, (columns, weights) in enumerate(zip(looked.columns, looked.weights, strict=True)):
            for place in range(len(found.ids)):
                tab.value(f"inspection.choose({{ token: {place}, layer: {layer}, head: {head}, allHeads: false }})")
                scores, shares = tab.value(f"[3, 4].map({column})")
                own = weights[place][columns[place] >= 0][:12]
                np.testing.assert_allclose(shares, own, rtol=0, atol=0.00052)
                known = looked.close.scores[head, place]
                np.testing.assert_allclose(np.sort(scores), np.sort(known[columns[place][: len(own)]]), 0, 0.0052)
                for part, share in zip(re.findall(r"\((.*?)%\)", text(tab, "looked")), own, strict=False):
                    half = 0.0005 if "." in part else 0.005
                    assert float(part) / 100 == pytest.approx(share, abs=half + 0.00002)


def test_it_says_what_was_looked_at_when_it_was_settled_and_what_else(
    tab: "Browser", subject: Make, tmp_path: Path
) -> None:
    found = paged(tmp_path / "a.html", subject("translate"))
    tab.open(tmp_path / "a.html")
    place = found.subject.prompt - 1
    best = int(found.looked[0].columns[0, place, 0])
    piece = piece_of(found.subject.engine.task, found.ids[best]).shown
    assert f"looked at {piece} (" in text(tab, "looked").replace("\n", "")
    settled = int(found.settled[place])
    assert (
        "from the input on"
        if settled == 0
        else "last layer only"
        if settled == len(found.ranks) - 1
        else f"in layer {settled}"
    ) in text(tab, "mind")
    assert count(tab, "#path li") == len(found.steps)
    assert count(tab, "#path li:first-child .others > span") == 4


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, 0, 1.0), (0.5, 7, 1.0), (1.7, 40, 0.9), (1.0, 0, 0.35), (2.0, 200, 0.99), (0.3, 1, 0.01)],
)
def test_sliders_do_what_generate_does(
    tab: "Browser", subject: Make, tmp_path: Path, temperature: float, top_k: int, top_p: float
) -> None:
    found = paged(tmp_path / "a.html", subject("lm"))
    tab.open(tmp_path / "a.html")
    config = GenerateConfig(temperature=temperature, top_k=top_k, top_p=top_p)
    for step in range(3):
        expected = sampling.probabilities(torch.from_numpy(found.logits[step : step + 1]), config)[0].numpy()
        ids, chances, in_play = tab.value(
            f"(() => {{ const found = inspection.distribution({step});"
            f" const {{ chances, inPlay }} = inspection.sampled(found, {temperature}, {top_k}, {top_p});"
            " return [[...found.ids], [...chances], inPlay]; })()"
        )
        assert in_play == int((expected > 0).sum())
        np.testing.assert_allclose(chances, expected[ids], rtol=1e-4, atol=1e-9)


def test_ties_of_the_kth_stay_and_a_long_tail_is_counted(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    paged(tmp_path / "a.html", subject("lm"))
    tab.open(tmp_path / "a.html")
    tied = tab.value("inspection.sampled({ logits: [0, -1, -1, -1, -2], counts: [], means: [] }, 1, 2, 1)")
    assert tied["inPlay"] == 4
    tail = "{ logits: [0, -1], counts: [10, 5], means: [-2, -9] }"
    assert tab.value(f"inspection.sampled({tail}, 1, 0, 1)")["inPlay"] == 17
    everything = 1 + np.exp(-1) + 10 * np.exp(-2) + 5 * np.exp(-9)
    assert tab.value(f"inspection.sampled({tail}, 1, 0, 1)")["chances"]["0"] == pytest.approx(1 / everything)
    assert tab.value(f"inspection.sampled({tail}, 1, 0, 0.99)")["inPlay"] == 12
    assert tab.value(f"inspection.sampled({tail}, 0, 0, 1)")["inPlay"] == 1


def test_a_slider_is_moved(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    paged(tmp_path / "a.html", subject("lm"))
    tab.open(tmp_path / "a.html")
    assert int(tab.value(f"{ONLY}('next').dataset.play")) == 300
    change(tab, "temperature", "0.5", "input")
    change(tab, "top-p", "0.5", "input")
    assert int(tab.value(f"{ONLY}('next').dataset.play")) < 300
    change(tab, "top-p", "1", "input")
    change(tab, "top-k", "3", "input")
    assert tab.value(f"{ONLY}('next').dataset.play") == "3"
    assert count(tab, "#next li:not(.out)") == 3
    tab.value(f"{ONLY}('as-run').click()")
    assert tab.value(f"{ONLY}('next').dataset.play") == "1"  # it is greedy


def test_steps_compute_a_column_and_read_the_rest(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    made = paged(tmp_path / "a.html", subject("lm")).subject
    tab.open(tmp_path / "a.html")
    layers = made.engine.model.config.n_layer
    assert count(tab, "#cache td.new") == layers * made.prompt
    for step in range(1, len(made.ids) - made.prompt + 1):
        tab.value(f"{ONLY}('step-on').click()")
        assert tab.value(f"{ONLY}('cache').dataset.step") == str(step)
        assert count(tab, "#cache td.new") == layers
        assert count(tab, "#cache td.cached") == layers * (made.prompt - 1 + step)
    assert tab.value(f"{ONLY}('step-on').disabled")
    tab.value(f"{ONLY}('step-back').click()")
    assert "; the next token is" in text(tab, "step-text")


@pytest.mark.parametrize("attention", ["local", "relative-local", "compressed"])
def test_a_step_reads_what_its_layer_sees(
    tab: "Browser", run_of: Callable[..., Path], tmp_path: Path, attention: str
) -> None:
    shape = (f"model.attention={attention}", "model.block=2", "model.compression=2")
    opened = gpt2kit.load(run_of("lm", *shape))
    made = subject_of(opened, "runs/lm", "lm", opened.task.parse("The robot must"), 6, None)
    found = paged(tmp_path / "a.html", made)
    tab.open(tmp_path / "a.html")
    assert text(tab, "kind") == KINDS[attention].summary.format(block=2, compression=2)
    for step in range(1, len(made.ids) - made.prompt + 1):
        tab.value(f"{ONLY}('step-on').click()")
        last = made.prompt - 1 + step
        read = [np.flatnonzero(looked.row(last)[:last]) for looked in found.looked]
        assert count(tab, "#cache td.cached") == sum(map(len, read))
        assert count(tab, "#cache td.unread") == sum(last - len(each) for each in read)
        keys = sum(int((looked.spans[:, 1] <= last).sum()) for looked in found.looked)
        assert f"holds {keys} keys and {keys} values" in text(tab, "step-count")


def test_a_translation_is_aligned(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    paged(tmp_path / "a.html", subject("translate", steps=None, target="je suis étudiant"))
    tab.open(tmp_path / "a.html")
    assert tab.value(
        "[...document.querySelectorAll('.align .flow')].map((each) => each.innerText.replace(/\\s+/g, ' '))"
    ) == ["I am a <student>", "je suis étudiant"]
    assert count(tab, ".align path") > 0
    assert count(tab, "#task-body table.matrix td[title]") == 12
    tab.value("document.querySelectorAll('.align .made')[1].click()")
    assert tab.value("document.querySelector('.align [aria-pressed=true]').innerText") == "suis"


def test_a_summary_shows_its_sources_and_a_label_its_text(
    tab: "Browser", subject: Make, labelled: Make, tmp_path: Path
) -> None:
    paged(tmp_path / "a.html", subject("summarize", steps=None, target="A dog sleeps."))
    tab.open(tmp_path / "a.html")
    assert "</script>" in tab.value("document.querySelector('#task-body figure:last-child').innerText")
    assert count(tab, "#task-body .made") == 3
    made = labelled("label", "It was good.")
    paged(tmp_path / "b.html", made)
    tab.open(tmp_path / "b.html")
    assert count(tab, "#task-body .labels li") == 2
    assert "good." in tab.value("document.querySelector('#task-body .reading').innerText")
    explained = trace_of(made).labels
    assert explained is not None
    total = "Number(document.querySelector('#label-parts [data-total]').dataset.total)"
    for label, logit in zip(made.engine.model.labels, explained.logits[0], strict=True):
        change(tab, "label-explained", label)
        other = explained.logits[0].sum() - logit
        assert tab.value(total) == pytest.approx(logit - other, abs=1e-4), "of two labels the other is the mean"


def test_the_likeliest_label_is_first_also_of_numbers(tab: "Browser", labelled: Make, tmp_path: Path) -> None:
    view = view_of(trace_of(labelled("label", "It was good.")))
    view["labels"], view["labelled"]["names"] = {"7": 0.6, "0": 0.4}, ["0", "7"]
    write_page(tmp_path / "a.html", view, "x")
    tab.open(tmp_path / "a.html")
    names = tab.value("[...document.querySelectorAll('#task-body .labels .tok')].map((each) => each.innerText)")
    assert names == ["7", "0"]
    assert tab.value(f"{ONLY}('label-explained').value") == "7"


def test_a_task_that_the_page_does_not_know_shows_its_sources(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    view = view_of(trace_of(subject("translate", steps=None, target="je suis")))
    view["model"]["task"] = "reverse"
    write_page(tmp_path / "a.html", view, "a task of a user")
    tab.open(tmp_path / "a.html")
    assert text(tab, "task-title") == "Where the answer comes from"
    assert text(tab, "task-name") == "Sources"
    assert count(tab, "#task-body .made") == 2


def test_a_note_is_heard_and_its_lines_are_drawn(tab: "Browser", subject: Make, tmp_path: Path) -> None:
    paged(tmp_path / "a.html", subject("music", steps=0))
    tab.open(tmp_path / "a.html")
    tab.value(
        "(() => { window.struck = 0; const node = AudioBufferSourceNode.prototype, { start } = node;"
        " node.start = function (when) { window.struck++; return start.call(this, when); }; })()"
    )
    tab.value(f"{ONLY}('roll').focus()")
    for place in range(4):
        tab.press(".")
        assert tab.value("window.struck") == place + 1
    assert tab.value(f"{ONLY}('roll').dataset.chosen") == "3"
    assert tab.value(f"Number({ONLY}('roll').dataset.arcs)") > 0
    assert tab.value("inspection.state.token") != 3  # keys of the roll are the roll's
