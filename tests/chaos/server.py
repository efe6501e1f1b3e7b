"""The user's own server, on this host or on one of its own."""

import shutil
import subprocess
from pathlib import Path

from cqltui.broker.server.launch import find_binary
from tests.chaos.tools import Network
from tests.contract.servers import answers, free_port
from tests.integration.place import until

PASSWORD = "chaos-and-more"


class OwnServer:
    """A server with an append-only file, started and killed by whoever tests."""

    def __init__(self, folder: Path, network: Network | None) -> None:
        """`network`: the host it runs on; None: this one."""
        self.folder = folder
        self.network = network
        self._host = network.address if network else "127.0.0.1"
        self._port = free_port()
        self.url = f"redis://:{PASSWORD}@{self._host}:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id, 0 if it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def start(self, *, empty: bool = False) -> None:
        """Start it, with the data that it had or without any. One that was killed before is collected."""
        if self._process is not None:
            self._process.wait()
        if empty:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        words = [find_binary(), "-"]
        self._process = subprocess.Popen(
            self.network.command(*words) if self.network else words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd=self.folder.parent,
        )
        assert self._process.stdin is not None
        config = f"bind {self._host}\nport {self._port}\nrequirepass {PASSWORD}\nappendonly yes\ndir {self.folder}\n"
        self._process.stdin.write(f'{config}save ""\nmaxmemory-policy noeviction\n'.encode())
        self._process.stdin.close()

    def wait(self) -> None:
        """Return when it answers."""
        until(lambda: answers(self.url, socket_timeout=1.0), "the user's server")

    def end(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
