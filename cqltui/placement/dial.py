"""A tunnel that a worker's own machine builds to the run's, where the latter cannot reach it: behind NAT, for one."""

import json
import re
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from cqltui.broker.server.keeper import CONNECTION_FILE
from cqltui.broker.server.launch import socket_path
from cqltui.campaign.hosts import SshConfig
from cqltui.errors import InputError
from cqltui.placement import sshwords
from cqltui.placement.protocol import PlacementError
from cqltui.placement.tools import run_tool
from cqltui.placement.tunnel import OPEN_S, Kept, hear, opened
from trainer.files import write_bytes

REPEAT_S = 5
"""Seconds between two looks at the run's file, by the tunnel's own connection."""
SILENCE_S = 3 * REPEAT_S + OPEN_S
_PLACE = re.compile(r"(?P<host>[A-Za-z0-9_][A-Za-z0-9_.@%-]*):(?P<file>/[^\x00-\x1f]+)")
LONGEST_FILE = 1 << 16


class Dial(Kept):
    """From here to a run's server on another machine, by the file there that its supervisor keeps."""

    def __init__(self, place: str, config: SshConfig | None = None) -> None:
        """`place`: host:/path/of/the/file. Raises InputError."""
        found = _PLACE.fullmatch(place)
        if found is None:
            raise InputError(f"--through: expected HOST:/path, as `cqltui plan` prints it there, found {place[:200]!a}")
        self._host, self._file, self._config = found["host"], found["file"], config or SshConfig()
        self._folder = tempfile.TemporaryDirectory(prefix="cqltui-dial-")  # of mode 0700
        super().__init__(self._host)

    def join(self) -> None:
        """As of `Kept.join`."""
        super().join()
        self._folder.cleanup()

    def _hold(self) -> None:
        folder = Path(self._folder.name)
        entry = self._read(self._ask())
        local = socket_path(folder)
        local.unlink(missing_ok=True)
        try:
            self._lead(entry, local)
        finally:
            local.unlink(missing_ok=True)

    def _lead(self, entry: dict[str, Any], local: Path) -> None:
        """Keep up the tunnel to the socket of the entry; return once the server is at another. Raises
        PlacementError."""
        folder = Path(self._folder.name)
        words = sshwords.dial(self._config, self._host, (str(local), str(entry["socket"])), self._file, REPEAT_S)
        with opened(words, stdin=subprocess.DEVNULL) as (process, errors):
            kept, rest = b"", b""
            while not self._closing.is_set():
                *lines, rest = (rest + hear(process, SILENCE_S, errors)).split(b"\n")
                if len(rest) > LONGEST_FILE:
                    raise PlacementError(f"{self._file}: is not the file of a block")
                for line in filter(None, lines):
                    later = self._read(line.decode(errors="replace"))
                    if later["socket"] != entry["socket"]:
                        return
                    content = json.dumps({**later, "socket": str(local)}).encode()
                    if content != kept:
                        write_bytes(folder / CONNECTION_FILE, content, private=True)
                        kept = content
                        self._stands(folder)

    def _ask(self) -> str:
        try:
            return run_tool(sshwords.plainly(self._config, self._host, f"cat {shlex.quote(self._file)}"))
        except PlacementError as error:
            raise sshwords.trouble(self._host, error) from None

    def _read(self, line: str) -> dict[str, Any]:
        try:
            found = json.loads(line)
            if isinstance(found, dict) and isinstance(found["socket"], str):
                return found
        except (ValueError, LookupError, RecursionError):
            pass
        raise PlacementError(f"{self._host}:{self._file}: is not the file of a block")
