"""The machine's own id, and what is seen of processes on it. Host names tell neither: laptops change them, containers
share them.

The id is random, made once per machine and user. Its file is named after what the system tells of the machine and its
boot, so that a home that several machines share (NFS) holds a file for each. After a reboot the file is passed on to
the new boot, unless that is another machine's: a clone has the same system id and a copy of the file. A clone is told
apart by its network cards, and by a file that was still used after the clone was booted. In doubt, one machine counts
as two.

Not told apart: a clone without network cards of its own that was booted after the file was last used, and a snapshot of
a running machine that is resumed twice with the same cards. The former has another boot id all the same, so that no pid
of one is taken for the other's. Containers that share a home may have one id; each has its own pid namespace.
"""

import fcntl
import json
import os
import platform
import secrets
import subprocess
import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from cqltui.child import tool_environment
from cqltui.identity import Life, ProcessIdentity, judge
from cqltui.later import Later

if TYPE_CHECKING:
    import psutil
else:
    psutil = Later("psutil")

LINUX = sys.platform == "linux"
ASK_S = 10.0
"""For an answer of the system's own tools."""
_TRIES = 20
"""Other processes of ours may make or rename the file at the same time."""


class Facts(Struct, frozen=True):
    """What the system tells of the machine. What it does not tell is empty."""

    system: str
    """The id of the installed system or of the hardware; clones of an image share it."""
    boot: str
    """The boot's own id."""
    booted_ts: float
    """When it was booted, in seconds since 1970."""
    hardware: frozenset[str] = frozenset()
    """Addresses of network cards, which a clone does not share. Those that are made up at each start do not count."""


def machine_id() -> str:
    """Return this machine's own id for this user, 32 hex digits. It says nothing of the machine or the user."""
    return here().machine


def here() -> ProcessIdentity:
    """Return this process."""
    return _process(os.getpid())


@cache
def cpu_model() -> str:
    """Return the kind of this machine's processors as people know it: another kind may round sums otherwise."""
    if LINUX:
        with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
            for line in islice(lines, 64):
                name, _, value = line.partition(":")
                if name.strip() == "model name" and value.strip():
                    return " ".join(value.split())
    else:
        return _answer("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.machine()


def start_time(pid: int) -> float | None:
    """Return when the process started: on Linux in seconds since the boot, which no setting of the clock moves,
    elsewhere since 1970. None if there is none; one that only waits to be collected by its parent is none."""
    if not LINUX:
        try:
            process = psutil.Process(pid)
            return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
        except (psutil.Error, ValueError):
            return None
    try:
        # The command's name, in brackets, may hold anything; 20 values follow up to the start, the first the state.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None


def is_neighbour(process: "psutil.Process") -> bool:
    """Return whether it is this user's and has its number in our pid namespace: a host sees its containers' processes
    too, for which paths mean something else. Raises psutil.Error and OSError."""
    if process.uids().real != os.getuid():
        return False
    return not LINUX or Path(f"/proc/{process.pid}/ns/pid").stat().st_ino == _pid_namespace()


def life(said: ProcessIdentity) -> Life:
    """Return whether that process lives, as far as it can be seen from here."""
    return judge(said, here(), start_time(said.pid))


@cache
def _process(pid: int) -> ProcessIdentity:
    facts, folder = _facts(), state_dir()
    return ProcessIdentity(
        machine=known_as(facts, folder / "machines" if folder else None),
        boot=facts.boot if _numbers_are_ours() else "",
        pid_namespace=_pid_namespace(),
        uid=os.getuid(),
        pid=pid,
        started=start_time(pid) or 0.0,
    )


def state_dir() -> Path | None:
    """Return the user's own folder for what a program keeps; None if there is none."""
    chosen = os.environ.get("XDG_STATE_HOME", "")
    with suppress(RuntimeError):  # no home
        return (Path(chosen) if chosen.startswith("/") else Path.home() / ".local" / "state") / "cqltui"
    return None


def known_as(facts: Facts, folder: Path | None) -> str:
    """Return the id of the machine in the user's folder of ids, made or passed on if need be.

    Where nothing can be written it is derived from the facts, and lasts as long as the boot.
    """
    if folder is not None:
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return _kept(facts, folder)
    if not facts.system or not facts.boot:
        return secrets.token_hex(16)
    return _digest("machine", facts.system, facts.boot, str(os.getuid()), *sorted(facts.hardware))[:32]


def _kept(facts: Facts, folder: Path) -> str:
    """Return the id that a file of the folder holds. Raises OSError."""
    prefix = f"{_digest('system', facts.system)[:16]}-"
    own = folder / f"{prefix}{_digest('boot', facts.boot)[:16]}.json"
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):  # renamed just now
            try:
                found = _read(own)
            except FileNotFoundError:
                if (former := _former(folder, prefix, facts)) is not None:
                    former.rename(own)
                else:
                    _make(own, facts)
                continue
            if found is None:
                _remove_damaged(own)
            elif _differs(found[1], facts):  # of the same boot: a resumed snapshot
                own = own.with_stem(f"{own.stem}-{_digest('hardware', *sorted(facts.hardware))[:16]}")
            else:
                os.utime(own)
                return found[0]
    raise OSError(f"{own}: cannot be made")


