"""Text that is not UTF-8: its encoding is recognized, and the error has the command that converts it."""

import io
from pathlib import Path

import pytest

from gpt2kit.data.lines import stream_lines, text_blocks, text_lines
from gpt2kit.errors import DataError

LATIN = "en\tfr\nI see a cat.\tJe vois un chat été.\n"
RUSSIAN = "Сегодня фермер читает старую газету.\nЗавтра мы моем окна дома.\n"
CHINESE = "我喜欢这本书和那只猫\n今天天气很好我们去公园\n他在学校学习中文\n"


def refusals(path: Path, raw: bytes) -> list[str]:
    """What the reader of lines, of blocks and of standard input say."""
    path.write_bytes(raw)
    found = []
    for read in (
        lambda: text_lines(str(path)),
        lambda: text_blocks(str(path)),
        lambda: stream_lines(io.BytesIO(raw), str(path)),
    ):
        with pytest.raises(DataError) as caught:
            list(read())
        found.append(str(caught.value))
    return found


@pytest.mark.parametrize("text", [LATIN, RUSSIAN, CHINESE])
@pytest.mark.parametrize(
    ("encoding", "mark", "called"),
    [
        ("utf-16-le", b"\xff\xfe", "UTF-16"),
        ("utf-16-be", b"\xfe\xff", "UTF-16"),
        ("utf-32-le", b"\xff\xfe\0\0", "UTF-32"),
        ("utf-32-be", b"\0\0\xfe\xff", "UTF-32"),
    ],
)
def test_a_byte_order_mark(tmp_path: Path, text: str, encoding: str, mark: bytes, called: str) -> None:
    path = tmp_path / "a.txt"
    expected = (
        f"{path}:1: {called} text, by its byte order mark; only UTF-8 text is accepted; convert it, as in "
        f"`iconv -f {called} -t UTF-8 OLD > NEW`"
    )
    assert refusals(path, mark + text.encode(encoding)) == [expected] * 3


@pytest.mark.parametrize("text", [LATIN, RUSSIAN])
@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
def test_no_byte_order_mark(tmp_path: Path, text: str, encoding: str) -> None:
    expected = f"{encoding} text, by its NUL bytes; only UTF-8 text is accepted; convert it, as in `iconv -f {encoding}"
    for message in refusals(tmp_path / "a.txt", text.encode(encoding)):
        assert expected in message


@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE"])
def test_only_line_ends_have_nul_bytes(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(CHINESE.encode(encoding))
    for read in (text_lines, text_blocks):
        with pytest.raises(DataError, match=f"{encoding} text, by its NUL bytes"):
            list(read(str(path)))


def test_a_binary_file_is_not_called_text(tmp_path: Path) -> None:
    for message in refusals(tmp_path / "a.bin", b"ab\0c\0\0d\0e\n"):
        assert "a NUL byte, as in binary files and UTF-16" in message


@pytest.mark.parametrize(
    ("raw", "remedy"),
    [
        (b"PK\x03\x04\x14\0\x06\0", "Excel and Word files; export the table as CSV"),
        (b"\x1f\x8b\x08\0\0\0", "a name that ends in .gz"),
        (b"PAR1\x15\x04\x15\0\0", "a name that ends in .parquet"),
        (b"\x28\xb5\x2f\xfd\x04\x58", "as with `zstd -d FILE`"),
    ],
)
def test_packed_files_under_another_name(tmp_path: Path, raw: bytes, remedy: str) -> None:
    for message in refusals(tmp_path / "a.csv", raw):
        assert remedy in message
