"""What all tests share: one thread, no network, tiny models and corpora, and a browser.

The browser is a headless Chromium, driven over a pipe by the DevTools protocol: enough of it to look at one page.

https://chromedevtools.github.io/devtools-protocol/
"""

import atexit
import base64
import fcntl
import gc
import hashlib
import importlib.util
import json
import multiprocessing
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

import gpt2kit

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_MODULES_CACHE"] = tempfile.mkdtemp(prefix="gpt2kit-modules-")  # else below the user's home

import torch  # after the switches that it, the Hub's client and transformers read

from gpt2kit.cli import console
from gpt2kit.cli.app import run
from gpt2kit.config import ModelConfig
from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.music.audio import sound
from gpt2kit.music.notes import Notes
from gpt2kit.training.rng import seed_devices

atexit.register(shutil.rmtree, os.environ["HF_MODULES_CACHE"], ignore_errors=True)
gc.disable()  # until all tests are collected, of which none is garbage

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def pytest_collection_finish() -> None:
    """Later garbage collections are fewer, and look only at what the tests make, not at PyTorch and all the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50)
    gc.enable()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny models are faster on one thread. Set for each test, as CTranslate2 sets the threads of the whole process."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """What a test draws does not depend on the tests before it."""
    seed_devices(0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails; a server of its own on this machine is none."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if not (isinstance(address, tuple) and address[0] == "127.0.0.1"):
            raise AssertionError(f"a test wanted to connect to {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True, scope="session")
def lowest_sample_rate() -> Iterator[None]:
    """Sound is synthesised with the lowest sample rate where a test names none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sound.write_wav, "__defaults__", (sound.SAMPLE_RATES[0],))
        yield


@pytest.fixture(autouse=True, scope="session")
def no_wait_for_the_disk() -> Iterator[None]:
    """A file that is written need not reach the disk: no test cuts the power. An error for a bad descriptor stays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: os.fstat(descriptor) and None)
        yield


@pytest.fixture(autouse=True, scope="session")
def no_progress_by_the_clock() -> Iterator[None]:
    """A command says how far it is every few seconds: what a test reads does not depend on the machine's speed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "time", SimpleNamespace(monotonic=lambda: 1000.0))
        yield


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """`shared_data(name)`: a file of the real data; the test skips where that is absent, since it may not be copied."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"real data is not here: {name} of ../shared/data")
        return path

    return find


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of what `once` makes, the same for all workers."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "templates"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def once(templates: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """`once("name", make)`: a folder that `make` has filled, in one process for all workers; no test may change it.

    https://pytest-xdist.readthedocs.io/en/stable/how-to.html#making-session-scoped-fixtures-execute-only-once
    """

    def shared(name: str, make: Callable[[Path], None]) -> Path:
        folder, made = templates / name, templates / f"{name}.made"
        with FileLock(templates / f"{name}.lock"):
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)  # left by a worker in which `make` failed
                folder.mkdir()
                make(folder)
                made.touch()
        return folder

    return shared


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of this worker's own copies of `templates`."""
    return tmp_path_factory.getbasetemp() / "copies"


@pytest.fixture(scope="session")
def own_copy(
    templates: Path, copies: Path, once: Callable[[str, Callable[[Path], None]], Path]
) -> Callable[[str, Callable[[Path], None]], Path]:
    """`own_copy("name", make)`: this worker's copy of what `once` makes; paths in it lead to this worker's copies."""

    def copy(name: str, make: Callable[[Path], None]) -> Path:
        template, folder = once(name, make), copies / name
        if not folder.exists():
            shutil.copytree(template, folder)
            for path in (*folder.rglob("*.json"), *folder.rglob("*.toml")):
                path.write_bytes(path.read_bytes().replace(os.fsencode(templates), os.fsencode(copies)))
        return folder

    return copy


