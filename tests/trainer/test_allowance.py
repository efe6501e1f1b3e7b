"""Cores and memory within limits, on trees of control groups as containers, services and batch systems have them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from trainer import allowance
from trainer.allowance import AFFINITY, Allowed

GIB = 1024**3
NONE_V1 = "9223372036854771712"
V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = """\
31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
32 31 0:29 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 {root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"""


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 cores, all of them usable, and 256 GiB."""
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr(allowance, "usable_cores", lambda: 64)
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 256 * GIB // 4096}
    monkeypatch.setattr("os.sysconf", sizes.__getitem__)


def tree(root: Path, mounts: str, groups: str, files: Mapping[str, str]) -> Path:
    """A file system's root with these in it; files by their path below /sys/fs/cgroup."""
    for name, text in {"proc/self/mountinfo": mounts, "proc/self/cgroup": groups}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def test_without_control_groups_there_is_the_machine(tmp_path: Path) -> None:
    for root in (tmp_path, tree(tmp_path / "v2", V2.format(root="/"), "0::/user.slice", {})):
        assert allowance.cores(root) == Allowed(64, 64)
        assert allowance.memory(root) == Allowed(256 * GIB, 256 * GIB)
        assert allowance.free_memory(7 * GIB, root) == 7 * GIB


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 64), ("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1), ("6400000 100000", 64),
     ("9900000 100000", 64), ("50000 20000", 3), ("damaged", 64), ("", 64)],
)  # fmt: skip
def test_a_quota_of_cgroup_v2_counts_in_cores(tmp_path: Path, quota: str, cores: int) -> None:
    root = tree(tmp_path, V2.format(root="/"), "0::/", {"cpu.max": quota})
    found = allowance.cores(root)
    assert (found.amount, found.machine) == (cores, 64)
    assert ("/sys/fs/cgroup/cpu.max" in found.limit) == (cores < 64)


def test_of_nested_groups_the_tightest_counts(tmp_path: Path) -> None:
    files = {
        "job/cpu.max": "400000 100000",
        "job/step/cpu.max": "max 100000",
        "job/step/task/cpu.max": "800000 100000",
        "job/memory.max": str(8 * GIB),
        "job/memory.current": str(7 * GIB),
        "job/memory.stat": f"anon 1\ninactive_file {2 * GIB}\n",
        "job/step/memory.max": "max",
        "job/step/memory.high": str(5 * GIB),
        "job/step/memory.current": str(1 * GIB),
        "job/step/task/memory.max": str(16 * GIB),
        "job/step/task/memory.current": str(1 * GIB),
        "other/cpu.max": "100000 100000",  # somebody else's
        "other/memory.max": str(GIB),
    }
    root = tree(tmp_path, V2.format(root="/"), "0::/job/step/task", files)
    found = allowance.cores(root)
    assert found == Allowed(4, 64, "the CPU quota of 4 in /sys/fs/cgroup/job/cpu.max")
    memory = allowance.memory(root)
    assert memory.amount == 5 * GIB
    assert "/sys/fs/cgroup/job/step/memory.high" in memory.limit
    assert allowance.free_memory(100 * GIB, root) == 3 * GIB, "8 - (7 - 2) of the job, less than 5 - 1 of the step"
    assert allowance.free_memory(2 * GIB, root) == 2 * GIB, "the machine has no more"


def test_more_than_the_limit_in_use_leaves_nothing(tmp_path: Path) -> None:
    files = {"memory.max": str(GIB), "memory.current": str(GIB + 5)}
    assert allowance.free_memory(9 * GIB, tree(tmp_path, V2.format(root="/"), "0::/", files)) == 0


