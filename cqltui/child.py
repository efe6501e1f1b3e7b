"""How this program starts itself as another process, and what other processes get to know."""

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence

PYTHON = (sys.executable, "-P")
"""Begins the command line of every Python process of ours. Without -P the current folder comes first on a module's
path, and a user's own queue.py there is taken for the standard library's. A PYTHONPATH counts as ever."""

BARE_PYTHON = (sys.executable, "-I", "-S")
"""The standard library alone: small, starts at once, and no upgrade of what is installed disturbs it."""

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""What libraries that compute go by when they are loaded. The last is for Apple's Accelerate."""

_SECRET_NAME = re.compile(
    r"REDIS_URL$|REDISCLI_AUTH$|PASSW|PASSPHRASE|SECRET|CREDENTIAL|TOKEN$|(API|ACCESS|PRIVATE)_?KEY", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"://[^/\s@]*:[^\s]*@")
"""A URL with a password in it."""
STARTED_BY = "CQLTUI_STARTED_BY"
"""Tells a worker the version of the supervisor that has started it on its own machine."""
_TOOLS = re.compile(r"PATH|HOME|USER|LOGNAME|LANG|LC_[A-Z]+|TMPDIR|TZ|XDG_CONFIG_HOME|LD_LIBRARY_PATH")
"""What a program that is none of ours needs in order to start and to find its user's settings."""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without what looks like a secret, and with `extra`, where one goes to a child that needs it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not (_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))
    }
    return kept | dict(extra or {})


def tool_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a program that is none of ours, such as git: the few variables that it needs, and
    `extra`."""
    return {name: value for name, value in clean_environment().items() if _TOOLS.fullmatch(name)} | dict(extra or {})


def find_program(name: str) -> str | None:
    """Return the program's path; None if PATH has none. A relative entry, which would lead into the folder that a
    command is given in, does not count."""
    return shutil.which(name, path=_absolute(os.environ.get("PATH", os.defpath)))


def forget_relative_path() -> None:
    """Take the relative entries out of this process's PATH: libraries start programs too, such as `uname`."""
    if "PATH" in os.environ:
        os.environ["PATH"] = _absolute(os.environ["PATH"])


def compute_in_one_thread() -> None:
    """Have NumPy's BLAS, loaded later, compute in one thread, unless the environment says otherwise: sums then do not
    depend on the number of cores, and a start does not wait for threads that our small products never use."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)


def _absolute(path: str) -> str:
    return os.pathsep.join(entry for entry in path.split(os.pathsep) if os.path.isabs(entry))  # noqa: PTH117


def words_of(command_line: Sequence[str]) -> list[str]:
    """Return what follows `PYTHON` in a command line of ours; an earlier version began with the interpreter alone."""
    rest = list(command_line[1:])
    return rest[1:] if rest[:1] == [PYTHON[1]] else rest