@pytest.fixture(scope="session")
def tiny_model() -> Callable[..., GPT2]:
    """`tiny_model(vocab=23, seed=1, n_layer=2, ...)`: a GPT-2 whose weights are all random and large enough to matter.

    Under the initial weights of the paper every next token is about as likely as every other.
    """

    def build(vocab: int = 23, seed: int = 1, **shape: Any) -> GPT2:
        model = GPT2(
            ModelConfig(**{"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 48, "dropout": 0} | shape), vocab
        )
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(1 + 0.1 * noise if "ln_" in name and name.endswith("weight") else 0.4 * noise)
        return model.eval()

    return build


@pytest.fixture
def store_of(tmp_path: Path) -> Callable[..., Store]:
    """`store_of(rows, split="train", vocab=100)`: the (prompt, target) rows as a split on disk."""

    def write(rows: list[tuple[list[int], list[int]]], split: str = "train", vocab: int = 100) -> Store:
        with StoreWriter(tmp_path, split, vocab) as writer:
            writer.add(rows)
        return Store(tmp_path, split)

    return write


@pytest.fixture(scope="session")
def random_notes() -> Callable[..., Notes]:
    """`random_notes(seed, count=60, seconds=20.0, pitches=(21, 109))`: overlaps and repeated strikes are common."""

    def make(seed: int, count: int = 60, seconds: float = 20.0, pitches: tuple[int, int] = (21, 109)) -> Notes:
        generator = np.random.default_rng(seed)
        start = generator.uniform(0, seconds, count)
        length = generator.choice([0.0004, 0.004, 0.05, 0.4, 2.5], count) * generator.uniform(0.5, 1.5, count)
        pitch, velocity = generator.integers(*pitches, count), generator.integers(1, 128, count)
        return Notes.of(pitch, velocity, start, start + length)

    return make


@pytest.fixture
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is played, three seconds at most, whatever a command asks for."""
    from gpt2kit.pipeline import play

    real, lacking = play.play, play.shortfall

    def played(engine: Any, primer: Notes, seconds: float, *more: Any, **named: Any) -> Any:
        return real(engine, primer, min(seconds, 3), *more, **named)

    monkeypatch.setattr(play, "play", played)
    monkeypatch.setattr(play, "shortfall", lambda result, seconds, *wait: lacking(result, min(seconds, 3), *wait))


@pytest.fixture(scope="session")
def little_memory() -> Callable[[], AbstractContextManager[None]]:
    """`with little_memory():` an allocation of more than 256 MB fails, touched or not.

    Elsewhere than on Linux none does.
    """

    @contextmanager
    def limited() -> Iterator[None]:
        if sys.platform != "linux":
            yield
            return
        import resource

        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (now + (256 << 20), before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)

    return limited


PARENT = """
import json, os, sys, traceback
import torch
from gpt2kit.pipeline import engine, train

torch.set_num_threads(1)
for line in sys.stdin:
    code, words, names = json.loads(line)
    child = os.fork()
    if not child:
        for number, name in enumerate(names):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)
        sys.argv, status = ["-c", *words], 1
        try:
            exec(compile(code, "code", "exec"), {"__name__": "__main__"})
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="session")
def parent_of_fresh_processes() -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, **pipes) as parent:
        yield parent
        parent.kill()  # the end of its input would not do: processes that tests forked have it too


@pytest.fixture
def fresh(parent_of_fresh_processes: subprocess.Popen[str], tmp_path: Path) -> Callable[..., str]:
    """`fresh(code, *words, stdin=path)`: what Python code prints in a process that has imported PyTorch and gpt2kit and
    done nothing else. They are imported once, in the parent of all such processes."""
    parent = parent_of_fresh_processes
    assert parent.stdin is not None
    assert parent.stdout is not None
    ask, answers = parent.stdin, parent.stdout

    def run(code: str, *words: str, stdin: Path = Path(os.devnull)) -> str:
        out, err = tmp_path / "fresh-stdout", tmp_path / "fresh-stderr"
        out.write_bytes(b"")
        err.write_bytes(b"")
        ask.write(json.dumps([code, words, [str(stdin), str(out), str(err)]]) + "\n")
        ask.flush()
        assert answers.readline() == "0\n", err.read_text(encoding="utf-8")
        return out.read_text(encoding="utf-8")

    return run