def test_cgroup_v1_with_nested_groups(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/batch/cpu.cfs_quota_us": "250000",
        "cpu,cpuacct/batch/cpu.cfs_period_us": "100000",
        "cpu,cpuacct/batch/job/cpu.cfs_quota_us": "-1",
        "cpu,cpuacct/batch/job/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": NONE_V1,
        "memory/memory.usage_in_bytes": str(90 * GIB),
        "memory/batch/memory.limit_in_bytes": str(4 * GIB),
        "memory/batch/memory.usage_in_bytes": str(2 * GIB),
        "memory/batch/memory.stat": f"inactive_file 1\ntotal_inactive_file {GIB // 2}\n",
        "memory/batch/job/memory.limit_in_bytes": NONE_V1,
        "memory/batch/job/memory.usage_in_bytes": str(GIB),
    }
    groups = "5:memory:/batch/job\n4:cpu,cpuacct:/batch/job\n0::/"
    root = tree(tmp_path, V1.format(root="/"), groups, files)
    assert allowance.cores(root) == Allowed(
        3, 64, "the CPU quota of 2.5 in /sys/fs/cgroup/cpu,cpuacct/batch/cpu.cfs_quota_us"
    )
    memory = allowance.memory(root)
    assert memory == Allowed(
        4 * GIB, 256 * GIB, "the memory limit in /sys/fs/cgroup/memory/batch/memory.limit_in_bytes"
    )
    assert allowance.free_memory(100 * GIB, root) == 4 * GIB - 2 * GIB + GIB // 2


@pytest.mark.parametrize(
    ("mounted", "group"),
    [
        ("/docker/4f2", "/docker/4f2"),  # cgroup v1 in a container: the group's own folder is the mount point
        ("/", "/docker/4f2"),  # the same in Podman's rootless one: the path is the host's, and not to be found
        ("/", "/../../4f2"),  # a process that was moved out of the container's own name space
        ("/docker", "/docker"),
    ],
)
def test_a_container_sees_its_own_group_at_the_mount_point(tmp_path: Path, mounted: str, group: str) -> None:
    v1 = {
        "cpu,cpuacct/cpu.cfs_quota_us": "200000",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": str(GIB),
        "memory/memory.usage_in_bytes": "0",
    }
    root = tree(tmp_path / "v1", V1.format(root=mounted), f"5:memory:{group}\n4:cpu,cpuacct:{group}", v1)
    v2 = {"cpu.max": "200000 100000", "memory.max": str(GIB), "memory.current": "0"}
    other = tree(tmp_path / "v2", V2.format(root=mounted), f"0::{group}", v2)
    for place in (root, other):
        assert allowance.cores(place).amount == 2
        assert allowance.memory(place).amount == GIB
        assert allowance.free_memory(9 * GIB, place) == GIB


def test_a_mount_point_with_a_space_in_its_name(tmp_path: Path) -> None:
    mounts = V2.format(root="/").replace("/sys/fs/cgroup", "/sys/fs/cgroup/a\\040b")
    assert allowance.cores(tree(tmp_path, mounts, "0::/", {"a b/cpu.max": "100000 100000"})).amount == 1


def test_affinity_and_quota_whichever_is_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(tmp_path, V2.format(root="/"), "0::/", {"cpu.max": "400000 100000"})
    monkeypatch.setattr(allowance, "usable_cores", lambda: 3)
    assert allowance.cores(root) == Allowed(3, 64, AFFINITY)
    monkeypatch.setattr(allowance, "usable_cores", lambda: 5)
    assert allowance.cores(root).amount == 4
    assert "quota" in allowance.cores(root).limit


def test_python_3_13_is_asked_where_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(os, "process_cpu_count", lambda: 7, raising=False)
    assert allowance.usable_cores() == 7


@pytest.mark.skipif(shutil.which("taskset") is None, reason="there is no taskset here")
def test_a_process_bound_to_one_core_has_one() -> None:
    script = "from trainer.allowance import cores; found = cores(); print(found.amount, found.limit)"
    core = str(min(os.sched_getaffinity(0)))
    command = ["taskset", "-c", core, sys.executable, "-c", script]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    if len(os.sched_getaffinity(0)) == 1:
        assert answer.stdout.startswith("1")
    else:
        assert answer.stdout == f"1 {AFFINITY}\n"
