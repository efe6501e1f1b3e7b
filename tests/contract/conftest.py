"""Screens of very many tasks."""

from collections.abc import Iterator

import pytest

from cqltui.broker.protocol.queue import Queue
from tests.contract.screens import Screen, make_small


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few tasks are very many."""
    make_small(monkeypatch)


@pytest.fixture
def screen(queue: Queue) -> Iterator[Screen]:
    """A screen, which is closed in the end."""
    made = Screen(queue)
    yield made
    made.feed.close()