class Command:
    """gpt2kit at work in a folder, in a process that is forked from this one; `stdout` and `stderr` are its files."""

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        self.words, self.folder = words, folder
        self.stdout, self.stderr = folder / "command-stdout", folder / "command-stderr"
        self.process = multiprocessing.get_context("fork").Process(target=self.work)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests, which do not run in the child
            self.process.start()

    def work(self) -> None:
        gc.freeze()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        os.chdir(self.folder)
        with open(self.stdout, "w", encoding="utf-8") as sys.stdout, open(self.stderr, "w", encoding="utf-8") as said:
            sys.stderr = said
            code = run(self.words)
        os._exit(code)

    def send(self, number: int) -> None:
        os.kill(self.process.pid or 0, number)

    def wait(self) -> int | None:
        """Its exit code; None if it goes on for too long."""
        self.process.join(PATIENCE)
        return self.process.exitcode


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[[Sequence[str]], Command]]:
    """`command(words)`: start gpt2kit in `tmp_path`, in a process of its own that has nothing to import."""
    started: list[Command] = []

    def start(words: Sequence[str]) -> Command:
        started.append(Command(words, tmp_path))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.join()


NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 180.0
"""Seconds for any one answer, on a slow and busy machine."""


def installed() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One tab. `problems` collects what the console complained of and every request but that of the file itself."""

    def __init__(self, commands: int, answers: int) -> None:
        self.problems: list[str] = []
        self._commands, self._answers = commands, answers
        self._buffer = b""
        self._number = 0
        self._session = ""
        self._home = ""
        self._loaded = ""
        self._names: dict[str, str] = {}
        self._downloads: list[tuple[str, bytes]] = []
        self._folder = Path()
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def open(self, path: Path, width: int = 1280, height: int = 900, dark: bool = False, mobile: bool = False) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.visit(path.as_uri())

    def visit(self, address: str) -> None:
        self._home = address
        document = self.send("Page.navigate", url=address)["loaderId"]
        while self._loaded != document:
            self._note(self._receive())
        self.frame()

    def leave(self) -> None:
        """End the page: what it still does, such as asking a server that ends, is no problem of a later one."""
        if self._home != "about:blank":
            self.visit("about:blank")

    def problem(self) -> str:
        """The next problem, which is expected."""
        while not self.problems:
            self._note(self._receive())
        return self.problems.pop(0)

    def download_to(self, folder: Path) -> None:
        """Files get names of the browser's own, so that none has to wait for an earlier one."""
        self._folder = folder
        self.send("Browser.setDownloadBehavior", behavior="allowAndName", downloadPath=str(folder), eventsEnabled=True)

    def downloaded(self) -> tuple[str, bytes]:
        """The name and the content of the next file that the page saves, once it is complete."""
        while not self._downloads:
            self._note(self._receive())
        return self._downloads.pop(0)

    def value(self, script: str) -> Any:
        """What a JavaScript expression gives; awaited if it is a promise."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def frame(self) -> None:
        """Let the page paint what it has asked to."""
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def until(self, script: str) -> None:
        end = time.monotonic() + PATIENCE
        while not self.value(script):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.02)

    def press(self, key: str, code: int = 0) -> None:
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)
        self.frame()

    def mouse(self, kind: str, x: float, y: float) -> None:
        pressed = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **pressed)

    def click(self, x: float, y: float) -> None:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, x, y)
        self.frame()

    def picture(self, path: Path) -> None:
        shot = self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def _foreign(self, request: dict[str, Any]) -> bool:
        """Whether it is asked of another than the page itself, as for its Worker, or its server."""
        served = self._home.startswith("http://127.0.0.1:") and request["request"]["url"].startswith(self._home)
        own = served or request["request"]["url"].startswith("blob:")
        return request.get("type") != "Document" and not own

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            part = os.read(self._answers, 1 << 20) if ready else b""
            assert part, "the browser has gone or does not answer"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Page.lifecycleEvent" and parameters["name"] == "load":
            self._loaded = parameters["loaderId"]
        elif method == "Browser.downloadWillBegin":
            self._names[parameters["guid"]] = parameters["suggestedFilename"]
        elif method == "Browser.downloadProgress" and parameters["state"] == "completed":
            path = self._folder / parameters["guid"]
            self._downloads.append((self._names.pop(parameters["guid"]), path.read_bytes()))
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append(str(parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.problems.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent" and self._foreign(parameters):
            self.problems.append(f"requested {parameters['request']['url'][:200]}")


@contextmanager
def browser(program: str, folder: Path) -> Iterator[Browser]:
    """A browser whose profile lies in `folder`."""
    theirs_in, commands = os.pipe()
    answers, theirs_out = os.pipe()
    # The protocol's pipes are descriptors 3 and 4, which may be taken here: first out of the way, then into place.
    far_in, far_out = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out))

    def place() -> None:
        os.dup2(far_in, 3)
        os.dup2(far_out, 4)

    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    flags += ["--mute-audio", "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(
        [program, *flags],
        pass_fds=(3, 4),
        preexec_fn=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (theirs_in, theirs_out, far_in, far_out):
        os.close(end)
    try:
        yield Browser(commands, answers)
    finally:
        os.close(commands)
        os.close(answers)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = installed()
    if program is None:
        pytest.skip("no Chromium or Chrome is installed")
    with browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Browser]:
    """A browser that must have had nothing to complain of when the page has ended."""
    chromium.problems.clear()
    yield chromium
    chromium.leave()
    assert chromium.problems == []


ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def examples() -> Callable[[str], Any]:
    """A task's own examples, from tests/tasks/test_TASK.py: TINY settings, `write_corpus(folder)` and RECORDS."""

    def of(task: str) -> Any:
        path = ROOT / "tests" / "tasks" / f"test_{task}.py"
        spec = importlib.util.spec_from_file_location(f"examples_of_{task}", path)
        assert spec is not None
        assert spec.loader is not None, f"every task needs its {path.name}"
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return of


