"""The live page: what it answers, and whom."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from gpt2kit.errors import UserError
from gpt2kit.inspection.explorer import LARGEST, Explorer, Server, Side, next_of, off_of
from gpt2kit.inspection.subject import Subject, followed
from gpt2kit.model.ablation import Off, without

if TYPE_CHECKING:
    from tests.conftest import Browser

Make = Callable[..., Subject]


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


def asked(server: Server, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
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
        assert asked(server, "POST", "/look", b"{", **known) == (400, '{"error": "the request is not JSON"}')
        assert asked(server, "POST", "/look", b"[]", **known)[0] == 400
        assert "vocabulary" in asked(server, "POST", "/look", b'{"answer": [-1]}', **known)[1]
        assert asked(server, "POST", "/look", b"", Content_Length=str(LARGEST + 1), **known)[0] == 413


def test_in_a_browser(tab: "Browser", subject: Make) -> None:
    """Type, go on with a word, switch a head off, compare."""
    with serving(explorer_of(subject("lm"), subject("finetune"))) as server:
        tab.visit(server.address)
        tab.until("document.querySelectorAll('#sides ol').length === 2")
        assert tab.value("document.querySelectorAll('#sides ol:first-of-type li').length") >= 10
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


def test_where_nothing_is_asked_yet(tab: "Browser", subject: Make) -> None:
    with serving(explorer_of(subject("translate"), text="")) as server:
        tab.visit(server.address)
        tab.until("document.getElementById('busy').innerText.includes('empty')")
        tab.problems.clear()  # the browser notes that a question was answered with 400
