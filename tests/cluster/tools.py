"""Python programs that these tests need and cqltui does not: `make cluster` installs them into an environment of their
own."""

from pathlib import Path

BIN = Path(__file__).parents[2] / "build" / "cluster" / "bin"


def why_not(name: str) -> str:
    """Return why a program cannot be had; empty if it can."""
    return (
        "" if (BIN / name).exists() else f"{BIN / name} is not there: make cluster installs it, by locks/cluster.lock"
    )
