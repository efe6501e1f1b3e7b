"""A campaign of as many tasks as are wanted, on an embedded server of its own."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import redis
from msgspec import Struct

from cqltui.broker.server.access import Server
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir

FILE = """
[campaign]
name = "scale"
[trainer]
epochs = 1000
lr = 1e-4
alpha = 0.3
hidden_dims = [256, 128, 64]
[workers]
stall_s = 86400
[[phase]]
name = "sweep"
priority = 6
[phase.grid]
seed = {{ from = 1, to = {tasks} }}
"""
ROWS, VALIDATION_ROWS = 1675, 400
TRIES = 100


class Place(Struct, frozen=True):
    """A run directory with its server."""

    run_dir: RunDir
    server: Server
    campaign: Campaign
    data: DataSummary

    @property
    def client(self) -> redis.Redis:
        """The queue's."""
        return self.server.queue.client

    def memory_mb(self) -> float:
        """What the server holds, in MB of a million bytes."""
        told: dict[str, Any] = self.client.execute_command("INFO", "memory")
        return float(told["used_memory"]) / 1e6

    def server_cpu_s(self) -> float:
        """Seconds of the processor that the server has taken."""
        told: dict[str, Any] = self.client.execute_command("INFO", "cpu")
        return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def campaign_of(tasks: int, folder: Path) -> tuple[Campaign, DataSummary]:
    """One phase of so many seeds. Where ids are so short that they collide, data is found with which they do not."""
    path = folder / "scale.toml"
    path.write_text(FILE.format(tasks=tasks), encoding="utf-8")
    loaded = load_campaign(path)
    for number in count():
        digest = f"{number:064x}"
        try:
            return loaded.identified(digest), DataSummary(digest, ROWS, VALIDATION_ROWS)
        except InputError:
            if number >= TRIES:
                raise
    raise AssertionError  # `count` has no end


@contextmanager
def place(tasks: int) -> Iterator[Place]:
    """A server as a run has it (AOF, synced every second) with nothing in it, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="cqltui-scale-") as name:
        run_dir = RunDir(Path(name) / "run")
        run_dir.path.mkdir()
        campaign, data = campaign_of(tasks, Path(name))
        server = Server(run_dir.path, None, start=True)
        try:
            yield Place(run_dir, server, campaign, data)
        finally:
            server.leave()


def settle(client: redis.Redis) -> None:
    """Wait until the server has ended rewriting its AOF, which a long fill makes it do."""
    while client.execute_command("INFO", "persistence")["aof_rewrite_in_progress"]:
        time.sleep(0.2)
