"""The parts of the engine are one script."""

import re
from collections import Counter
from pathlib import Path

import gpt2kit
from gpt2kit.live.scripts import ENGINE, FOLDER, engine_script

ENGINE_FOLDER = Path(gpt2kit.__file__).parent / FOLDER


def test_every_file_is_a_part() -> None:
    assert sorted(ENGINE) == sorted(path.stem for path in ENGINE_FOLDER.glob("*.js"))


def test_no_name_is_given_twice() -> None:
    """A function of the same name would silently take the place of the first one."""
    names = re.findall(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", engine_script(), re.M)
    assert "Model" in names
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_the_engine_needs_no_page() -> None:
    outside = r"\b(document|window|fetch|XMLHttpRequest|localStorage|postMessage|require|console)\s*[.(\[]"
    assert re.findall(outside, engine_script()) == []
