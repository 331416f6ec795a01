"""Tables in files that are called text."""

from pathlib import Path

import pytest

from gpt2kit.data.tables.in_text import table_in_text
from gpt2kit.errors import DataError
from gpt2kit.tasks.finetune import Finetune

LABELS = ("joy", "fear")


def write(folder: Path, line: str, count: int = 20) -> str:
    lines = [line.replace("N", str(n)).replace("LABEL", LABELS[n % 2]) for n in range(count)]
    path = folder / "train.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("I saw N cats;LABEL", "with semicolons between the columns; name it train.csv"),
        ('LABEL,"I saw N, or more"', "with commas between the columns; name it train.csv"),
        ('LABEL\tThey "saw N', "with tabs between the columns; name it train.tsv"),
        ("__label__LABEL I saw N cats", "begin with __label__, as for fastText"),
    ],
)
def test_tables(line: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, line)
    assert said in table_in_text(path).replace(f"{tmp_path}/", "")
    with pytest.raises(DataError, match=r"to learn it as text: --set task\.kind=text$"):
        Finetune().infer_task([path])
    assert Finetune(kind="text").infer_task([path]).kind == "text"  # type: ignore[attr-defined]  # a Finetune


@pytest.mark.parametrize("line", ["I saw N cats.", "On day N, I saw N cats, or more.", "N: so it goes; and so on N"])
def test_text(line: str, tmp_path: Path) -> None:
    assert table_in_text(write(tmp_path, line)) == ""


def test_little_text_and_no_file(tmp_path: Path) -> None:
    assert table_in_text(write(tmp_path, "a\tb", count=4)) == ""
    assert table_in_text(str(tmp_path)) == table_in_text(str(tmp_path / "missing.txt")) == ""
