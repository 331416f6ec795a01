"""The `gpt2kit` command, also as `python -m gpt2kit`, which torchrun starts."""

import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line. Ctrl-C ends it without a traceback, also while modules are loaded and while Python ends."""
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


if __name__ == "__main__":
    main()
