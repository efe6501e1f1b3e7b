"""Users of a server, as the command line names them."""

import argparse

from cqltui.app import options
from cqltui.broker.protocol.keys import USER, USER_EXPECTED, Keys

MOST_WORKERS = 100_000
ALL = "*"
"""Ends what several namespaces begin with."""


def user(text: str) -> str:
    """Return a user's name, for argparse."""
    if not USER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected {USER_EXPECTED}; found {text[:40]!a}")
    return text


def workers(text: str) -> int:
    """Return how many workers a user may have, for argparse."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= MOST_WORKERS):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {MOST_WORKERS:,}, found {text[:40]!a}")
    return int(text)


def keys(text: str) -> Keys:
    """Return the keys of one namespace, or with "*" at its end the patterns of all that begin so, for argparse."""
    start = text.removesuffix(ALL)
    options.namespace(start)
    if start == text:
        return Keys(text)
    if not start:
        raise argparse.ArgumentTypeError("expected the beginning of namespaces before '*', as in 'anna-*'")
    return Keys.of_all(start)
