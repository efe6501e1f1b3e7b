"""Other machines on this one: a Slurm of two nodes, and a host that ssh reaches over a link that can be cut. A
campaign's workers are placed on both, and here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import hosts, slurm
from tests.cluster.hosts import Hosts
from tests.cluster.slurm import Cluster
from tests.integration.place import hooked

TABLE = '[workers]\ncount = 2\ndevice = "cpu"\npoll_interval_s = 0.2\n'
"""Of the campaign file: in its place come blocks, which have these keys each; what follows is the queue's."""
BLOCKS = """\
[[workers]]
kind = "local"
count = 1
device = "cpu"
poll_interval_s = 0.2

[[workers]]
kind = "ssh"
name = "lab"
hosts = "lab"
count = 1
dir = "{home}/there"
device = "cpu"
poll_interval_s = 0.2

[[workers]]
kind = "slurm"
count = 2
partition = "low"
device = "cpu"
poll_interval_s = 0.2

[queue]
"""


def why_not() -> str:
    """Return why there can be no such machines here; empty if there can."""
    return slurm.why_not() or hosts.why_not()


class Machines:
    """Both engines, and a campaign file that has its workers there."""

    def __init__(self, folder: Path, place: Path, pace_s: float) -> None:
        """`folder`: of what serves, which belongs to no run. `place`: where the run is; workers that ssh has started
        are at home below it, so that they are found among its processes. `pace_s`: what an epoch takes at least."""
        home = place / "home"
        for made in (folder, home):
            made.mkdir(parents=True)
        pace = _pace(pace_s)
        (folder / "hosts").mkdir()
        self._folder, self._home, self._pace = folder, home, pace
        self.hosts = Hosts(folder / "hosts", {"HOME": str(home), **pace})
        self.cluster = Cluster(folder / "slurm")
        self.have_trained = False
        """Whether workers of each block have had a task."""

    def start(self) -> None:
        """Bring both up."""
        self.hosts.serve()
        self.cluster.start()

    @property
    def environment(self) -> Mapping[str, str]:
        """What their user has set, beside our own environment."""
        return {"PATH": self.hosts.environment["PATH"], "SLURM_CONF": str(self.cluster.conf), **self._pace}

    def campaign(self, former: Path) -> Path:
        """Return a campaign file that differs from the former in its workers alone."""
        head, table, rest = former.read_text("utf-8").partition(TABLE)
        assert table, f"{former} has other workers by now"
        path = self._folder / former.name
        path.write_text(head + BLOCKS.format(home=self._home) + rest, encoding="utf-8")
        return path

    def close(self) -> None:
        """Leave nothing behind."""
        self.cluster.close()
        self.hosts.close()


@contextmanager
def machines(folder: Path, place: Path, pace_s: float) -> Iterator[Machines]:
    """Both engines, up."""
    made = Machines(folder, place, pace_s)
    try:
        made.start()
        yield made
    finally:
        made.close()


def _pace(pace_s: float) -> dict[str, str]:
    if not pace_s:
        return {}
    names = ("PYTHONPATH", "PACE_S")
    return {name: value for name, value in hooked({}, PACE_S=str(pace_s)).items() if name in names}
