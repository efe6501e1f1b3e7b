"""Places for runs. Whatever a test left running in its place is ended with it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.place import TASKS, TWO, Place, Trained
from tests.integration.sessions import compile_once
from tests.integration.terminal import Terminal
from tests.once import once


@pytest.fixture(scope="session", autouse=True)
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Workers find the code that they train with."""
    compile_once(tmp_path_factory)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty place with the small campaign."""
    made = Place(tmp_path / "place")
    yield made
    made.end_all()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A run with two workers that nobody disturbed, at its end. To be read only."""
    return Place(once(tmp_path_factory, "undisturbed", lambda folder: Place(folder).make(*TWO)))


@pytest.fixture(scope="session")
def expected(undisturbed: Place) -> dict[str, Trained]:
    """What each task of the small campaign gives."""
    trained = undisturbed.trained()
    assert len(trained) == TASKS
    return trained


@pytest.fixture
def ended(undisturbed: Place, tmp_path: Path) -> Iterator[Place]:
    """A copy of a run that has ended."""
    copy = Place(tmp_path / "copy")
    shutil.copytree(undisturbed.run_dir.path, copy.run_dir.path)
    yield copy
    if copy.goes_on:
        copy.end_all()


@pytest.fixture
def screen(place: Place) -> Iterator[Callable[..., Terminal]]:
    """Starts `cqltui ...` in a terminal of its own in the place: the campaign, unless arguments say something else."""
    made: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        argv = [sys.executable, "-m", "cqltui", *(arguments or (place.campaign.name,))]
        made.append(Terminal(argv, place.folder, place.environment))
        return made[-1]

    yield start
    for terminal in made:
        terminal.close()
