"""What the tests of pages share: one process of Node in which the engine runs, and the page of a run in a browser."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from gpt2kit.live.content import content
from gpt2kit.live.page import run_page
from gpt2kit.live.scripts import engine_script
from gpt2kit.selftest.run_under_test import opened

if TYPE_CHECKING:
    from tests.conftest import Browser

PATIENCE = 20.0
ANSWER = "#so-far"
DRIVER = Path(__file__).parent / "engine_driver.js"


class EngineError(RuntimeError):
    """An error that the engine threw: its name and message."""


class EngineInNode:
    """The engine in Node. `engine("(a, b) => ...", 1, 2)` calls a function that sees all names of the engine."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests, self._answers = requests, answers
        self._ask(engine_script())

    def __call__(self, function: str, *inputs: object) -> Any:
        """What a JavaScript function returns for these inputs, both as JSON."""
        return self._ask({"source": function, "inputs": inputs})

    def _ask(self, request: object) -> Any:
        self._requests.write(f"{json.dumps(request)}\n")
        self._requests.flush()
        line = self._answers.readline()
        assert line, "Node has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer["value"]


@pytest.fixture(scope="session")
def engine() -> Iterator[EngineInNode]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    with subprocess.Popen(
        [node, DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield EngineInNode(process.stdin, process.stdout)


class RunPage:
    """The page of a run in a tab, and what a user does with it."""

    def __init__(self, tab: "Browser") -> None:
        self.tab = tab

    def type(self, text: str, field: int = 0) -> None:
        found = f"const field = document.querySelectorAll('#inputs textarea')[{field}];"
        self.tab.value(f"(() => {{ {found} field.focus(); field.select(); }})()")
        if text:
            self.tab.send("Input.insertText", text=text)
        else:
            self.tab.press("Delete", 46)

    def set(self, id: str, value: object) -> None:
        found = f"const found = document.getElementById('{id}'); found.value = {json.dumps(value)};"
        self.tab.value(f"(() => {{ {found} found.dispatchEvent(new Event('change')); }})()")

    def click(self, selector: str, number: int = 0) -> None:
        """With the mouse."""
        found = f"const found = document.querySelectorAll({json.dumps(selector)})[{number}];"
        open_ = "for (const outer of document.querySelectorAll('details')) outer.open = true;"
        scroll = "found.scrollIntoView({ block: 'center', behavior: 'instant' });"
        box = "const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2];"
        self.tab.click(*self.tab.value(f"(() => {{ {open_} {found} {scroll} {box} }})()"))

    def texts(self, selector: str) -> list[str]:
        found = f"[...document.querySelectorAll({json.dumps(selector)})]"
        return [one_spaced(text) for text in self.tab.value(f"{found}.map((each) => each.innerText)")]

    def text(self, selector: str) -> str:
        return self.texts(selector)[0]

    def shows(self, wanted: str, selector: str = ANSWER) -> None:
        """Soon."""
        end = time.monotonic() + PATIENCE
        while (found := self.text(selector)) != one_spaced(wanted) and time.monotonic() < end:
            time.sleep(0.02)
        assert found == one_spaced(wanted)

    def answers(self, wanted: str) -> None:
        """The complete answer, and the sections below it."""
        self.shows(wanted)
        self.tab.until("document.getElementById('ten').textContent !== 'stop'")
        self.computed()

    def computed(self) -> None:
        self.tab.until("document.getElementById('busy').textContent === ''")

    def likeliest(self) -> dict[str, float]:
        """The bars under the answer: the share of each text."""
        return dict(zip(self.texts("#sides .chip"), map(RunPage.share, self.texts("#sides .share")), strict=True))

    def shares(self, selector: str) -> list[float]:
        return [self.share(each) for each in self.texts(selector)]

    @staticmethod
    def share(text: str) -> float:
        """The first percentage in a text; what is below a tenth of a percent is one."""
        return float(text.split("%")[0].split()[-1]) / 100


def one_spaced(text: str) -> str:
    """Spaces of any kind and number are one."""
    return " ".join(text.split())


@pytest.fixture
def page(tab: "Browser", tmp_path: Path) -> Callable[..., RunPage]:
    """`page(run, max_new_tokens=9)`: the page of a run in fp32, in the browser, with other settings of its decoding."""

    def open_page(run: Path, **generate: object) -> RunPage:
        described = content(opened(run), "f32")
        described["generate"] |= generate
        path = tmp_path / f"{run.parent.name}.html"
        path.write_text(run_page(described), encoding="utf-8")
        tab.open(path)
        return RunPage(tab)

    return open_page
