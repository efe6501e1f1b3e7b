"""Workers on another machine by a real sshd: a link that is cut, a killed tunnel, a changed host key, a machine that
dials in. The other machine is a network namespace of this one."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.cluster.hosts import Hosts
from tests.cluster.night import CAMPAIGN, Night, weights
from tests.cluster.test_slurm import deaths

LONG, SHORT = 10_000_000, 60_000
CUT_S = 20.0
STANDS = "tunnel between lab and the server: it stands again"
STARTED = r"worker lab-(\d) started on cpu \(pid (\d+)\)"
ORDERED = r"worker lab-\d was ordered from lab on lab \(job [^)]*\)"

Start = Callable[..., Night]


@pytest.fixture
def start(two: Hosts, tmp_path: Path) -> Iterator[Start]:
    """Begins a run; what is left of it in the end is ended."""
    made: list[Night] = []

    def begin(count: int, epochs: int = LONG, name: str = "night", more: str = 'hosts = "lab"') -> Night:
        block = f'[[workers]]\nkind = "ssh"\nname = "lab"\ncount = {count}\ndir = "{tmp_path}/{name}-there"\n{more}\n'
        made.append(Night(tmp_path / name, block, epochs, two.environment, lease_s=30))
        return made[-1]

    yield begin
    for night in made:
        night.close()


def trains(night: Night) -> None:
    """Wait until it is told, from now on, that more epochs were trained than were told of before."""
    night.forget()
    before = int(night.expect(r"0/4 tasks, ([\d,]+)/[\d,]+ epochs")[1].replace(",", ""))
    while int(night.expect(r"0/4 tasks, ([\d,]+)/[\d,]+ epochs")[1].replace(",", "")) <= before:
        pass


def test_the_doctor_finds_the_way_back(two: Hosts, tmp_path: Path) -> None:
    def look() -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "cqltui", "doctor", str(file), "--json"],
            env=two.environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        findings = json.loads(done.stdout)
        return {each["level"]: each["found"] for each in findings if each["what"] == "block ssh on lab"}

    file = tmp_path / "night.toml"
    block = '[[workers]]\nkind = "ssh"\ncount = 1\nhosts = "lab"\n'
    file.write_text(CAMPAIGN.format(epochs=1, lease_s=10) + block, encoding="utf-8")
    assert look() == {"ok": "a tunnel leads back to the embedded server"}
    two.stop()
    two.serve(options="AllowStreamLocalForwarding no")
    assert "AllowStreamLocalForwarding" in look()["error"]


def test_cut_links_killed_tunnels_and_a_killed_supervisor_lose_nothing(two: Hosts, start: Start) -> None:
    night = start(2)
    workers = {psutil.Process(int(night.expect(STARTED)[2])) for _ in range(2)}
    trains(night)

    began = time.monotonic()
    two.link(up=False)
    while time.monotonic() - began < CUT_S:
        time.sleep(0.5)
    two.link(up=True)
    up = time.monotonic()
    night.expect(STANDS, 60)
    print(f"a link was cut for {up - began:.1f} s; {time.monotonic() - up:.1f} s later the tunnel stood")
    trains(night)

    two.tunnel().kill()
    killed = time.monotonic()
    night.expect(STANDS, 60)
    print(f"a killed tunnel stood again after {time.monotonic() - killed:.1f} s")
    trains(night)

    os.kill(int((night.run_dir / "server" / "server.pid").read_text("utf-8")), signal.SIGKILL)
    killed = time.monotonic()  # the next one has other names for its commands, and knows no guests
    (path,) = (two.folder / "state").rglob("connection.json")
    former = path.read_bytes()
    while path.read_bytes() == former:
        assert time.monotonic() < killed + 60
        time.sleep(0.1)
    print(f"{time.monotonic() - killed:.1f} s after the server was killed the workers' machine knew of the next one")
    trains(night)
    socket = Path(json.loads(path.read_text("utf-8"))["socket"])
    assert [stat.S_IMODE(found.stat().st_mode) for found in (path, path.parent, socket, socket.parent)] == [
        0o600,
        0o700,
        0o600,
        0o700,
    ]

    night.kill()
    night.start()
    trains(night)
    assert len(set(re.findall(ORDERED, night.text))) == 2, "those that a former supervisor has started are found"
    assert all(worker.is_running() for worker in workers)
    assert "died" not in night.text
    left = [path, *(two.folder / "state").rglob("*.env")]
    assert len(left) == 3
    assert night.stop() == 130
    assert set(deaths(night)) == {0}
    deadline = time.monotonic() + 60
    while any(path.exists() for path in left):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def test_a_changed_host_key_is_told_and_nobody_is_replaced(two: Hosts, start: Start) -> None:
    night = start(1)
    pid = int(night.expect(STARTED)[2])
    trains(night)
    two.serve(key="other-key")
    night.expect("block lab on lab: it does not say how its workers are; .*ssh-keygen -R lab", 60)
    two.tunnel().kill()
    night.expect("tunnel between lab and the server: .*(known_hosts|has changed)", 60)
    assert psutil.Process(pid).is_running()
    two.serve()
    night.expect(STANDS, 90)
    trains(night)
    assert len(psutil.Process(pid).cmdline()) > 1
    assert night.text.count("was ordered from") == 1
    assert night.stop() == 130
    assert set(deaths(night)) == {0}


def test_a_disturbed_run_ends_as_an_undisturbed_one(two: Hosts, start: Start, tmp_path: Path) -> None:
    night = start(2, SHORT)
    pid = int(night.expect(STARTED)[2])
    trains(night)
    os.kill(pid, signal.SIGKILL)
    night.expect(r"worker lab-\d died \(signal 9\)", 60)
    two.tunnel().kill()
    assert night.end(400) == 0
    quiet = Night(tmp_path / "quiet", '[[workers]]\nkind = "local"\ncount = 2\n', SHORT, two.environment)
    try:
        assert quiet.end(300) == 0
    finally:
        quiet.close()
    assert weights(night) == weights(quiet)
    assert len(weights(night)) == 4


def test_a_run_directory_that_both_see(two: Hosts, start: Start, tmp_path: Path) -> None:
    night = start(1, 200, more='hosts = "lab"\nshared = true')
    assert night.end(200) == 0
    assert len(weights(night)) == 4
    assert (night.run_dir / "logs" / "lab-1.log").exists()
    assert not (tmp_path / "night-there").exists(), "it has worked in the run directory itself"


def test_a_machine_that_dials_in(two: Hosts, start: Start, tmp_path: Path) -> None:
    """No sshd is at the other end: it reaches ours."""
    two.serve(there=False)
    night = start(1, SHORT, more="dials_in = true")
    guest = night.run_dir / "server" / "lab.guest"
    deadline = time.monotonic() + 60
    while not guest.exists():
        assert time.monotonic() < deadline, night.text
        time.sleep(0.1)
    words = ["worker", "--worker-id", "lab-1", "--through", f"lab:{guest}", "--dir", str(tmp_path / "there")]
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            two.there(sys.executable, "-P", "-m", "cqltui", *words, "--device", "cpu", "--poll-interval", "0.2"),
            env=two.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        pid = int(night.expect(STARTED)[2])
        trains(night)
        two.link(up=False)
        began = time.monotonic()
        while time.monotonic() - began < CUT_S:
            time.sleep(0.5)
        two.link(up=True)
        trains(night)
        assert psutil.Process(pid).is_running()
        assert night.end(400) == 0
        assert len(weights(night)) == 4
        assert not guest.exists(), "nobody gets in any more"
    finally:
        worker.terminate()
        worker.wait(60)
