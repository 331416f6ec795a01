"""The `gpt2kit` command, also as `python -m gpt2kit`, which torchrun starts."""

import gc
import signal
import sys
from typing import NoReturn

FIRST_COLLECTION = 500_000
"""Importing torch makes some 270,000 objects that stay: to look for garbage among them takes a fifth of a start."""


def main() -> NoReturn:
    """Run the command line. Ctrl-C ends it without a traceback, also while modules are loaded and while Python ends."""
    collect_later()
    try:
        from gpt2kit.cli.app import main as command

        command()
    except KeyboardInterrupt:
        from gpt2kit.cli import console

        console.say("interrupted")
        sys.exit(128 + signal.SIGINT)
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        gc.freeze()  # a process that ends needs no search for garbage in all modules


def collect_later() -> None:
    """Postpone the first garbage collection until modules are loaded; later ones come as usual."""
    usual = gc.get_threshold()

    def as_usual(phase: str, _: dict[str, int]) -> None:
        if phase == "stop":
            gc.set_threshold(*usual)
            gc.callbacks.remove(as_usual)

    gc.callbacks.append(as_usual)
    gc.set_threshold(FIRST_COLLECTION, *usual[1:])


if __name__ == "__main__":
    main()
