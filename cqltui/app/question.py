"""Questions on the terminal, which nothing but a yes answers."""

import sys
from collections.abc import Iterable

from cqltui.errors import CqltuiError, ExitCode, InputError

YES = ("y", "yes")


class DeclinedError(CqltuiError):
    """The user did not want it."""

    exit_code = ExitCode.INPUT


def ask(question: str) -> bool:
    """Return whether the answer is yes."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline().strip().lower()
    except UnicodeDecodeError:
        answer = ""
    return answer in YES


def expect_yes(question: str, about: Iterable[str] = (), *, yes: bool, nothing: str = "nothing was changed") -> None:
    """Return if there is a yes, or somebody at the terminal gives one. Raises InputError where nobody can be asked,
    DeclinedError for any other answer.

    `about`: what is touched, a line each. `yes`: of the option. `nothing`: what has happened without a yes.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(f"{nothing}: this is asked ({question}), and nobody can answer here; --yes does it unasked")
    for line in about:
        print(line, file=sys.stderr)
    if not ask(question):
        raise DeclinedError(nothing)
