"""The machine's id: one machine, whatever it is called; two machines, whatever they share."""

import multiprocessing
import os
import stat
import subprocess
import sys
import time
from multiprocessing.queues import Queue
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from cqltui import machine
from cqltui.identity import Life, ProcessIdentity, judge
from cqltui.machine import Facts, known_as

FIRST_BOOT = Facts("system", "boot-1", time.time() - 1000, frozenset({"02:00:00:00:00:01"}))
LATER = time.time() + 1000
"""When the machine is booted again."""
HERE = ProcessIdentity("machine", "boot", 1, 1000, 4711, 12.34)


def test_it_stays_and_its_file_is_the_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "machines"
    name = known_as(FIRST_BOOT, folder)
    assert len(name) == 32
    assert int(name, 16)
    assert known_as(FIRST_BOOT, folder) == name
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert known_as(FIRST_BOOT, tmp_path / "another") != name, "another user"


def test_it_stays_over_a_reboot(tmp_path: Path) -> None:
    name = known_as(FIRST_BOOT, tmp_path)
    assert known_as(replace(FIRST_BOOT, boot="boot-2", booted_ts=LATER), tmp_path) == name
    assert len(list(tmp_path.iterdir())) == 1


def test_machines_with_one_home_are_several(tmp_path: Path) -> None:
    names = {known_as(replace(FIRST_BOOT, system=f"system-{number}"), tmp_path) for number in range(3)}
    assert len(names) == 3
    assert {known_as(replace(FIRST_BOOT, system=f"system-{number}"), tmp_path) for number in range(3)} == names


@pytest.mark.parametrize(
    "clone",
    [
        replace(FIRST_BOOT, boot="boot-2", booted_ts=LATER, hardware=frozenset({"02:00:00:00:00:02"})),
        replace(FIRST_BOOT, boot="boot-2"),
        replace(FIRST_BOOT, boot="boot-2", hardware=frozenset()),
        replace(FIRST_BOOT, hardware=frozenset({"02:00:00:00:00:02"})),
    ],
    ids=["other cards", "at the same time", "at the same time, no cards", "a resumed snapshot with other cards"],
)
def test_a_clone_of_the_image_with_the_file_is_another_machine(tmp_path: Path, clone: Facts) -> None:
    name = known_as(FIRST_BOOT, tmp_path)
    other = known_as(clone, tmp_path)
    assert other != name
    assert known_as(clone, tmp_path) == other
    assert known_as(FIRST_BOOT, tmp_path) == name


