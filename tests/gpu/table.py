"""What `make gpu` found, as markdown with the card's name. Standard library only."""

import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol


class Found(Protocol):
    """What became of a stage."""

    name: str
    passed: bool
    said: str
    seconds: float
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def markdown(card: Mapping[str, Any], outcomes: Sequence[Found], *, shortened: bool) -> str:
    """The page: the card, a line for each stage, then each stage's own table."""
    memory = f", {card['memory_bytes'] / 2**30:.0f} GiB" if card["memory_bytes"] else ""
    driver = f"; {card['driver']}" if card["driver"] else ""
    lines = [
        f"# {card['description']}",
        "",
        f"`make gpu`{' (shortened)' if shortened else ''} on {card['name']}{memory}{driver}; torch {card['torch']}, "
        f"Python {platform.python_version()}, {platform.platform()}.",
        "",
        *_table(
            ("stage", "result", "seconds", "found"),
            ((one.name, "passed" if one.passed else "**failed**", f"{one.seconds:.1f}", one.said) for one in outcomes),
        ),
    ]
    for one in outcomes:
        if one.rows:
            lines += ["", f"## {one.name}", "", *_table(one.columns, one.rows)]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(' '.join(cell.split()).replace('|', '/') for cell in row)} |" for row in cells]
