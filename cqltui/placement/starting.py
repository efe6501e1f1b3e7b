"""What a worker of a block is started with: its command line, its environment, and a file for what is secret. Pure but
for that file."""

import hashlib
import os
import re
import shlex
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from cqltui.campaign.model import BlockConfig
from cqltui.child import ONE_THREAD, PYTHON
from cqltui.placement.process import WORKER
from trainer.files import make_folder, read_regular, write_bytes

ENV_FILE = "CQLTUI_ENV_FILE"
"""Names the file with what a worker may know and nobody else."""
END_TS = "CQLTUI_END_TS"
"""When the worker's machine is taken away, in seconds since 1970."""
LARGEST_BYTES = 1 << 16
UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
"""What stands in no name of a job or folder."""


class Starting(Struct, frozen=True):
    """How the workers of a block are started for a run."""

    run_dir: Path
    block: BlockConfig
    logs: Path
    """Where workers write; a folder there, where the run directory is not shared."""
    env_file: Path | None = None
    """With the server's URL; None where the run directory's own server is meant."""
    store: str | None = None
    """The URL of the campaign's objects."""

    @property
    def run(self) -> str:
        """What the run is called among an engine's jobs: by the run directory's name, and by its path, since several
        runs may be called so."""
        path = str(self.run_dir.resolve())
        name = UNSAFE.sub("-", self.run_dir.name)[:40]
        return f"cqltui-{name}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"

    @property
    def prefix(self) -> str:
        """What the names of the run's jobs begin with."""
        return f"{self.run}-"

    def job_name(self, slot: str) -> str:
        """Return the name of a slot's job, by which the next supervisor finds it."""
        return f"{self.prefix}{slot}"

    def slot(self, job_name: str) -> str | None:
        """Return the slot that a job's name tells, if it is one of this block's in this run."""
        own = self.prefix + self.block.name + "-"
        number = job_name.removeprefix(own)
        return f"{self.block.name}-{number}" if job_name.startswith(own) and number.isdecimal() else None

    @property
    def folder(self) -> Path:
        """The folder in which a job begins, which is there: not the run directory where it is not shared."""
        return self.run_dir.parent if self.block.shared else Path.home()

    def make_logs(self) -> None:
        """Make the folder of logs, if it is here. Raises OSError."""
        if self.block.shared:
            make_folder(self.logs)

    def log(self, slot: str) -> Path:
        """Return where the worker writes."""
        return self.logs / f"{slot}.log"

    def worker(self, slot: str) -> list[str]:
        """Return the worker's command line."""
        block = self.block
        python = [block.python or PYTHON[0], *PYTHON[1:]]
        words = [*python, *WORKER, slot, "--poll-interval", f"{block.poll_interval_s:g}"]
        if block.shared:
            words += ["--run-dir", str(self.run_dir)]
        elif self.store is not None:  # else campaign.json tells
            words += ["--store", self.store]
        for option, folder in (("--dir", block.dir), ("--data-root", block.data_root)):
            words += [option, folder] if folder is not None else []
        if block.device != "auto":
            words += ["--device", block.device]
        if block.min_priority is not None:
            words += ["--min-priority", str(block.min_priority)]
        return words

    def environment(self) -> Mapping[str, str]:
        """Return what the worker's environment has in addition; nothing of it is secret."""
        return ONE_THREAD | ({ENV_FILE: str(self.env_file)} if self.env_file is not None else {})


def shell_lines(environment: Mapping[str, str]) -> Sequence[str]:
    """Return the lines of a shell's script that set these variables."""
    return [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]


def write_secrets(path: Path, secrets: Mapping[str, str]) -> None:
    """Write a file that its owner alone can read, with a line NAME=value for each."""
    make_folder(path.parent)
    path.parent.chmod(0o700)
    content = "".join(f"{name}={value}\n" for name, value in secrets.items())
    write_bytes(path, content.encode(), private=True)


def read_secrets(path: str) -> dict[str, str]:
    """Return what `write_secrets` has written. Raises ValueError for a file that others can read or that is somebody
    else's, and OSError."""
    content = read_regular(Path(path), LARGEST_BYTES)
    found = Path(path).stat()
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError("others can read it, or it is another user's: chmod 600")
    pairs = (line.partition("=") for line in content.decode().splitlines() if line)
    return {name: value for name, equals, value in pairs if equals}
