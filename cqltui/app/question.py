"""A question on the terminal, which nothing but a yes answers."""

import sys

YES = ("y", "yes")


def ask(question: str) -> bool:
    """Return whether the answer is yes."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline().strip().lower()
    except UnicodeDecodeError:
        answer = ""
    return answer in YES
