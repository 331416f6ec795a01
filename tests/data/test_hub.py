"""Names of models: a directory here, or a model of the Hub, and which of the two when both exist."""

from pathlib import Path

import pytest

from gpt2kit.data.hub import fetch, hidden
from gpt2kit.errors import DataError

HUB = {"gpt2": "openai-community/gpt2", "gpt2-xl": "openai-community/gpt2-xl", "distilgpt2": "distilbert/distilgpt2"}


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", HUB)
def test_a_directory_that_hides_a_model_of_the_hub(name: str) -> None:
    assert hidden(name) == ""
    Path(name).mkdir()
    with pytest.raises(DataError) as error:
        fetch(name)
    assert str(error.value) == (
        f"the directory {name} here hides the model {name} of the Hub, and has no files of a model: name the model "
        f"{HUB[name]}, or rename the directory"
    )
    (Path(name) / "config.json").touch()
    assert fetch(name) == Path(name)
    assert (
        hidden(name)
        == f"{name} is the directory ./{name} here, not the model of the Hub, whose other name is {HUB[name]}"
    )
    assert hidden(f"./{name}") == ""
    assert fetch(f"./{name}") == Path(name)


def test_other_directories_are_not_remarked_on() -> None:
    for name in ("runs/lm", "mine"):
        Path(name).mkdir(parents=True)
        assert fetch(name) == Path(name)
        assert hidden(name) == ""


def test_a_file_of_pickled_weights_names_the_way_out() -> None:
    Path("model.bin").touch()
    with pytest.raises(DataError, match=r"model\.bin is a file; .*: name the folder to see how to convert them"):
        fetch("model.bin")
