"""A cluster of Ray on one machine: two nodes of one core each, by `ray start`."""

import json
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.cluster.slurm import free_port
from tests.cluster.tools import BIN

HOST = "127.0.0.1"
START_S, ASK_S = 120.0, 60.0


class RayCluster:
    """Two nodes; what they write is in a folder of a short name, since Ray's sockets are below it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True)
        self._port, self._dashboard = free_port(), free_port()
        self._second: list[psutil.Process] = []
        self.environment = {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "RAY_ADDRESS": f"http://{HOST}:{self._dashboard}",
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def start(self) -> None:
        """Bring both nodes up."""
        here = (f"--node-ip-address={HOST}", "--num-cpus=1", "--disable-usage-stats")
        head = ("--head", f"--port={self._port}", f"--dashboard-port={self._dashboard}")
        self._start(*head, f"--temp-dir={self._folder.name}", *here)
        former = self._mine()
        self._start(f"--address={HOST}:{self._port}", *here)
        self._second = [process for process in self._mine() if process not in former]
        deadline = time.monotonic() + START_S
        while why := self._why_not():  # a node's agent comes up after its node
            assert time.monotonic() < deadline, f"Ray takes no jobs: {why}"
            time.sleep(1.0)

    def kill_node(self) -> None:
        """As if the second node lost its power: all that it has started ends at once."""
        lost = {child for process in self._second if process.is_running() for child in process.children(recursive=True)}
        for process in (*self._second, *lost):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _start(self, *words: str) -> None:
        environment = {name: value for name, value in self.environment.items() if name != "RAY_ADDRESS"}
        with (Path(self._folder.name) / "start.out").open("ab") as out:  # no pipe: what it starts would keep it open
            # Else both nodes' agents want one port, which that of an earlier cluster may have had until just now.
            command = [str(BIN / "ray"), "start", f"--dashboard-agent-listen-port={free_port()}", *words]
            done = subprocess.run(command, env=environment, stdout=out, stderr=out, timeout=START_S, check=False)
        assert done.returncode == 0, (Path(self._folder.name) / "start.out").read_text("utf-8")[-2000:]

    def _why_not(self) -> str:
        """Return why it takes no job; empty if it does."""
        words = [str(BIN / "ray"), "job", "submit", "--no-wait", "--", "true"]
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=ASK_S, check=False)
        return f"{done.stdout}{done.stderr}"[-2000:] if done.returncode else ""

    def ask(self, *words: str) -> str:
        """Return what a command of `ray` prints."""
        done = subprocess.run(
            [BIN / "ray", *words], env=self.environment, capture_output=True, text=True, timeout=ASK_S, check=True
        )
        return done.stdout

    def jobs(self, status: str) -> list[dict[str, Any]]:
        """Return the jobs of that status."""
        found = json.loads(self.ask("list", "jobs", "--format", "json", "--detail", "--limit", "10000"))
        return [job for job in found if job["status"] == status]

    def close(self) -> None:
        """End both nodes, and no others, as `ray stop` would: all that they started names their folder."""
        mine = self._mine()
        for process in mine:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(mine, timeout=20)
        self._folder.cleanup()

    def _mine(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter(["cmdline"]) if self._is_mine(process)]

    def _is_mine(self, process: psutil.Process) -> bool:
        return any(self._folder.name in word for word in process.info["cmdline"] or ())
