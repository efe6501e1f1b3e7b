"""What this process may use of its machine, and what limits it: affinity, and the control groups that containers, batch
systems and services are made of. Linux tells; elsewhere there is the machine alone. Free of torch.
"""

import math
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

ROOT = Path("/")
AFFINITY = "the CPU affinity (taskset, or a container's cpuset)"


class Allowed(Struct, frozen=True):
    """Cores, or bytes of memory."""

    amount: int
    machine: int
    """What the machine has."""
    limit: str = ""
    """What keeps the amount below that, in words; empty where nothing does."""


class _Group(NamedTuple):
    """A control group that this process is in, itself or by a group within it."""

    folder: Path
    unified: bool
    """Of cgroup v2."""


def cores(root: Path = ROOT) -> Allowed:
    """Processor cores: the least that affinity and any CPU quota leave. A part of a core counts as one.

    `root`: where /proc and /sys are.
    """
    machine, usable = os.cpu_count() or 1, usable_cores()
    found = Allowed(usable, machine, AFFINITY if usable < machine else "")
    for group in _groups("cpu", root):
        quota = _cpu_max(group.folder) if group.unified else _cfs_quota(group.folder)
        if quota is not None and math.ceil(quota) < found.amount:
            name = "cpu.max" if group.unified else "cpu.cfs_quota_us"
            found = Allowed(math.ceil(quota), machine, f"the CPU quota of {quota:g} in {_shown(group, name, root)}")
    return found


def memory(root: Path = ROOT) -> Allowed:
    """Return the bytes of memory in all: the machine's, or the least that a control group may have."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = Allowed(machine, machine)
    for group in _groups("memory", root):
        for name in _memory_limits(group):
            most = _number(group.folder / name)
            if most is not None and most < found.amount:
                found = Allowed(most, machine, f"the memory limit in {_shown(group, name, root)}")
    return found


def free_memory(available: int, root: Path = ROOT) -> int:
    """Return the bytes that can be had now: of the machine's `available` ones what every control group lets through."""
    least = available
    for group in _groups("memory", root):
        used = _number(group.folder / ("memory.current" if group.unified else "memory.usage_in_bytes"))
        if used is None:
            continue
        used -= _cached(group)
        for name in _memory_limits(group):
            if (most := _number(group.folder / name)) is not None:
                least = min(least, most - used)
    return max(0, least)


def usable_cores() -> int:
    """Cores that the system would run this process on."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13, which also heeds PYTHON_CPU_COUNT
        return int(os.process_cpu_count() or 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _groups(controller: str, root: Path) -> Iterator[_Group]:
    """Yield the groups of this process that have the controller, its own first, up to the outermost that can be
    seen."""
    paths = dict(_memberships(root))
    for line in _lines(root / "proc/self/mountinfo"):
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if len(fields) < 5 or len(kind) < 3 or kind[0] not in ("cgroup", "cgroup2"):
            continue
        unified = kind[0] == "cgroup2"
        path = paths.get("" if unified else controller)
        if path is None or not (unified or controller in kind[2].split(",")):
            continue
        top = root / _unescaped(fields[4]).lstrip("/")
        folder = top / _within(path, _unescaped(fields[3]))
        while True:
            yield _Group(folder, unified)
            if folder == top:
                break
            folder = folder.parent


def _memberships(root: Path) -> Iterator[tuple[str, str]]:
    """Yield (controller, path) of the groups that this process is in; the controller of cgroup v2 is empty."""
    for line in _lines(root / "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        for name in names.split(","):
            yield name, path


def _within(path: str, mounted: str) -> str:
    """Return a group's path below the mount point; nothing if that shows another part of the tree, as a container's
    does."""
    mounted = mounted.rstrip("/")
    inside = path == mounted or path.startswith(f"{mounted}/")
    return path[len(mounted) :].strip("/") if inside and ".." not in path.split("/") else ""


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _cpu_max(folder: Path) -> float | None:
    """Cores' worth of time, of cgroup v2: "max 100000" or "150000 100000"."""
    words = " ".join(_lines(folder / "cpu.max")).split()
    return _quota(words[0], words[1]) if len(words) == 2 else None


def _cfs_quota(folder: Path) -> float | None:
    """Return the same of cgroup v1, where -1 is none."""
    words = [" ".join(_lines(folder / f"cpu.cfs_{name}_us")) for name in ("quota", "period")]
    return _quota(*words)


def _quota(most: str, period: str) -> float | None:
    with suppress(ValueError):
        if int(most) > 0 and int(period) > 0:
            return int(most) / int(period)
    return None


def _memory_limits(group: _Group) -> tuple[str, ...]:
    """Files that hold one. A group above its memory.high is slowed down until nothing moves."""
    return ("memory.max", "memory.high") if group.unified else ("memory.limit_in_bytes",)


def _cached(group: _Group) -> int:
    """Return how many bytes of files count as used, though the system gives them up first."""
    wanted = "inactive_file" if group.unified else "total_inactive_file"
    for line in _lines(group.folder / "memory.stat"):
        name, _, value = line.partition(" ")
        if name == wanted and value.isdigit():
            return int(value)
    return 0


def _number(path: Path) -> int | None:
    """Return the number in a file; None for "max" or if there is none to be read."""
    try:
        return int(" ".join(_lines(path)))
    except ValueError:
        return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _shown(group: _Group, name: str, root: Path) -> str:
    return f"/{(group.folder / name).relative_to(root)}"
