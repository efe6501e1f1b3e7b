"""deep.toml at a tenth of its epochs over all kinds of blocks together, disturbed, beside an undisturbed run of this
machine. `CQLTUI_DEEP_SCALE=1` has all epochs trained, which takes half an hour."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.hosts import Hosts
from tests.cluster.night import Night, weights
from tests.cluster.slurm import Cluster
from tests.cluster.test_slurm import deaths
from tests.cluster.test_ssh import CUT_S, STANDS

DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"
LOCAL = '[[workers]]\nkind = "local"\ncount = {count}\n'
SLURM = '[[workers]]\nkind = "slurm"\ncount = 2\npartition = "low"\n'
SSH = '[[workers]]\nkind = "ssh"\nname = "lab"\nhosts = "lab"\ncount = 1\ndir = "{dir}"\n'
QUEUE = "[report]\nauto = false\n[queue]\ncheckpoint_s = 1\nlease_s = 10\n"
SCALE = os.environ.get("CQLTUI_DEEP_SCALE", "0.1")
OPTIONS = ("--set", f"epochs_scale={SCALE}")
TASKS = 49
END_S = 900.0 * max(1.0, 10 * float(SCALE))
STARTED = r"worker {slot} started on cpu \(pid (\d+)\)"


def campaign() -> str:
    """The file without its workers, in a precision that is the same for all, and neither evaluated nor reported."""
    head, rest = DEEP.read_text("utf-8").split("[workers]\n")
    rest = rest.partition("\n\n")[2]
    text = head.replace("# automatic = true ", "automatic = false ").replace('precision = "auto"', 'precision = "fp32"')
    return text + QUEUE + "\n" + rest


@pytest.fixture
def nights(cluster: Cluster, two: Hosts, tmp_path: Path) -> Iterator[tuple[Night, Night]]:
    """A run over all blocks, and one of this machine that is begun when the test wants it; both are ended."""
    environment = {**cluster.environment, "PATH": two.environment["PATH"]}
    blocks = LOCAL.format(count=1) + SSH.format(dir=tmp_path / "there") + SLURM
    night = Night(tmp_path / "night", blocks, 0, environment, campaign(), OPTIONS)
    quiet = Night(tmp_path / "quiet", LOCAL.format(count=2), 0, environment, campaign(), OPTIONS, begin=False)
    yield night, quiet
    night.close()
    quiet.close()


@pytest.mark.timeout(3 * END_S)
def test_deep_over_all_blocks_ends_as_on_this_machine(
    cluster: Cluster, two: Hosts, nights: tuple[Night, Night]
) -> None:
    """While a link is cut the other blocks are disturbed, so that several troubles meet."""
    night, quiet = nights
    pids = {slot: int(night.sees(STARTED.format(slot=slot))[1]) for slot in ("w1", "lab-1", "slurm-1", "slurm-2")}
    night.expect_saved()

    two.link(up=False)
    cut, told = time.monotonic(), len(night.text)
    os.kill(pids["w1"], signal.SIGKILL)
    night.sees(r"worker w1 died \(signal 9\)", told)
    cluster.tool("sbatch", "--partition=high", "--nodes=2", "--output=/dev/null", "--wrap=sleep 2")
    for slot in ("slurm-1", "slurm-2"):
        night.sees(f"worker {slot} stopped", told)
    while time.monotonic() - cut < CUT_S:
        time.sleep(0.2)
    two.link(up=True)
    joined = night.sees(STANDS, told).end()
    two.tunnel().kill()
    night.sees(STANDS, joined)

    os.kill(pids["lab-1"], signal.SIGKILL)
    night.sees(r"worker lab-1 died \(signal 9\)", told)

    night.kill()
    night.start()
    os.kill(int(night.sees(STARTED.format(slot="slurm-."), told)[1]), signal.SIGKILL)
    night.sees(r"worker slurm-. died", told)  # of a block on this machine it is seen before Slurm tells why
    assert night.end(END_S) == 0
    print(f"{len(re.findall('worker .* started on', night.text))} workers over all blocks, deaths {deaths(night)}")

    quiet.start()
    assert quiet.end(END_S) == 0
    assert len(weights(night)) == TASKS
    assert weights(night) == weights(quiet)
    cluster.wait_idle()
