"""What the tests of pages share: one process of Node in which the engine runs, and the page of a run in a browser."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from gpt2kit.live.content import content
from gpt2kit.live.page import run_page
from gpt2kit.live.scripts import engine_script
from gpt2kit.music.midi import parse_midi
from gpt2kit.music.notes import Notes
from gpt2kit.selftest.run_under_test import opened

if TYPE_CHECKING:
    from tests.conftest import Browser

ANSWER = "#so-far"
QUESTIONS = """globalThis.questions = {
  asked: 0,
  last: {},  // question by kind
  open: new Map(),  // turn by kind: a later question replaces an earlier one of its kind
  get answered() { return this.open.size === 0 && document.getElementById("busy").textContent === ""; },
};
globalThis.Worker = class extends Worker {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data: { turn, part } }) => {
      for (const [kind, open] of questions.open) if (part === undefined && open === turn) questions.open.delete(kind);
    });
  }
  postMessage(message) {
    questions.asked++;
    questions.last[message.kind] = message.question;
    questions.open.set(message.kind, message.turn);
    super.postMessage(message);
  }
};"""
"""What a page asks its model; all of it is answered when nothing on the page changes by itself any more."""
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
        """Type, and wait until the page asks its model, as it does when the typing pauses."""
        self.computed()
        asked = self.tab.value("questions.asked")
        found = f"const field = document.querySelectorAll('#inputs textarea')[{field}];"
        self.tab.value(f"(() => {{ {found} field.focus(); field.select(); }})()")
        if text:
            self.tab.send("Input.insertText", text=text)
        else:
            self.tab.press("Delete", 46)
        self.tab.until(f"questions.asked > {asked}")

    def set(self, id: str, value: object) -> None:
        found = f"const found = document.getElementById('{id}'); found.value = {json.dumps(value)};"
        self.tab.value(f"(() => {{ {found} found.dispatchEvent(new Event('change')); }})()")

    def click(self, selector: str, number: int = 0) -> None:
        """With the mouse, when nothing is computed that could move the element."""
        self.computed()
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
        """When all is computed."""
        self.computed()
        assert self.text(selector) == one_spaced(wanted)

    def computed(self) -> None:
        """Wait until the page has the answers to all its questions, such as the complete text and its sections."""
        self.tab.until("questions.answered")

    def likeliest(self) -> dict[str, float]:
        """The bars under the answer: the share of each text."""
        return dict(zip(self.texts("#sides li > .tok"), map(RunPage.share, self.texts("#sides .share")), strict=True))

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
def asking_tab(tab: "Browser") -> Iterator["Browser"]:
    """A tab in which `questions` are counted."""
    script = tab.send("Page.addScriptToEvaluateOnNewDocument", source=QUESTIONS)["identifier"]
    yield tab
    tab.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


@pytest.fixture
def page(asking_tab: "Browser", tmp_path: Path) -> Callable[..., RunPage]:
    """`page(run, max_new_tokens=9)`: the page of a run in fp32, in the browser, with other settings of its decoding."""

    def open_page(run: Path, **generate: object) -> RunPage:
        described = content(opened(run), "f32")
        described["generate"] |= generate
        path = tmp_path / f"{run.parent.name}.html"
        path.write_text(run_page(described), encoding="utf-8")
        asking_tab.open(path)
        return RunPage(asking_tab)

    return open_page


COLUMNS = """(colour, least) => {
  const canvas = document.getElementById("roll"), { width, height } = canvas, copy = new OffscreenCanvas(width, height);
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);  // read itself, a canvas would leave the graphics card
  const pixels = pen.getImageData(0, 0, width, height).data, counts = Array(width).fill(0);
  const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  for (let place = 0; place < width * height; place++)
    if (wanted.every((value, channel) => pixels[4 * place + channel] === value)) counts[place % width]++;
  return [...counts.keys()].filter((column) => counts[column] >= least);
}"""


class PianoPage:
    """The page of a run that plays, in a tab, and what a user does with it."""

    def __init__(self, tab: "Browser") -> None:
        self.tab = tab

    def letter(self, letter: str, *kinds: str) -> None:
        for kind in kinds or ("keyDown", "keyUp"):
            code = {";": "Semicolon"}.get(letter, f"Key{letter.upper()}")
            self.tab.send("Input.dispatchKeyEvent", type=kind, key=letter, code=code)

    def place(self, selector: str) -> tuple[float, float]:
        """The lower part of an element, which is scrolled into view: there a white key is no black one."""
        place = (
            f"(() => {{ const element = document.querySelector({selector!r}); "
            "element.scrollIntoView({ block: 'center' }); const box = element.getBoundingClientRect(); "
            "return [box.left + box.width / 2, box.top + 0.8 * box.height]; })()"
        )
        x, y = self.tab.value(place)
        return x, y

    def click(self, selector: str, kinds: tuple[str, ...] = ("mouseMoved", "mousePressed", "mouseReleased")) -> None:
        x, y = self.place(selector)
        for kind in kinds:
            self.tab.mouse(kind, x, y)
        self.tab.frame()

    def glide(self, selector: str) -> None:
        """Move the mouse, whose button is pressed."""
        x, y = self.place(selector)
        self.tab.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
        self.tab.frame()

    def set(self, **fields: float) -> None:
        for name, value in fields.items():
            self.tab.value(f"document.getElementById({name.replace('_', '-')!r}).value = {value}")

    def says(self, id: str, text: str) -> None:
        self.tab.until(f"document.getElementById({id!r}).textContent.includes({text!r})")

    def down(self) -> list[int]:
        found = "[...document.querySelectorAll('#piano-keys .down')].map((key) => Number(key.dataset.pitch))"
        return list(self.tab.value(found))

    def settled(self) -> None:
        """Wait until the figures are those of the performance, and nothing moves any more."""
        self.tab.until("questions.answered")

    def finished(self) -> None:
        self.says("go-on", "go on")

    def midi(self) -> bytes:
        """The bytes of the file that "download MIDI" gives."""
        self.click("#download")
        name, content = self.tab.downloaded()
        assert name == "performance.mid"
        return content

    def notes(self) -> Notes:
        """Those of this file."""
        return parse_midi(self.midi()).notes

    def columns(self, colour: str, least: int) -> list[int]:
        """The columns of the piano roll in which at least `least` pixels have a colour (#rrggbb)."""
        return list(self.tab.value(f"({COLUMNS})('{colour}', {least})"))


@pytest.fixture(scope="session")
def piano_file(run_of: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the run `run_of("music")`."""
    path = tmp_path_factory.mktemp("page") / "piano.html"
    path.write_text(run_page(content(opened(run_of("music")), "f32")), encoding="utf-8")
    return path


@pytest.fixture
def piano(asking_tab: "Browser", piano_file: Path, tmp_path: Path) -> Iterator[PianoPage]:
    asking_tab.download_to(tmp_path)
    asking_tab.open(piano_file)
    opened_page = PianoPage(asking_tab)
    opened_page.settled()
    yield opened_page
    asking_tab.leave()
    asking_tab.send("Browser.setDownloadBehavior", behavior="default")
