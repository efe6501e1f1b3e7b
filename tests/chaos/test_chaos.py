"""A short, fixed set of faults in real campaigns. `make chaos` is the long run."""

import time
from pathlib import Path
from random import Random

import pytest

from tests.chaos import damage, deaths, surroundings, tools
from tests.chaos.faults import Fault
from tests.chaos.run import Round, Summary, undisturbed
from tests.integration.place import Trained

SHORT = ("--set", "epochs_scale=0.2")
FAULTS_FOR_S = 30.0
PROCESSES: tuple[Fault, ...] = (
    deaths.kill_worker,
    deaths.kill_supervisor_and_server,
    deaths.freeze_worker,
    damage.flush,
    surroundings.second_worker,
    deaths.cut_connections,
)
STORAGE: tuple[Fault, ...] = (
    damage.full_disk,
    damage.damage_aof,
    damage.damage_checkpoint,
    surroundings.jump_clock,
    damage.plant_stale_files,
    damage.full_server,
)
NETWORK: tuple[Fault, ...] = (
    surroundings.pull_cable,
    deaths.kill_server,
    surroundings.second_supervisor,
    damage.lose_data,
    deaths.sleep,
)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """What the tasks give when nobody disturbs them."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed") / "place", SHORT)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("number", "faults", "why"),
    [
        pytest.param(0, PROCESSES, "", id="processes"),
        pytest.param(1, STORAGE, tools.why_no_disk() or tools.why_no_clock(), id="storage"),
        pytest.param(2, NETWORK, tools.why_no_network(), id="network"),
    ],
)
def test_nothing_is_lost(
    number: int, faults: tuple[Fault, ...], why: str, tmp_path: Path, expected: dict[str, Trained]
) -> None:
    if why:
        pytest.skip(why)
    injected: list[str] = []
    disturbed = Round(tmp_path / "run", Random(number), number, SHORT, expected)
    summary = Summary()
    tally = disturbed.run(faults, len(faults), time.monotonic() + FAULTS_FOR_S, injected.append, summary)
    assert len(injected) >= len(faults) // 2, f"too few faults to tell: {injected}"
    assert tally.kept, f"after {injected}: {tally}"
    assert summary.kept