def test_a_card_more_or_none_is_the_same_machine(tmp_path: Path) -> None:
    name = known_as(FIRST_BOOT, tmp_path)
    docked = FIRST_BOOT.hardware | {"02:00:00:00:00:03"}
    assert known_as(replace(FIRST_BOOT, hardware=docked), tmp_path) == name
    assert known_as(replace(FIRST_BOOT, hardware=frozenset()), tmp_path) == name


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    known_as(FIRST_BOOT, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text("{")
    name = known_as(FIRST_BOOT, tmp_path)
    assert known_as(FIRST_BOOT, tmp_path) == name
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("content", [None, "{"], ids=["no file", "a damaged one"])
def test_what_another_process_makes_after_the_look_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        known_as(FIRST_BOOT, tmp_path)
        (file,) = tmp_path.iterdir()
        file.write_text(content)
    look, theirs = machine._read, list[str]()

    def look_and_be_overtaken(path: Path) -> tuple[str, frozenset[str]] | None:
        try:
            return look(path)
        finally:
            monkeypatch.setattr(machine, "_read", look)
            if not theirs:
                theirs.append(known_as(FIRST_BOOT, tmp_path))

    monkeypatch.setattr(machine, "_read", look_and_be_overtaken)
    assert known_as(FIRST_BOOT, tmp_path) == theirs[0]


def test_without_a_place_for_the_file_it_lasts_as_long_as_the_boot(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (None, tmp_path / "file" / "machines"):
        name = known_as(FIRST_BOOT, folder)
        assert name == known_as(FIRST_BOOT, folder)
        assert name != known_as(replace(FIRST_BOOT, boot="boot-2"), folder)
        nothing = Facts("", "", 0.0)
        assert known_as(nothing, folder) != known_as(nothing, folder), "of which nothing is known"


def _tell(folder: Path, start: float, found: "Queue[str]") -> None:
    while time.time() < start:
        pass
    found.put(known_as(FIRST_BOOT, folder))


@pytest.mark.parametrize("rebooted", [False, True])
def test_processes_that_start_at_once_agree(tmp_path: Path, rebooted: bool) -> None:
    if rebooted:
        before = known_as(replace(FIRST_BOOT, boot="boot-0", booted_ts=0.0), tmp_path)
        for file in tmp_path.iterdir():
            os.utime(file, (FIRST_BOOT.booted_ts - 60,) * 2)
    context = multiprocessing.get_context("fork")
    found: Queue[str] = context.Queue()
    start = time.time() + 0.2
    processes = [context.Process(target=_tell, args=(tmp_path, start, found)) for _ in range(6)]
    for process in processes:
        process.start()
    names = {found.get(timeout=90) for _ in processes}
    assert len(names) == 1
    assert not rebooted or names == {before}
    for process in processes:
        process.join(90)


TELL = "from cqltui import machine; print(machine.here()); print(machine.machine_id())"


def test_this_machine(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    told = [subprocess.check_output([sys.executable, "-c", TELL], env=environment, text=True) for _ in range(2)]
    first, second = (lines.splitlines() for lines in told)
    assert first[1] == second[1]
    assert first[0] != second[0], "another process"
    assert len(list((tmp_path / "cqltui" / "machines").iterdir())) == 1
    me = machine.here()
    assert machine.machine_id() == me.machine
    assert (me.pid, me.uid) == (os.getpid(), os.getuid())
    assert me.boot
    assert me.started == machine.start_time(os.getpid())


def test_a_relative_state_folder_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert machine.state_dir() == tmp_path / ".local" / "state" / "cqltui"


def test_a_process_is_judged_by_its_pid_and_start() -> None:
    assert judge(HERE, HERE, 12.34) is Life.ALIVE
    assert judge(HERE, HERE, 12.36) is Life.ALIVE, "a tick"
    assert judge(HERE, HERE, None) is Life.DEAD
    assert judge(HERE, HERE, 13.0) is Life.DEAD, "its pid is another's by now"


@pytest.mark.parametrize(
    "other",
    [
        replace(HERE, machine="another"),
        replace(HERE, boot="another"),
        replace(HERE, pid_namespace=2),
        replace(HERE, uid=1001),
        replace(HERE, pid=0),
        replace(HERE, pid=-4711),
        replace(HERE, started=0.0),
        ProcessIdentity(),
    ],
    ids=["machine", "boot", "pid namespace", "uid", "no pid", "negative pid", "no start", "nothing told"],
)
@pytest.mark.parametrize("started", [None, 12.34])
def test_nothing_is_said_of_a_process_elsewhere(other: ProcessIdentity, started: float | None) -> None:
    assert judge(other, HERE, started) is Life.UNKNOWN


@pytest.mark.parametrize("empty", [{"machine": ""}, {"boot": ""}, {"uid": -1}])
def test_what_both_do_not_know_is_no_agreement(empty: dict[str, str]) -> None:
    unknown = replace(HERE, **empty)
    assert judge(unknown, unknown, 12.34) is Life.UNKNOWN


def test_real_processes_live_and_die() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = replace(machine.here(), pid=child.pid, started=machine.start_time(child.pid) or 0.0)
    try:
        assert machine.life(identity) is Life.ALIVE
        assert machine.life(replace(identity, started=identity.started - 60)) is Life.DEAD
    finally:
        child.kill()
    end = time.monotonic() + 60
    while machine.life(identity) is not Life.DEAD:  # waits to be collected
        assert time.monotonic() < end
    child.communicate()
    assert machine.life(identity) is Life.DEAD


def test_another_pid_namespace_judges_nothing() -> None:
    """With the same /proc, as by `docker run -v /proc:/proc`, and with one of its own."""
    me = machine.here()
    judging = f"from cqltui import machine; from cqltui.identity import *; print(machine.life({me!r}).value)"
    for mount in ((), ("--mount-proc",)):
        command = ["unshare", "--pid", "--fork", *mount]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
            pytest.skip("no right to a pid namespace of one's own (unshare --pid)")
        told = subprocess.check_output([*command, sys.executable, "-c", judging], text=True)
        assert told.strip() == "unknown"
    assert subprocess.check_output([sys.executable, "-c", judging], text=True).strip() == "alive"


def test_a_neighbour_is_this_users_and_of_this_namespace() -> None:
    if os.getuid() or subprocess.run(["unshare", "--pid", "true"], capture_output=True, check=False).returncode:
        pytest.skip("other users and pid namespaces are for root only")
    commands = (["sleep", "60"], ["unshare", "--pid", "--fork", "--kill-child", "sleep", "60"])
    mine, outside = (subprocess.Popen(command) for command in commands)
    theirs = subprocess.Popen(["sleep", "60"], user=65534)
    try:
        end = time.monotonic() + 60
        while not (inside := psutil.Process(outside.pid).children()):
            assert time.monotonic() < end
        pids = [mine.pid, outside.pid, theirs.pid, inside[0].pid]
        found = [machine.is_neighbour(psutil.Process(pid)) for pid in pids]
        assert found == [True, True, False, False]
    finally:
        for child in (mine, outside, theirs):
            child.kill()
            child.wait(60)


def test_network_cards_that_are_no_devices_do_not_count(tmp_path: Path) -> None:
    for name, address, kind, is_device in (
        ("eth0", "02:00:00:00:00:01", "0", True),
        ("docker0", "02:00:00:00:00:02", "3", False),
        ("wlan0", "02:00:00:00:00:03", "1", True),
    ):
        card = tmp_path / name
        card.mkdir()
        (card / "address").write_text(f"{address}\n")
        (card / "addr_assign_type").write_text(f"{kind}\n")
        if is_device:
            (card / "device").mkdir()
    assert machine._cards(tmp_path) == {"02:00:00:00:00:01"}
