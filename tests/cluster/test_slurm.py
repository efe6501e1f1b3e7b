"""Workers as jobs of a real Slurm: preempted, killed, cancelled, out of time, on a lost node, under no controller.

Slurm is asked every half minute at most, as it is for everybody, so that these tests take minutes and no CPU.
"""

import json
import os
import signal
import time

import psutil

from tests.cluster.conftest import Start
from tests.cluster.night import Night, weights
from tests.cluster.slurm import Cluster

LONG = 10_000_000
BLOCK = '[[workers]]\nkind = "slurm"\ncount = {count}\npartition = "low"\n'
ORDERED = r"worker {slot} was ordered from slurm \(job (\d+)\)"
STARTED = r"worker {slot} started on cpu \(pid (\d+)\)"
SILENCE_S = 60.0


def deaths(night: Night) -> list[int]:
    """Of each task, as the run directory knows it."""
    paths = sorted((night.run_dir / "tasks").glob("*/task.json"))
    return [json.loads(path.read_text("utf-8"))["life"]["deaths"] for path in paths]


def running(cluster: Cluster) -> str:
    """The number of the worker's job that runs."""
    (job,) = [job for job, name, state, _ in cluster.jobs() if "-slurm-" in name and state == "RUNNING"]
    return job


def test_preempted_cancelled_and_killed(cluster: Cluster, start: Start) -> None:
    night = start(BLOCK.format(count=1))
    night.expect_trained("slurm-1")

    began = time.monotonic()
    cluster.tool("sbatch", "--partition=high", "--nodes=2", "--output=/dev/null", "--wrap=sleep 3")
    night.expect("worker slurm-1 stopped", 30)  # it saved its work and said so, long before it would have been ended
    night.expect(ORDERED.format(slot="slurm-1"), 30)
    print(f"preempted, a new job was ordered {time.monotonic() - began:.1f} s later")
    pid = night.expect_trained("slurm-1")

    os.kill(pid, signal.SIGKILL)
    night.expect(r"worker slurm-1 died \(signal 9\)", 60)
    night.expect_trained("slurm-1")

    cluster.tool("scancel", running(cluster))
    night.expect("worker slurm-1 stopped", 30)
    night.expect_trained("slurm-1")
    assert night.stop() == 130
    assert max(deaths(night)) <= 1, "that by signal 9 alone, until its next checkpoint"
    assert night.text.count("slurm-1 died") == 1
    cluster.wait_idle()


def test_a_silent_controller_is_waited_for_and_jobs_are_found_again(cluster: Cluster, start: Start) -> None:
    night = start(BLOCK.format(count=3))
    for _ in range(2):
        night.expect(STARTED.format(slot="slurm-."))
    night.expect("block slurm: a worker waits for a machine: (Resources|Priority)", 60)
    before = sorted(cluster.jobs())
    cluster.stop_controller()
    began = time.monotonic()
    night.expect("block slurm: it does not say how its workers are; it is waited for: .*[Uu]nable to contact", 60)
    night.kill()  # and the supervisor too
    while time.monotonic() - began < SILENCE_S:
        time.sleep(0.5)
    night.start()
    night.expect("block slurm: it does not say how its workers are", 60)
    cluster.start_controller()
    time.sleep(35.0)  # a question later it knows them again
    assert sorted(cluster.jobs()) == before, "the same jobs, and no other"
    assert "died" not in night.text
    assert night.stop() == 130
    assert set(deaths(night)) == {0}


def test_a_lost_node(cluster: Cluster, start: Start) -> None:
    night = start(BLOCK.format(count=1))
    pid = night.expect_trained("slurm-1")
    (node,) = [node for job, _, _, node in cluster.jobs() if job == running(cluster)]
    step = psutil.Process(pid).parent()
    cluster.kill_node(node)
    assert step is not None
    step.kill()
    os.kill(pid, signal.SIGKILL)
    try:
        night.expect("worker slurm-1 has ended: its node was lost", 120)
        night.expect_trained("slurm-1")
        assert night.stop() == 130
        assert set(deaths(night)) == {0}
    finally:
        cluster.start_node(node)
        cluster.wait_idle()


def test_the_limit_of_time(cluster: Cluster, start: Start) -> None:
    """Two minutes: the worker leaves after one, long before Slurm would end it, and claims nothing more."""
    night = start(BLOCK.format(count=1) + 'time = "2"\n')
    night.expect_trained("slurm-1")
    began = time.monotonic()
    night.expect("worker slurm-1 stopped", 90)
    assert time.monotonic() - began < 75, "Slurm tells it up to a minute earlier than it was asked to"
    night.expect(ORDERED.format(slot="slurm-1"), 30)
    night.expect_trained("slurm-1")
    assert night.stop() == 130
    assert set(deaths(night)) == {0}
    assert "time limit" not in night.text


def test_a_partition_that_is_not_there(cluster: Cluster, start: Start) -> None:
    night = start(BLOCK.format(count=1).replace("low", "nowhere"))
    night.expect("block slurm: no worker could be ordered: sbatch: error: [Ii]nvalid partition", 30)
    assert night.end(120) == 3
    assert "no worker has got to work" in night.text


def test_a_disturbed_run_ends_as_an_undisturbed_one(cluster: Cluster, start: Start) -> None:
    night = start(BLOCK.format(count=2), epochs=12_000)
    for _ in range(2):
        night.expect(STARTED.format(slot="slurm-."))
    time.sleep(3.0)
    cluster.tool("sbatch", "--partition=high", "--nodes=2", "--output=/dev/null", "--wrap=sleep 1")
    night.expect("worker slurm-. stopped", 30)
    pid = int(night.expect(STARTED.format(slot="slurm-."), 60)[1])
    os.kill(pid, signal.SIGKILL)
    assert night.end(300) == 0
    quiet = start('[[workers]]\nkind = "local"\ncount = 2\n', epochs=12_000, name="quiet")
    assert quiet.end(300) == 0
    assert weights(night) == weights(quiet)
    assert len(weights(night)) == 4
    cluster.wait_idle()
