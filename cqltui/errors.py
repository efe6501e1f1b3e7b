"""The errors that a user can fix, and the exit codes of the command. Anything else is a bug and exits with 3."""

import re
from enum import IntEnum

RIGHTS = "`cqltui redis-acl` prints the rights that a user of the server needs (--db N where the URL names a database)"
"""The fix for a user that may not do what is needed."""
_URL = re.compile(r"(?<![a-z])[a-z]++:/{1,3}+(?![\[)\s])", re.IGNORECASE)
"""Where a URL's user and password may begin. One slash: a URL that was taken for a path. A bracket or a space begins an
explanation of URLs, which is ours. The text is foreign and of any length: no part of it is looked at twice."""
_QUERY = re.compile(r"([?&](?:\w*_)?password=)[^\s&\"']*", re.IGNORECASE)


class ExitCode(IntEnum):
    """What the process tells the shell."""

    OK = 0  # every wanted task is done, or the user left the screen with the run going on
    UNFINISHED = 1  # some task is dead or cancelled
    INPUT = 2  # the input is wrong; nothing was started
    INTERNAL = 3  # an error of ours, or the server cannot be reached
    STOPPED = 4  # ended paused, drained or stopped with tasks left
    INTERRUPTED = 130  # Ctrl-C; the run can go on


class CqltuiError(Exception):
    """An error with a message for the user: it names the place and the fix."""

    exit_code = ExitCode.INTERNAL


class InputError(CqltuiError):
    """Something the user wrote is wrong. `problems` holds one line each."""

    exit_code = ExitCode.INPUT

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ServerError(CqltuiError):
    """The server does not answer, or is none of ours."""


def without_passwords(text: str) -> str:
    """Return the text with user and password of every URL in it replaced by "(hidden)"."""
    return _QUERY.sub(r"\1(hidden)", "\n".join(map(_without_user, text.split("\n"))))


def _without_user(line: str) -> str:
    """Return the line without what stands between a URL's scheme and the last "@", since a password may hold any
    sign."""
    end = line.rfind("@")
    start = _URL.search(line, 0, end) if end >= 0 else None
    return line if start is None else f"{line[: start.end()]}(hidden){line[end:]}"
