"""These tests run a cluster on this machine: only where they are asked for, by `make cluster`."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.cluster import hosts, slurm
from tests.cluster.hosts import Hosts
from tests.cluster.night import CAMPAIGN, Night
from tests.cluster.slurm import Cluster

ASKED = "CQLTUI_CLUSTER"
HERE = Path(__file__).parent
LONG = 10_000_000

Start = Callable[..., Night]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip those of this folder, unless they are asked for."""
    why = "a cluster takes minutes: make cluster runs it" if not os.environ.get(ASKED) else ""
    for item in items:
        if HERE in item.path.parents and why:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all tests."""
    if why := slurm.why_not():
        pytest.skip(why)
    made = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Hosts]:
    """Machines, and an sshd on the other."""
    if why := hosts.why_not():
        pytest.skip(why)
    folder = tmp_path / "hosts"
    folder.mkdir()
    made = Hosts(folder)
    try:
        made.serve()
        yield made
    finally:
        made.close()


@pytest.fixture
def start(cluster: Cluster, tmp_path: Path) -> Iterator[Start]:
    """Begins a run; what is left of it in the end is ended."""
    made: list[Night] = []

    def begin(
        blocks: str, epochs: int = LONG, name: str = "night", campaign: str = CAMPAIGN, options: Sequence[str] = ()
    ) -> Night:
        made.append(Night(tmp_path / name, blocks, epochs, cluster.environment, campaign, options))
        return made[-1]

    yield begin
    for night in made:
        night.close()