def _former(folder: Path, prefix: str, facts: Facts) -> Path | None:
    """Return the file of this machine's boot before: the one used last, before this boot began."""
    before = [
        (used_ts, path)
        for path in folder.glob(f"{prefix}*.json")
        if (found := _read(path)) is not None
        and not _differs(found[1], facts)
        and (used_ts := path.stat().st_mtime) < facts.booted_ts
    ]
    return max(before)[1] if before else None


def _differs(hardware: frozenset[str], facts: Facts) -> bool:
    return bool(hardware and facts.hardware) and not hardware & facts.hardware


def _read(path: Path) -> tuple[str, frozenset[str]] | None:
    """Return the id in the file and the hardware it was made on; None if it is damaged. Raises FileNotFoundError."""
    try:
        value = json.loads(path.read_bytes())
        return str(value["id"]), frozenset(map(str, value["hardware"]))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove_damaged(path: Path) -> None:
    """Remove the file if it is still damaged: another process may have made it again since it was read.

    Raises OSError.
    """
    with path.open("rb") as file:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.path.samestat(os.fstat(file.fileno()), path.stat()) and _read(path) is None:
            path.unlink()


def _make(path: Path, facts: Facts) -> None:
    """Write a new id, whole, unless another process has. Raises OSError."""
    new = path.with_name(f".{secrets.token_hex(8)}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"id": secrets.token_hex(16), "hardware": sorted(facts.hardware)}, file)
        try:
            path.hardlink_to(new)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _digest(*parts: str) -> str:
    """Return what may be shown of them: the system's id is to be kept from others (machine-id(5))."""
    return sha256("\0".join(("cqltui", *parts)).encode()).hexdigest()


def _facts() -> Facts:
    """Return those of this machine."""
    if LINUX:
        system = _line("/etc/machine-id") or _line("/var/lib/dbus/machine-id")
        return Facts(system, _line("/proc/sys/kernel/random/boot_id"), psutil.boot_time(), _cards())
    # The rest of the line after the key, in quotes. Macs have no clones with the same one.
    _, _, rest = _answer("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice").partition('"IOPlatformUUID"')
    system = rest.partition("\n")[0].strip(' ="')
    return Facts(system, _answer("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"), psutil.boot_time())


def _cards(net: Path = Path("/sys/class/net")) -> frozenset[str]:
    """Return the permanent addresses of the network cards that are devices: bridges and containers' cards are none."""
    return frozenset(
        _line(card / "address")
        for card in net.glob("*")
        if (card / "device").exists() and _line(card / "addr_assign_type") == "0"
    ) - {""}


def _pid_namespace() -> int:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino if LINUX else 0
    except OSError:
        return 0


def _numbers_are_ours() -> bool:
    """Return whether /proc shows the processes by the numbers that they have for us: it may be another namespace's."""
    try:
        return not LINUX or str(Path("/proc/self").readlink()) == str(os.getpid())
    except OSError:
        return False


def _line(path: str | Path) -> str:
    """Return the content of a small file; nothing if it cannot be read."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _answer(*command: str) -> str:
    """Return what the command prints; nothing if it fails."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=ASK_S, check=True, env=tool_environment()
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
