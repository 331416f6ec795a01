"""Tokens in visible form: the engine shows them as `inspect` does."""

from typing import TYPE_CHECKING, Any

from gpt2kit.inspection.pieces import piece_of

if TYPE_CHECKING:
    from tests.live.conftest import EngineInNode

SPELLED: list[bytes | str] = [
    b" the",
    b"",
    "",
    "<to-fr>",
    "C4 on \u00a0",
    b"\n\t\r ",
    "naïve Ünïcode 漢字 🎹".encode(),
    "\u05e9\u05dc\u05d5\u05dd".encode(),
    "e\u0301\u200d\ufeff\u2028\u00ad".encode(),
    "\ufeffbegin".encode(),
    b"\xe2\x82",
    b"\x80a\xff\xfe",
    "\u00e9".encode()[:1] + b"x" + "\U0001f600".encode()[1:],
    b"\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf",
    bytes(range(256)),
]


class Spelling:
    """A task whose ids are these pieces."""

    @property
    def vocabulary(self) -> "Spelling":
        return self

    def spell(self, id: int) -> bytes | str:
        return SPELLED[id]


def test_pieces(engine: "EngineInNode") -> None:
    spelled: list[Any] = [list(each) if isinstance(each, bytes) else each for each in SPELLED]
    found = engine(
        "(spelled) => spelled.map((each, id) => pieceOf(id, typeof each === 'string' ? each : Uint8Array.from(each)))",
        spelled,
    )
    for id, piece in enumerate(found):
        expected = piece_of(Spelling(), id)  # type: ignore[arg-type]  # as far as it is needed
        assert piece == [expected.shown, expected.kind, expected.content.hex(" ")], SPELLED[id]
