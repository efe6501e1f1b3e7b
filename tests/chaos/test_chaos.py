"""A short, fixed set of faults in real campaigns. `make chaos` is the long run."""

import time
from pathlib import Path
from random import Random

import pytest

from tests.chaos import damage, deaths, surroundings, tools
from tests.chaos.faults import Fault
from tests.chaos.run import Round, Summary, undisturbed
from tests.chaos.world import CAMPAIGN
from tests.integration.place import Place, Trained
from tests.integration.sessions import compile_once
from tests.once import once

SHORT = ("--set", "epochs_scale=0.02", "--set", "trainer.precision=fp32", "--set", "phase.first.precision=bf16")
"""Few epochs. One task has one of the two workers load PyTorch, which takes several times as long as the rest of a
start."""
PACE_S = 0.06
"""What an epoch takes where faults are injected, so that they meet tasks that run."""
FAULTS_FOR_S = 30.0
HERE: tuple[Fault, ...] = (
    deaths.kill_worker,
    deaths.kill_supervisor_and_server,
    deaths.freeze_worker,
    damage.full_disk,
    damage.damage_aof,
    damage.damage_checkpoint,
    damage.full_server,
    surroundings.jump_clock,
)
"""With the embedded server. What this machine cannot do is left out; the tests of disk and clock say why."""
NETWORK: tuple[Fault, ...] = (
    surroundings.pull_cable,
    surroundings.second_supervisor,
    surroundings.second_worker,
    deaths.kill_server,
    deaths.cut_connections,
    damage.lose_data,
)
"""With the user's own server on a host of its own."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """What the tasks give when nobody disturbs them."""
    compile_once(tmp_path_factory)
    made = once(tmp_path_factory, "chaos", lambda folder: undisturbed(folder, (*SHORT, "--workers", "1")))
    return Place(made, None, CAMPAIGN).trained()


@pytest.mark.parametrize(
    ("number", "faults", "why"),
    [
        pytest.param(0, HERE, "", id="here"),
        pytest.param(2, NETWORK, tools.why_no_network(), id="network"),
    ],
)
def test_nothing_is_lost(
    number: int, faults: tuple[Fault, ...], why: str, tmp_path: Path, expected: dict[str, Trained]
) -> None:
    if why:
        pytest.skip(why)
    injected: list[str] = []
    disturbed = Round(tmp_path / "run", Random(number), number, SHORT, expected, PACE_S)
    summary = Summary()
    tally = disturbed.run(faults, len(faults), time.monotonic() + FAULTS_FOR_S, injected.append, summary)
    assert len(injected) >= len(faults) // 2, f"too few faults to tell: {injected}"
    assert tally.kept, f"after {injected}: {tally}"
    assert summary.kept
