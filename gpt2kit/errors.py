"""Errors that the user can fix, each with the exit code of the command line; and counts in messages."""

PARTLY_DONE = 5
"""Exit code of work that was completed except for records that could not be read, of music that is shorter than asked
for, and of a demo whose model has learned nothing."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count in a message: "1 row", "2,000 rows"; `plural` is the noun's, if it is not regular."""
    regular = f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural or regular}"


class UserError(Exception):
    """An error that the user can fix. The message says what is wrong and where, and what would be accepted."""

    exit_code = 2


class DataError(UserError):
    """A corpus, a prepared folder, a run folder or a recipe cannot be used as it is."""

    exit_code = 3


class RecipeError(DataError):
    """A recipe or a `--set` has an unknown key, a wrong type or values that contradict each other."""


class MachineError(UserError):
    """The machine lacks something requested: a device, a data type, a package, disk space."""

    exit_code = 4


class OutOfMemory(UserError):
    """The smallest batch does not fit into memory."""

    exit_code = 6


class CheckFailed(UserError):
    """A check of selftest or export failed: a run is damaged, or a machine or another tool computes something else."""

    exit_code = 7


class Interrupted(Exception):
    """A signal ended the work after its state was saved."""

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
