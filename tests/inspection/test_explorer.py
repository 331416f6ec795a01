"""The live page: what it answers, and whom."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from gpt2kit.config import GenerateConfig
from gpt2kit.errors import UserError
from gpt2kit.inspection import composing
from gpt2kit.inspection.continuing import next_of
from gpt2kit.inspection.explorer import LARGEST, Explorer, Server, Side, off_of
from gpt2kit.inspection.neurons import pushed
from gpt2kit.inspection.subject import Subject, followed
from gpt2kit.model.ablation import Off, without
from gpt2kit.music.stream.announcements import spoken
from gpt2kit.music.stream.events import BEGIN, NOTE_OFF, TIME_SHIFT, VELOCITY

if TYPE_CHECKING:
    from tests.conftest import Browser

Make = Callable[..., Subject]
PATIENCE = 180.0
"""Seconds for an answer, on a slow and busy machine."""


def explorer_of(*subjects: Subject, text: str = "The robot") -> Explorer:
    sides = tuple(Side(f"side {number}", made.task, made.engine) for number, made in enumerate(subjects, 1))
    return Explorer(sides, text)


@contextmanager
def serving(explorer: Explorer) -> Iterator[Server]:
    with Server(explorer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def explored(tab: "Browser", explorer: Explorer) -> Iterator[None]:
    """The page of an explorer in a tab, which leaves it before its server ends."""
    with serving(explorer) as server:
        tab.visit(server.address)
        yield
        tab.leave()


def asked(server: Server, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=PATIENCE)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body or None, named)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_the_likeliest_next_tokens_are_the_model_s(subject: Make) -> None:
    made = subject("lm")
    told = explorer_of(made).look({"text": "The robot", "answer": [40]})
    chances = next_of(followed(made.engine, "x", "lm", "The robot", [40]))
    (side,) = told["sides"]
    assert [id for id, _, _ in side["next"]] == chances.topk(10).indices.tolist()
    assert [share for _, _, share in side["next"]] == pytest.approx(chances.topk(10).values.tolist())
    assert side["plain"] is None
    assert told["view"]["tokens"][-1] == 40


def test_what_is_off_is_off_for_this_question_only(subject: Make) -> None:
    made = subject("lm")
    explorer = explorer_of(made)
    before = explorer.look({"text": "The"})["sides"][0]["next"]
    off = {"heads": [[0, 0]], "attentions": [], "mlps": [0]}
    (side,) = explorer.look({"text": "The", "off": off})["sides"]
    given = followed(made.engine, "x", "lm", "The", [])
    with without(made.engine.model, Off(heads=frozenset({(0, 0)}), mlps=frozenset({0}))):
        expected = next_of(given)
    assert [share for _, _, share in side["next"]] == pytest.approx(expected.topk(10).values.tolist())
    plain = next_of(given)
    assert side["plain"] == [[id, pytest.approx(float(plain[id]))] for id, _, _ in side["next"]]
    assert explorer.look({"text": "The"})["sides"][0]["next"] == before


def test_two_models_are_asked_the_same(subject: Make) -> None:
    """Whose vocabularies differ."""
    first, second = subject("lm"), subject("finetune")
    answer = first.engine.task.encode_source(" moves")
    sides = explorer_of(first, second).look({"text": "The", "answer": answer})["sides"]
    own = second.engine.task.encode_source(" moves")
    expected = next_of(followed(second.engine, "x", "lm", "The", own))
    assert [id for id, _, _ in sides[1]["next"]] == expected.topk(10).indices.tolist()


def test_labels_and_performances(subject: Make, labelled: Make) -> None:
    made = labelled("label", "It was good.")
    (side,) = explorer_of(made).look({"text": "It was bad.", "off": {"mlps": [0, 1]}})["sides"]
    assert {name for _, name, _ in side["next"]} == {"good", "bad"}
    music = subject("music")
    told = Explorer((Side("a", "music", music.engine),), "x.mid", music.source).look(
        {"text": "whatever", "answer": [60]}
    )
    assert told["view"]["tokens"][-1] == 60


@pytest.mark.parametrize(
    "question",
    [
        {"text": 3},
        {"text": "a", "answer": "b"},
        {"text": "a", "answer": [10**9]},
        {"text": "a", "answer": [-1]},
        {"text": "a", "off": {"heads": [[9, 9]]}},
        {"text": "a", "off": {"heads": [3]}},
        {"text": "a", "off": []},
    ],
)
def test_questions_that_make_no_sense(subject: Make, question: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        explorer_of(subject("lm")).look(question)


def test_what_neurons_push_is_asked_for(subject: Make) -> None:
    made = subject("lm")
    explorer = explorer_of(made)
    assert explorer.look({"text": "The"})["view"]["neurons"]["pushed"] == {}
    told = explorer.neurons({"layer": 0, "numbers": [5, 0]})
    expected = pushed(made.engine.model, 0, [5, 0])
    assert told["pushed"] == {"0.5": expected[5], "0.0": expected[0]}
    assert {*told["pieces"]} == {id for pair in expected.values() for ids in pair for id in ids}
    for asked in ({"layer": 9, "numbers": []}, {"layer": 0, "numbers": [10**6]}, {"layer": 0, "numbers": 3}, {}):
        with pytest.raises(UserError):
            explorer.neurons(asked)


def test_nothing_is_off_unless_asked() -> None:
    assert off_of({}) == Off()


def test_the_page_is_for_this_machine_and_its_own_questions(subject: Make) -> None:
    explorer = explorer_of(subject("lm"))
    body = json.dumps({"text": "The"}).encode()
    with serving(explorer) as server:
        assert server.server_address[0] == "127.0.0.1"
        code, page = asked(server, "GET", "/")
        assert code == 200
        assert explorer.token in page
        assert "<title>side 1: what comes next?</title>" in page
        assert asked(server, "GET", "/", Host="evil.example")[0] == 403
        assert asked(server, "GET", "/etc/passwd")[0] == 404
        known = {"X_Explorer": explorer.token, "Content_Type": "application/json"}
        assert asked(server, "POST", "/look", body, **known)[0] == 200
        assert asked(server, "POST", "/look", body, **known, Host="evil.example")[0] == 403
        assert asked(server, "POST", "/look", body, **known, Origin="http://evil.example")[0] == 403
        assert asked(server, "POST", "/look", body, **(known | {"X_Explorer": "guess"}))[0] == 403
        assert asked(server, "POST", "/look", body, Content_Type="application/json")[0] == 403
        assert asked(server, "POST", "/look", body, **(known | {"Content_Type": "text/plain"}))[0] == 415
        assert asked(server, "POST", "/other", body, **known)[0] == 404
        neurons = asked(server, "POST", "/neurons", b'{"layer": 0, "numbers": [1]}', **known)
        assert neurons[0] == 200
        assert list(json.loads(neurons[1])["pushed"]) == ["0.1"]
        assert asked(server, "POST", "/look", b"{", **known) == (400, '{"error": "the request is not JSON"}')
        assert asked(server, "POST", "/look", b"[]", **known)[0] == 400
        assert "vocabulary" in asked(server, "POST", "/look", b'{"answer": [-1]}', **known)[1]
        assert asked(server, "POST", "/look", b"", Content_Length=str(LARGEST + 1), **known)[0] == 413


def test_in_a_browser(tab: "Browser", subject: Make) -> None:
    """Type, go on with a word, switch a head off, compare."""
    with explored(tab, explorer_of(subject("lm"), subject("finetune"))):
        tab.until("document.querySelectorAll('#sides ol').length === 2")
        assert tab.value("document.querySelectorAll('#sides ol:first-of-type li').length") >= 10
        tab.until("document.querySelectorAll('#neurons .pushed').length === 10")
        tab.value("document.querySelector('#sides button').click()")
        tab.until("document.querySelectorAll('#so-far .tok').length === 1")
        before = tab.value("document.querySelector('#sides ol').innerText")
        tab.value("document.querySelector('#switches input').click()")
        tab.until("document.querySelector('#sides figcaption').innerText.includes('switched off')")
        assert tab.value("document.querySelector('#sides ol').innerText") != before
        tab.send("Emulation.setDeviceMetricsOverride", width=400, height=900, deviceScaleFactor=1, mobile=True)
        tab.until("document.documentElement.clientWidth === 400")
        assert tab.value("document.documentElement.scrollWidth") == 400, "both probabilities of a token fit"
        tab.value(
            "(() => { const box = document.getElementById('typed'); box.value = 'A';"
            " box.dispatchEvent(new Event('input')); })()"
        )
        tab.until("document.querySelectorAll('#tokens button').length === 1")
        assert tab.value("document.querySelectorAll('#so-far .tok').length") == 0


def test_an_empty_text_has_no_view(subject: Make, labelled: Make) -> None:
    """A language model begins a text of its own."""
    empty: dict[str, Any] = {"view": None, "sides": [], "answer": [], "seed": None}
    for made in (subject("translate"), labelled("label", "It was good.")):
        assert explorer_of(made).look({"text": " \n", "answer": [3]}) == empty
    assert explorer_of(subject("lm")).look({"text": ""})["view"]["tokens"]


def test_an_empty_box_in_a_browser(tab: "Browser", subject: Make) -> None:
    """At first, and after a text; the browser would note an answer with an error."""
    type_in = "(() => { const box = document.getElementById('typed'); box.value = '%s'; box.oninput(); })()"
    hidden = "['stack', 'ten', 'switches'].every((id) => document.getElementById(id).offsetParent === null)"
    with explored(tab, explorer_of(subject("translate"), text="")):
        tab.until("document.getElementById('so-far').innerText.includes('Type something first.')")
        assert tab.value(hidden)
        tab.value(type_in % "A")
        tab.until("document.querySelectorAll('#sides li').length === 10")
        assert not tab.value(hidden)
        tab.value(type_in % " ")
        tab.until("document.getElementById('so-far').innerText.includes('Type something first.')")
        assert tab.value(hidden)
        assert tab.value("document.querySelectorAll('#sides li').length") == 0


def drawn_by_generate(made: Subject, source: Any, config: GenerateConfig) -> list[int]:
    """The answer of `generate` to the same input, end token included."""
    (result,) = made.engine.results([source], config)
    return result.ids[0] + [made.engine.task.vocabulary.eos] * result.finished


@pytest.mark.parametrize("knobs", [{"temperature": 1.3}, {"temperature": 0.8, "top_k": 7, "top_p": 0.9}])
@pytest.mark.parametrize("task", ["lm", "music"])
def test_more_tokens_are_those_that_generate_draws(subject: Make, task: str, knobs: dict[str, Any]) -> None:
    """In one request or in two."""
    made = subject(task, repetition_penalty=1.4) if task == "lm" else subject(task)
    fixed = made.source if task == "music" else None
    explorer = Explorer((Side("a", task, made.engine),), "The robot must", fixed)
    wanted = {"seed": 7, **knobs}
    expected = drawn_by_generate(made, made.source, made.engine.configured({"max_new_tokens": 14, **wanted}))
    first = explorer.look({"text": "The robot must", "more": {"count": 4, **wanted}})
    assert first["seed"] == 7
    assert first["answer"] == expected[:4]
    both = explorer.look({"text": "The robot must", "answer": first["answer"], "more": {"count": 10, **wanted}})
    assert both["answer"] == expected
    assert both["view"]["tokens"][-len(expected) :] == expected


def test_more_tokens_without_temperature_are_the_likeliest(subject: Make) -> None:
    """Whatever top-k and top-p say, which are for sampling."""
    explorer, answer = explorer_of(subject("lm")), list[int]()
    for _ in range(3):
        answer.append(explorer.look({"text": "The", "answer": answer})["sides"][0]["next"][0][0])
    told = explorer.look({"text": "The", "more": {"count": 3, "temperature": 0, "top_k": 5, "top_p": 0.5}})
    assert told["answer"] == answer
    assert told["seed"] is None


def test_more_tokens_are_drawn_without_the_parts_that_are_off(subject: Make) -> None:
    made = subject("lm")
    off = {"heads": [], "attentions": [0], "mlps": [0]}
    told = explorer_of(made).look({"text": "The", "off": off, "more": {"count": 2, "temperature": 0}})
    given = followed(made.engine, "x", "lm", "The", [])
    with without(made.engine.model, off_of(off)):
        assert told["answer"][0] == int(next_of(given).argmax())
    assert told["answer"][0] != int(next_of(given).argmax())


def test_a_seed_is_drawn_and_told(subject: Make) -> None:
    explorer = explorer_of(subject("lm"))
    told = explorer.look({"text": "The", "more": {"count": 5, "temperature": 1.0}})
    again = explorer.look({"text": "The", "more": {"count": 5, "temperature": 1.0, "seed": told["seed"]}})
    assert again["answer"] == told["answer"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (3, "more: expected a count"),
        ({"count": 0}, "count = 0; expected 1 to 100"),
        ({"count": 101}, "count = 101"),
        ({"count": 1, "beams": 3}, "more: beams: expected count"),
        ({"count": 1, "temperature": -1}, "temperature = -1"),
        ({"count": 1, "temperature": "hot"}, "temperature"),
        ({"count": 1, "temperature": 1.0, "seed": -2}, "seed = -2"),
    ],
)
def test_more_that_cannot_be(subject: Make, more: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        explorer_of(subject("lm")).look({"text": "The", "more": more})


def test_a_label_is_not_continued(labelled: Make) -> None:
    with pytest.raises(UserError, match="a classifier predicts a label"):
        explorer_of(labelled("label", "It was good.")).look({"text": "It was bad.", "more": {"count": 1}})


def composer(made: Subject) -> Explorer:
    return Explorer((Side("a", "music", made.engine),), "x.mid", made.source)


def test_next_events_have_names_and_times_and_can_follow(subject: Make) -> None:
    """The piece ends at 2.0 s with all keys up."""
    music = subject("music")
    (side,) = composer(music).look({"text": ""})["sides"]
    for id, name, _ in side["next"]:
        assert not NOTE_OFF <= id < TIME_SHIFT, "no key is down"
        assert id != BEGIN
        expected = f"{spoken(id)} at 2.00 s" if id < NOTE_OFF else spoken(id)
        assert name == (f"wait {expected}" if TIME_SHIFT <= id < VELOCITY else expected)
    free = subject("music", grammar=False)
    (side,) = composer(free).look({"text": ""})["sides"]
    chances = next_of(followed(free.engine, "x", "music", free.source, []))
    assert sum(chances[NOTE_OFF:TIME_SHIFT]) > 0
    assert [id for id, _, _ in side["next"]] == chances.topk(10).indices.tolist()


def test_the_roll_has_the_chosen_events(subject: Make) -> None:
    answer = [VELOCITY + 17, 61, TIME_SHIFT + 119 - 100, 64, TIME_SHIFT + 9, NOTE_OFF + 61]
    explorer = composer(subject("music"))
    told = explorer.look({"text": "", "answer": answer})
    assert told["chosen"] == [
        "velocity 70",
        "C♯4 on at 2.00 s",
        "wait 200 ms",
        "E4 on at 2.20 s",
        "wait 100 ms",
        "C♯4 off at 2.30 s",
    ]
    piece = told["piece"]
    assert (piece["primer"], piece["now"], piece["struck"]) == (2.0, 2.3, -1)
    assert piece["pitch"][-2:] == [61, 64]
    assert piece["velocity"][-2:] == [70, 70]
    assert piece["start"][-2:] == [2000, 2200]
    assert piece["end"][-2:] == [2300, 2800], "a note that is held is drawn half a second beyond the next event"
    struck = explorer.look({"text": "", "answer": answer[:2]})["piece"]
    assert (struck["pitch"][struck["struck"]], struck["now"]) == (61, 2.0)


def test_only_the_end_of_a_long_piece_is_in_the_roll(subject: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "MOST_NOTES", 2)
    told = composer(subject("music")).look({"text": ""})
    assert told["piece"]["pitch"] == [67, 72]
    assert told["piece"]["primer"] == 1.0
    assert told["view"]["remarks"][-1].startswith("the piece has 4 notes: the roll shows the last 2")


def test_a_long_answer_is_drawn_on_with_the_keys_that_are_down(subject: Make) -> None:
    """The note struck before the window of 64 events is still known."""
    music = subject("music")
    window = music.engine.model.config.n_positions
    answer = [VELOCITY + 17, 61, *[TIME_SHIFT] * window]
    found = followed(music.engine, "x", "music", music.source, answer)
    assert list(found.earlier) == answer[: -(window // 2)]
    assert next_of(found)[NOTE_OFF + 61] > 0
    assert next_of(found)[NOTE_OFF + 62] == 0


STRUCK = (
    "(() => { window.struck = 0; const node = AudioBufferSourceNode.prototype, { start } = node;"
    " node.start = function (when) { window.struck++; return start.call(this, when); }; })()"
)


def middle_of(tab: "Browser", selector: str) -> tuple[float, float]:
    """Where an element is, once it is in view."""
    x, y = tab.value(
        f"(() => {{ const found = document.querySelector('{selector}'); found.scrollIntoView({{ block: 'center' }});"
        " const box = found.getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]; })()"
    )
    return x, y


def test_a_performance_in_a_browser(tab: "Browser", subject: Make) -> None:
    """Choose an event, which sounds; take it back; draw ten, which play."""
    tab.send("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    with explored(tab, composer(subject("music"))):
        tab.until("document.querySelectorAll('#sides li').length === 10")
        assert tab.value("document.getElementById('typed').offsetParent === null"), "there is nothing to type"
        assert tab.value("document.getElementById('roll').clientHeight") > 200
        assert tab.value("document.getElementById('overview').getAttribute('aria-valuenow')") == "2.0"
        tab.value(STRUCK)
        names = tab.value("[...document.querySelectorAll('#sides button')].map((each) => each.innerText)")
        note = next(place for place, name in enumerate(names, 1) if " on at " in name)
        tab.click(*middle_of(tab, f"#sides li:nth-child({note}) button"))  # without a user's click a page is silent
        tab.until("window.struck === 1")
        tab.until("roll.piano.audible()")
        (name,) = tab.value("[...document.querySelectorAll('#so-far .event')].map((each) => each.innerText)")
        assert name.endswith("on at 2.00 s")
        tab.value("document.getElementById('undo').click()")
        tab.until("document.querySelectorAll('#so-far .event').length === 0")
        assert tab.value("document.getElementById('overview').getAttribute('aria-valuenow')") == "2.0"
        tab.value(
            "document.getElementById('ten-temperature').value = '1'; document.getElementById('ten-seed').value = '3'"
        )
        for many in 10, 20:
            tab.click(*middle_of(tab, "#ten"))
            tab.until(f"document.querySelectorAll('#so-far .event').length === {many}")
        assert tab.value("document.getElementById('ten-said').innerText") == "drawn with seed 3"
        names = tab.value("document.getElementById('so-far').innerText").split(", ")
        assert len(names) == 20, "events are apart from each other"
        tab.until("window.struck > 1")
        tab.until("document.getElementById('play').getAttribute('aria-label') === 'Play'")
        for wide in 1280, 400:
            tab.send(
                "Emulation.setDeviceMetricsOverride", width=wide, height=900, deviceScaleFactor=1, mobile=wide < 500
            )
            tab.until(f"document.documentElement.clientWidth <= {wide}")
            assert tab.value("document.documentElement.scrollWidth") <= wide
            assert tab.value(
                "[...document.querySelectorAll('#sides button')].every((each) => each.scrollWidth <= each.clientWidth)"
            )


def test_ten_tokens_of_a_text_in_a_browser(tab: "Browser", subject: Make) -> None:
    """By the knobs next to the button, which begin as the run has them."""
    endless = [subject("lm").engine.task.vocabulary.eos]  # with it, fewer than ten may be drawn
    made = subject("lm", temperature=0.7, top_k=9, top_p=0.8, ban_ids=endless)
    with explored(tab, explorer_of(made)):
        tab.until("document.querySelectorAll('#sides li').length === 10")
        knobs = "['temperature', 'top-k', 'top-p', 'seed'].map((name) => document.getElementById(`ten-${name}`).value)"
        assert tab.value(knobs) == ["0.7", "9", "0.8", ""]
        tab.value("document.getElementById('ten').click()")
        tab.until("document.querySelectorAll('#so-far .tok').length === 10")
        assert "drawn with seed " in tab.value("document.getElementById('ten-said').innerText")
        assert ", " not in tab.value("document.getElementById('so-far').innerText"), "text is read as it is"
        tab.send("Emulation.setDeviceMetricsOverride", width=280, height=900, deviceScaleFactor=1, mobile=True)
        tab.until("document.documentElement.clientWidth === 280")
        assert tab.value(
            "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.getElementById('so-far'))"
        )
        tab.value("document.getElementById('restart').click()")
        tab.until("document.querySelectorAll('#so-far .tok').length === 0")
        tab.value("document.getElementById('ten-top-p').value = '7'; document.getElementById('ten').click()")
        tab.until("document.getElementById('busy').innerText.includes('top_p = 7')")
        assert "400" in tab.problem(), "the browser notes how the request was answered"


def test_labels_are_not_chosen(tab: "Browser", labelled: Make) -> None:
    with explored(tab, explorer_of(labelled("label", "It was good."), text="It was bad.")):
        tab.until("document.querySelectorAll('#sides li').length === 2")
        assert tab.value("[...document.querySelectorAll('#sides button')].every((each) => each.disabled)")
        assert tab.value("document.getElementById('ten').offsetParent === null")
