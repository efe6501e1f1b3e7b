"""What a worker process has, for all of its sessions."""

import threading
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from cqltui.results.rundir import RunDir
from cqltui.store.base import Store
from cqltui.worker.datafile import DataSource
from cqltui.worker.link import Link
from cqltui.worker.travel import Travel
from trainer.config import DataConfig
from trainer.data.types import Dataset


class Context(Struct, dict=True):
    """What a worker process has, for all of its sessions."""

    link: Link
    worker: dict[str, Any]
    """id, pid, host, device, started_ts."""
    run_dir: RunDir
    versions: dict[str, str]
    stop: threading.Event
    """Set: checkpoint, give the tasks back, leave."""
    hands_over: bool = False
    """The run directory is on another machine: results travel through the server."""
    device: str = "cpu"
    """The torch device trained on."""
    memory_bytes: Callable[[], int] = lambda: 0
    """What this process holds on its device now."""
    datasets: dict[str, Dataset] = field(default_factory=dict)
    data_root: Path | None = None
    """As of `DataSource.root`."""

    unable: str = ""
    """Why this process cannot train the campaign at all, once that is known."""
    store: Store | None = None
    """None: through the server alone."""

    @cached_property
    def travel(self) -> Travel:
        """Return what brings files to the run directory and from it, wherever that is."""
        queue = self.link.queue
        return Travel(queue, self.store or Store(queue), str(self.worker["id"]), sends=self.hands_over)

    def dataset(self, config: DataConfig, digest: str) -> Dataset:
        """Return the task's data, checked to be what the campaign was planned with."""
        if digest not in self.datasets:
            bring = partial(self.travel.data, self.run_dir, digest) if self.hands_over else None
            source = DataSource(None if self.hands_over else self.run_dir, self.data_root, bring)
            self.datasets = {digest: source.load(config, digest)}
        return self.datasets[digest]
