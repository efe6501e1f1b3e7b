"""deep.toml at a tenth of its epochs over several blocks, disturbed, beside an undisturbed run of this machine."""

import os
import signal
from pathlib import Path

import pytest

from tests.cluster.conftest import Start
from tests.cluster.night import weights
from tests.cluster.slurm import Cluster

DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"
LOCAL = '[[workers]]\nkind = "local"\ncount = {count}\n'
SLURM = '[[workers]]\nkind = "slurm"\ncount = 2\npartition = "low"\n'
QUEUE = "[report]\nauto = false\n[queue]\ncheckpoint_s = 1\nlease_s = 10\n"
TENTH = ("--set", "epochs_scale=0.1")
TASKS = 49
END_S = 900.0


def campaign() -> str:
    """The file without its workers, in a precision that is the same for all, and neither evaluated nor reported."""
    head, rest = DEEP.read_text("utf-8").split("[workers]\n")
    rest = rest.partition("\n\n")[2]
    text = head.replace("# automatic = true ", "automatic = false ").replace('precision = "auto"', 'precision = "fp32"')
    return text + QUEUE + "\n" + rest


@pytest.mark.timeout(2 * END_S)
def test_deep_over_several_blocks_ends_as_on_this_machine(cluster: Cluster, start: Start) -> None:
    """Another kind of block is another text in the list."""
    night = start(LOCAL.format(count=1) + SLURM, 0, "night", campaign(), TENTH)
    here = int(night.expect(r"worker w1 started on cpu \(pid (\d+)\)")[1])
    night.expect_trained("slurm-.")
    os.kill(here, signal.SIGKILL)
    night.expect(r"worker w1 died \(signal 9\)", 60)
    cluster.tool("sbatch", "--partition=high", "--nodes=2", "--output=/dev/null", "--wrap=sleep 2")
    night.expect("worker slurm-. stopped", 60)
    night.kill()
    night.start()
    pid = int(night.expect(r"worker slurm-. started on cpu \(pid (\d+)\)", 120)[1])
    os.kill(pid, signal.SIGKILL)
    assert night.end(END_S) == 0
    quiet = start(LOCAL.format(count=2), 0, "quiet", campaign(), TENTH)
    assert quiet.end(END_S) == 0
    assert len(weights(night)) == TASKS
    assert weights(night) == weights(quiet)
    cluster.wait_idle()
