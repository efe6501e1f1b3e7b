"""The chaos test with its workers on this machine, over ssh and in a Slurm at once."""

import json
import time
from pathlib import Path
from random import Random

import pytest

from cqltui.results.rundir import RunDir
from tests.chaos import deaths, elsewhere
from tests.chaos.faults import Fault
from tests.chaos.machines import why_not
from tests.chaos.run import ELSEWHERE, Round, Summary
from tests.chaos.test_chaos import PACE_S
from tests.chaos.world import CAMPAIGN
from tests.integration.sessions import compile_once, trained_alone

FAULTS: tuple[Fault, ...] = (
    elsewhere.cut_link,
    elsewhere.preempt,
    elsewhere.kill_tunnel,
    elsewhere.stop_sshd,
    elsewhere.cancel_job,
    elsewhere.controller_away,
    deaths.kill_worker,
    deaths.kill_supervisor,
    deaths.kill_supervisor_and_server,
    deaths.freeze_worker,
)
SETTINGS = ("epochs_scale=0.04", "trainer.precision=fp32")
FAULTS_FOR_S = 90.0


@pytest.mark.timeout(900)
def test_nothing_is_lost_over_blocks(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    if why := why_not():
        pytest.skip(why)
    compile_once(tmp_path_factory)
    expected = trained_alone(CAMPAIGN, tmp_path / "alone", SETTINGS)
    options = tuple(word for setting in SETTINGS for word in ("--set", setting))
    injected: list[str] = []
    disturbed = Round(tmp_path / "run", Random(ELSEWHERE), ELSEWHERE, options, expected, PACE_S)
    summary = Summary()
    tally = disturbed.run(FAULTS, 2 * len(FAULTS), time.monotonic() + FAULTS_FOR_S, injected.append, summary)
    assert set(injected) >= {"cut link", "preempt", "kill worker"}, f"too few faults to tell: {injected}"
    assert tally.kept, f"after {injected}: {tally}"
    assert summary.kept
    journal = RunDir(tmp_path / "run" / "place" / "runs" / CAMPAIGN.stem).journal
    lines = map(json.loads, journal.read_text("utf-8").splitlines())
    assert elsewhere.claimants(lines) == elsewhere.BLOCKS, "each block has trained"
    print(f"{len(injected)} faults ({', '.join(injected)}): {tally}")
