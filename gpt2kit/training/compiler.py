"""The requirements of torch.compile on a CPU besides torch: a C++ compiler and Python's headers.

doctor uses this where torch itself may be missing: nothing here imports it.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path


def compiler() -> str:
    """The compiler command that torch calls."""
    return os.environ.get("CXX") or {"win32": "cl", "darwin": "clang++"}.get(sys.platform, "g++")


def lacking() -> str | None:
    """The missing requirements in words; None if there are none."""
    if shutil.which(compiler()) is None:
        return f"no C++ compiler ({compiler()})"
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file() and sys.platform != "darwin":  # a framework has them elsewhere
        return f"no Python.h in {headers} (the headers of Python, in python3-dev or python3-devel)"
    return None
