"""What every fuzz target is held to, whatever its bytes are.

A target is a function `parse` of bytes, in the file of the parser that it is about: it returns what was made of them,
or ends with an error for the user (UserError); any other exception is a bug. `hold(parse, content)` runs it so that

- it allocates no more than 256 MB, as far as the system can see to that;
- it writes nothing outside of `place`, the folder that it was given, and runs, unpickles and connects to nothing.

Hypothesis draws the bytes, seeded by the test itself: the same ones in every run.
"""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gpt2kit.errors import UserError

settings.register_profile(
    "seeded",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("seeded")

RUNS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class", "socket.connect")
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Sees, while it is on, what the interpreter is asked to do beside computing."""

    def __init__(self, place: Path) -> None:
        self.place, self.on, self.seen = str(place), False, list[str]()
        sys.addaudithook(self._look)  # there is no way to take it off again

    def _look(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on:
            return
        opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if opens or event in CHANGES:
            self._written(arguments[0])
            if event in ("os.rename", "os.link"):
                self._written(arguments[1])
        elif event in RUNS:
            self.seen.append(f"{event} {arguments!r}")

    def _written(self, path: object) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a file that is open already
        where = os.path.realpath(os.fsdecode(path))
        if not where.startswith(f"{self.place}{os.sep}") and not where.endswith(".pyc") and "__pycache__" not in where:
            self.seen.append(f"written: {where}")


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where targets put the files that they read."""
    return tmp_path_factory.mktemp("fuzz").resolve()


@pytest.fixture(scope="session")
def watch(place: Path) -> Watch:
    return Watch(place)


@pytest.fixture(scope="session")
def hold(
    watch: Watch, little_memory: Callable[[], AbstractContextManager[None]]
) -> Callable[[Callable[[bytes], object], bytes], object]:
    """`hold(parse, content)`: what was made of it; None after an error for the user."""

    def held(parse: Callable[[bytes], object], content: bytes) -> object:
        made, told = None, "nothing went wrong"
        watch.seen.clear()
        with little_memory():
            watch.on = True
            try:
                made = parse(content)
            except UserError as error:
                told = str(error).strip()
            finally:
                watch.on = False
        assert told
        assert not watch.seen
        return made

    return held
