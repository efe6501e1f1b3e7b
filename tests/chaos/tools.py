"""What some faults need of the machine, and the reason where it is not to be had."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FAKETIME = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")
CLOCK = Path(__file__).with_name("clock")
DISK_MB = 96
"""Of the small disk: a run takes a fifth of it."""


def run(*command: str) -> bool:
    """Whether the command works."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def why_no_disk() -> str:
    """Why no small disk can be had; empty if one can."""
    if os.geteuid() != 0:
        return "a small disk (tmpfs) is mounted by root only"
    with tempfile.TemporaryDirectory() as folder:
        if not run("mount", "-t", "tmpfs", "-o", "size=1m", "none", folder):
            return "this system does not let a tmpfs be mounted"
        run("umount", folder)
    return ""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """The folder, on a disk of its own that is soon full."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def faketime() -> Path | None:
    """The library that shifts a process's clock."""
    return next((path for pattern in FAKETIME for path in Path("/").glob(pattern[1:])), None)


def why_no_clock() -> str:
    """Why no clock can be shifted; empty if one can."""
    return "" if faketime() else "libfaketime is not installed"


def clock_environment(offset: Path) -> dict[str, str]:
    """For processes whose clock of the day is shifted by the seconds that the file holds."""
    offset.write_text("+0", encoding="ascii")
    return {"PYTHONPATH": f"{CLOCK}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"} | {
        "CHAOS_CLOCK": str(offset),
        "CHAOS_FAKETIME": str(faketime()),
    }


def why_no_network() -> str:
    """Why no network of our own can be had; empty if one can."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "a network namespace needs root and iproute2"
    name = f"cqltui-{os.getpid()}-try"
    if not run("ip", "netns", "add", name):
        return "this system does not let a network namespace be made"
    run("ip", "netns", "delete", name)
    return ""


class Network:
    """A host of our own, in a namespace, at the other end of a cable that can be pulled."""

    def __init__(self, number: int) -> None:
        """`number`: 0 to 250, for addresses of its own."""
        self.name = f"cqltui-{os.getpid()}-{number}"
        self.here, self.there = f"cqh{os.getpid() % 10000}{number}", f"cqt{os.getpid() % 10000}{number}"
        self.address, self._ours = f"10.213.{number}.1", f"10.213.{number}.2"

    def __enter__(self) -> "Network":
        inside = ("ip", "-n", self.name)
        for command in (
            ("ip", "netns", "add", self.name),
            ("ip", "link", "add", self.here, "type", "veth", "peer", "name", self.there, "netns", self.name),
            ("ip", "address", "add", f"{self._ours}/24", "dev", self.here),
            ("ip", "link", "set", self.here, "up"),
            (*inside, "address", "add", f"{self.address}/24", "dev", self.there),
            (*inside, "link", "set", self.there, "up"),
            (*inside, "link", "set", "lo", "up"),
        ):
            subprocess.run(command, check=True, capture_output=True)
        return self

    def __exit__(self, *_: object) -> None:
        run("ip", "link", "delete", self.here)
        run("ip", "netns", "delete", self.name)

    def cable(self, *, plugged: bool) -> None:
        """Pull it or plug it in."""
        subprocess.run(["ip", "link", "set", self.here, "up" if plugged else "down"], check=True)

    def command(self, *words: str) -> list[str]:
        """The command, run on that host."""
        return ["ip", "netns", "exec", self.name, *words]
