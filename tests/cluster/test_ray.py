"""Workers as jobs of a real Ray of two nodes: killed, stopped, waiting for a core, and found again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import tools
from tests.cluster.night import Night, weights
from tests.cluster.ray import RayCluster
from tests.cluster.test_slurm import deaths

BLOCK = '[[workers]]\nkind = "command"\npreset = "ray"\ncount = {count}\n'
EPOCHS, LONG = 60_000, 10_000_000
STARTED = r"worker ray-\d started on cpu \(pid (\d+)\)"


@pytest.fixture
def cluster() -> Iterator[RayCluster]:
    """One of two nodes."""
    if why := tools.why_not("ray"):
        pytest.skip(why)
    made = RayCluster()
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.mark.timeout(1_200)
def test_a_disturbed_run_on_ray_ends_as_an_undisturbed_one(cluster: RayCluster, tmp_path: Path) -> None:
    """Three workers on two nodes of a core each: one waits, one is killed, one is stopped, and so is the supervisor."""
    night = Night(tmp_path / "night", BLOCK.format(count=3), EPOCHS, cluster.environment)
    quiet: Night | None = None
    try:
        pids = [int(night.expect(STARTED)[1]) for _ in range(2)]
        night.expect("block ray: a worker waits for a machine: It may be waiting for resources", 90)
        assert len({job["driver_node_id"] for job in cluster.jobs("RUNNING")}) == 2, "one on each node"
        os.kill(pids[0], signal.SIGKILL)
        night.expect(r"worker ray-\d died \(signal 9\)", 90)
        night.kill()
        night.start()
        night.expect("campaign night: 4 tasks", 60)
        job = cluster.jobs("RUNNING")[0]
        cluster.ask("job", "stop", "--no-wait", job["submission_id"])
        night.expect(rf"worker {job['metadata']['name'][-5:]} stopped", 60)
        assert night.end(400) == 0
        quiet = Night(tmp_path / "quiet", '[[workers]]\nkind = "local"\ncount = 2\n', EPOCHS, cluster.environment)
        assert quiet.end(400) == 0
        assert weights(night) == weights(quiet)
        assert len(weights(night)) == 4
    finally:
        night.close()
        if quiet is not None:
            quiet.close()


@pytest.mark.timeout(1_200)
def test_a_lost_node_of_ray_is_no_death_of_its_tasks(cluster: RayCluster, tmp_path: Path) -> None:
    night = Night(tmp_path / "night", BLOCK.format(count=2), LONG, cluster.environment)
    try:
        for _ in range(2):
            night.expect(STARTED)
        night.expect_saved()
        cluster.kill_node()
        lost = night.expect(r"worker (ray-\d) has ended: its node was lost; that is no death of its tasks", 240)[1]
        night.expect(rf"worker {lost} was ordered from ray", 60)
        assert night.stop() == 130
        assert set(deaths(night)) == {0}
    finally:
        night.close()
