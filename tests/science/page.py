"""What `make science` measured, as a page: each figure beside the range that is accepted. It has no date: the same code
measures the same."""

import shlex
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

import cqltui


class Measured(Struct, frozen=True):
    """A figure, and the range that is accepted, which was fixed before."""

    name: str
    value: float
    low: float
    high: float

    @property
    def is_judged(self) -> bool:
        """Return whether a range was set; a share or a number without one is there to be compared with."""
        return (self.low, self.high) not in ((0.0, 1.0), (0.0, np.inf))

    @property
    def accepted(self) -> str:
        """Return the range in words."""
        return f"{self.low:g} to {self.high:g}" if self.is_judged else ""

    @property
    def fits(self) -> bool:
        """Return whether the figure is within; NaN is not."""
        return self.low <= self.value <= self.high

    @property
    def mark(self) -> str:
        """Return the verdict in a word."""
        if not self.is_judged:
            return ""
        return "within" if self.fits else "OUTSIDE"


class Topic(Struct, frozen=True):
    """The figures of one topic."""

    name: str
    replications: int
    seed: int
    figures: Sequence[Measured]


def page(topics: Sequence[Topic], arguments: Sequence[str]) -> str:
    """Return the page in Markdown. `arguments`: those of the command that measured."""
    return "\n".join(_lines(topics, arguments)) + "\n"


def _lines(topics: Sequence[Topic], arguments: Sequence[str]) -> Iterator[str]:
    given = f' ARGS="{shlex.join(arguments)}"' if arguments else ""
    yield "# What the evaluation's statistics do"
    yield "Ranges were fixed before the first run and are not tuned: a figure outside is a result. Made by:"
    yield ""
    yield f"```sh\nmake science{given}\n```"
    yield f"cqltui {cqltui.__version__}, NumPy {np.__version__}: {outcome(topics)}."
    for topic in topics:
        yield ""
        yield f"## {topic.name.capitalize()}"
        yield f"{topic.replications:,} replications, seed {topic.seed}."
        yield ""
        yield "| figure | measured | accepted | |"
        yield "| --- | ---: | --- | --- |"
        for one in topic.figures:
            name = one.name.replace("|", "\\|")
            yield f"| {name} | {one.value:.4f} | {one.accepted} | {one.mark} |"


def outcome(topics: Sequence[Topic]) -> str:
    """Return how many figures are outside of their range."""
    figures = [one for topic in topics for one in topic.figures if one.is_judged]
    outside = sum(not one.fits for one in figures)
    return f"{outside} of {len(figures)} outside of their range" if outside else "all within"
