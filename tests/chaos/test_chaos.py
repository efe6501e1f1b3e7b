"""A short, fixed set of faults in real campaigns. `make chaos` is the long run."""

import time
from pathlib import Path
from random import Random

import pytest

from tests.chaos import damage, deaths, surroundings, tools
from tests.chaos.faults import Fault
from tests.chaos.run import Round, Summary
from tests.chaos.world import CAMPAIGN
from tests.integration.sessions import compile_once, trained_alone

SHORT = ("epochs_scale=0.02", "trainer.precision=fp32")
"""Few epochs."""
MIXED = (*SHORT, "phase.first.precision=bf16")
"""One task has one of the two workers load PyTorch, which takes several times as long as the rest of a start. What
happens to a network is the same to all workers: there none does."""
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


@pytest.mark.parametrize(
    ("number", "faults", "settings", "why"),
    [
        pytest.param(0, HERE, MIXED, "", id="here"),
        pytest.param(2, NETWORK, SHORT, tools.why_no_network(), id="network"),
    ],
)
def test_nothing_is_lost(
    number: int,
    faults: tuple[Fault, ...],
    settings: tuple[str, ...],
    why: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if why:
        pytest.skip(why)
    compile_once(tmp_path_factory)
    expected = trained_alone(CAMPAIGN, tmp_path / "alone", settings)
    options = tuple(word for setting in settings for word in ("--set", setting))
    injected: list[str] = []
    disturbed = Round(tmp_path / "run", Random(number), number, options, expected, PACE_S)
    summary = Summary()
    tally = disturbed.run(faults, len(faults), time.monotonic() + FAULTS_FOR_S, injected.append, summary)
    assert len(injected) >= len(faults) // 2, f"too few faults to tell: {injected}"
    assert tally.kept, f"after {injected}: {tally}"
    assert summary.kept
