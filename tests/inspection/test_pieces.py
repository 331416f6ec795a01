"""How tokens are shown: nothing of them is invisible, and nothing is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.inspection.pieces import Piece, piece_of
from gpt2kit.runs.folder import Run
from gpt2kit.tasks.base import Task


class Spelled:
    """A task with a vocabulary of one."""

    def __init__(self, token: bytes | str) -> None:
        self.token, self.vocabulary = token, self

    def spell(self, id: int) -> bytes | str:
        return self.token


@pytest.mark.parametrize(
    ("token", "shown", "kind"),
    [
        (b" the", "·the", "text"),
        (b"\n\n", "↵↵", "text"),
        (b"\t", "⇥", "text"),
        (b"<script>", "<script>", "text"),
        ("é".encode(), "é", "text"),
        ("\u0301".encode(), "◌\u0301", "text"),
        ("\u00a0".encode(), "⟨U+00A0⟩", "text"),
        ("\u202e".encode(), "⟨U+202E⟩", "text"),
        (b"\x1b[2J", "⟨U+001B⟩[2J", "text"),
        (b"\xe2\x80", "⟨E2 80⟩", "part"),
        (b"a\xff", "a⟨FF⟩", "part"),
        (b" \xf0\x9f", "·⟨F0 9F⟩", "part"),
        ("<to-fr>", "<to-fr>", "name"),
        ("", "⟨0⟩", "name"),
        ("C4 on", "C4 on", "name"),
    ],
)
def test_a_token_is_seen(token: bytes | str, shown: str, kind: str) -> None:
    piece = piece_of(Spelled(token), 0)  # type: ignore[arg-type]  # as far as it is needed
    assert piece == Piece(shown, kind, token if isinstance(token, bytes) else b"")


@pytest.fixture(params=["translate", "summarize", "lm", "finetune"])
def task(request: pytest.FixtureRequest, run_of: Callable[[str], Path]) -> Task[Any, Any]:
    return Run.open(run_of(request.param)).task


def test_bytes_of_tokens_are_the_text(task: Task[Any, Any]) -> None:
    text = "A robot, 😀 é\n\u202f<|endoftext|> שלום"
    pieces = [piece_of(task, id) for id in task.encode_source(task.parse(text))]
    content = b"".join(piece.content for piece in pieces)
    assert content.decode().strip("\n") == text


def test_control_tokens_are_names(task: Task[Any, Any]) -> None:
    assert piece_of(task, task.vocabulary.eos) == Piece("<|endoftext|>", "name", b"")


def test_events_are_said_as_musicians_say_them(run_of: Callable[[str], Path]) -> None:
    music = Run.open(run_of("music")).task
    ids = [388, 375, 60, 267, 188, 127, 128, 389]
    said = ["BEGIN", "velocity 78", "C4 on", "120 ms", "C4 off", "G9 on", "C-1 off", "END"]
    assert [piece_of(music, id).shown for id in ids] == said