@pytest.fixture(scope="session")
def prepared(examples: Callable[[str], Any]) -> Callable[..., Any]:
    """`prepared(kind, folder, *settings)`: a task's own examples, or one of TABLES for finetune, in `folder`/data, for
    training and for validation. Returns the tiny recipe."""
    from gpt2kit import recipe

    def prepare(kind: str, folder: Path, *settings: str) -> Any:
        name = "finetune" if kind in TABLES else kind
        tiny = recipe.load(name, [*examples(name).TINY, *settings])
        corpus = (
            [examples(name).write_table(folder, TABLES[kind])]
            if kind in TABLES
            else examples(name).write_corpus(folder)
        )
        gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
        return tiny

    return prepare


@pytest.fixture(scope="session")
def by_heart(own_copy: Callable[[str, Callable[[Path], None]], Path], examples: Callable[[str], Any]) -> Path:
    """A translate run that knows its few pairs by heart; `corpus.jsonl` and the prepared `data` are beside it."""
    from gpt2kit import recipe

    def make(folder: Path) -> None:
        translate = examples("translate")
        corpus = translate.write_corpus(folder)
        tiny = recipe.load("translate", translate.TINY)
        gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
        list(gpt2kit.train(tiny, folder / "data", folder / "run"))

    return own_copy("by-heart", make) / "run"


LABELS = {"fine": "good", "dull": "bad"}
TABLES: dict[str, list[dict[str, Any]]] = {
    "labelled": [{"text": f"{word} {n}", "label": label} for word, label in LABELS.items() for n in range(4)],
    "choice": [{"context": f"{n} is", "choices": ["odd", "even"], "answer": ("even", "odd")[n % 2]} for n in range(6)],
    "pairs": [{"premise": f"{n} is here", "hypothesis": f"{n % 4} is here", "label": n < 4} for n in range(8)],
    "similar": [{"first": f"{n} or so", "second": f"about {n % 4}", "label": n < 4} for n in range(8)],
    "completion": [{"prompt": f"what is {n}", "completion": f"a number, {n}"} for n in range(6)],
}
"""Kinds of fine-tuning by a table each."""

FEW = ["train.steps=4", "train.evaluate_every=2", "train.samples=0"]


