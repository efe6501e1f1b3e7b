"""Places for runs. Whatever a test left running in its place is ended with it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.place import TASKS, Place, Trained
from tests.integration.terminal import Terminal


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty place with the small campaign."""
    made = Place(tmp_path / "place")
    yield made
    made.end_all()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A run with two workers that nobody disturbed, at its end. To be read only."""
    made = Place(tmp_path_factory.mktemp("undisturbed") / "place")
    try:
        made.complete()
        yield made
    finally:
        made.end_all()


@pytest.fixture(scope="session")
def expected(undisturbed: Place) -> dict[str, Trained]:
    """What each task of the small campaign gives."""
    trained = undisturbed.trained()
    assert len(trained) == TASKS
    return trained


@pytest.fixture
def screen(place: Place) -> Iterator[Callable[..., Terminal]]:
    """Starts `cqltui ...` in a terminal of its own in the place: the campaign, unless arguments say something else."""
    made: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        made.append(Terminal([sys.executable, "-m", "cqltui", *(arguments or (place.campaign.name,))], place.folder))
        return made[-1]

    yield start
    for terminal in made:
        terminal.close()