@pytest.fixture(scope="session")
def run_of(
    templates: Path,
    copies: Path,
    own_copy: Callable[[str, Callable[[Path], None]], Path],
    examples: Callable[[str], Any],
) -> Callable[..., Path]:
    """`run_of("music", "model.attention=relative", init=None)`: a run of a few steps, which is not to be changed, and
    its data next to it. Instead of a task it may be one of TABLES, for finetune. `init` is such a run."""
    from gpt2kit import recipe

    def make(folder: Path, kind: str, settings: tuple[str, ...], init: Path | None) -> None:
        task = "finetune" if kind in TABLES else kind
        module = examples(task)
        if kind in TABLES:
            rows = "".join(f"{json.dumps(row)}\n" for row in TABLES[kind])
            (folder / "table.jsonl").write_text(rows, encoding="utf-8")
            corpus = [str(folder / "table.jsonl")]
        else:
            corpus = module.write_corpus(folder)
        tokenizer = [f"task.tokenizer={init}"] if init is not None and task != "music" else []
        tiny = recipe.load(task, [*module.TINY, *FEW, *settings, *tokenizer])
        gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
        list(gpt2kit.train(tiny, folder / "data", folder / "run", str(init) if init else None))

    def run(kind: str, *settings: str, init: Path | None = None) -> Path:
        init = init and templates / init.relative_to(copies)  # the same path for all workers
        key = hashlib.sha256(repr((settings, init)).encode()).hexdigest()[:12]
        return own_copy(f"{kind}-{key}", lambda folder: make(folder, kind, settings, init)) / "run"

    return run


@pytest.fixture(scope="session")
def copy_run() -> Callable[[Path, Path], Path]:
    """`copy_run(run, folder)`: copy a run alone, to a new folder; the copy knows the places of its data by whole paths,
    as older runs do."""

    def copy(run: Path, folder: Path) -> Path:
        shutil.copytree(run, folder)
        if (folder / "run.json").is_file():
            described = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            local = ["data", *(["init"] if described["init"] and not described["init_of_hub"] else [])]
            whole = {key: os.path.normpath(run / described[key]) for key in local}
            (folder / "run.json").write_text(json.dumps(described | whole, indent=2) + "\n", encoding="utf-8")
        return folder

    return copy


@pytest.fixture
def copied(tmp_path: Path, copy_run: Callable[[Path, Path], Path]) -> Callable[[Path], Path]:
    """`copied(run)`: a copy that may be broken; it knows its data by its path."""
    return lambda run: copy_run(run, tmp_path / "copy")


class Forked(ForkProcess):
    """`gpt2kit WORDS` in a copy of this process, with the methods of `subprocess.Popen` that PyTorch's launcher calls.

    A launcher forks its ranks too; each of them first calls `in_rank`.
    """

    def __init__(
        self, words: Sequence[str], environment: dict[str, str], folder: Path, in_rank: Callable[[], None]
    ) -> None:
        super().__init__()
        self.words, self.environment, self.folder, self.in_rank = words, environment, folder, in_rank
        self.start()

    def run(self) -> None:
        from torch.distributed.elastic.multiprocessing.subprocess_handler import SubprocessHandler

        gc.freeze()  # a collection would write to all that the tests have made, and so copy it
        os.setsid()
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        warnings.resetwarnings()  # as in a new process they are printed, and not errors as in a test
        warnings.simplefilter("ignore", DeprecationWarning)
        if "RANK" in os.environ:
            self.in_rank()
        else:
            for number, name in ((1, "stdout"), (2, "stderr")):
                os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
            SubprocessHandler._popen = self.fork_rank  # type: ignore[method-assign, assignment]  # in this process only
        with (
            open(1, "w", encoding="utf-8", closefd=False) as sys.stdout,
            open(2, "w", encoding="utf-8", closefd=False) as sys.stderr,
        ):
            sys.exit(run(self.words))

    def fork_rank(self, words: Sequence[str], environment: dict[str, str]) -> Any:
        assert words[:3] == (sys.executable, "-m", "gpt2kit")
        return Forked(words[3:], environment, self.folder, self.in_rank)

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self, timeout: float) -> int:
        self.join(timeout)
        if self.exitcode is None:
            raise subprocess.TimeoutExpired("gpt2kit", timeout)
        return self.exitcode


@contextmanager
def in_ranks(folder: Path, *words: str, in_rank: Callable[[], None] = lambda: None) -> Iterator[Forked]:
    """`gpt2kit WORDS` with --devices, in `folder`: the launcher, whose output is in the files `stdout` and `stderr`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests; the child does not need them
        process = Forked(words, dict(os.environ), folder, in_rank)
    try:
        yield process
    finally:
        process.kill()
        process.join()


@pytest.fixture
def forked() -> Callable[..., AbstractContextManager[Forked]]:
    """`forked(folder, *words, in_rank=...)`: a command that starts ranks, as `in_ranks`."""
    return in_ranks
