"""When the machine is kept awake, by an inhibitor that writes down when it is entered and left."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from cqltui.state.model import RunState, Wanted
from cqltui.supervisor.awake import Awake, by_desktop, is_asked_for

RUNNING = RunState()
PAUSED = replace(RUNNING, wanted=Wanted.PAUSED)


class Desk:
    """An inhibitor, and what was told."""

    def __init__(self, why: str = "", raises: bool = False, hangs: bool = False) -> None:
        self.why, self._raises, self._hangs = why, raises, hangs
        self.seen: list[str] = []
        self.told: list[tuple[str, str]] = []

    @contextmanager
    def inhibit(self) -> Iterator[str]:
        if self._raises:
            raise RuntimeError("no such desktop")
        self.seen.append("enter")
        yield self.why
        if self._hangs:
            time.sleep(60)
        self.seen.append("exit")

    def tell(self, level: str, text: str) -> None:
        self.told.append((level, text))


def until(check: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_it_is_held_once_let_go_in_a_pause_and_at_the_end() -> None:
    desk = Desk()
    with Awake(desk.tell, wanted=True, inhibit=desk.inhibit) as awake:
        assert desk.seen == []
        for _ in range(3):
            awake.tick(RUNNING, 0.0)
        until(lambda: desk.seen == ["enter"])
        awake.tick(PAUSED, 0.0)
        assert desk.seen == ["enter", "exit"]
        awake.tick(PAUSED, 0.0)
        awake.tick(RUNNING, 0.0)
        until(lambda: desk.seen == ["enter", "exit", "enter"])
    assert desk.seen == ["enter", "exit", "enter", "exit"]
    awake.tick(RUNNING, 0.0)
    assert len(desk.seen) == 4, "what is over does not begin again"
    assert desk.told == []


def test_it_is_not_begun_where_it_is_not_wanted() -> None:
    desk = Desk()
    with Awake(desk.tell, wanted=False, inhibit=desk.inhibit) as awake:
        awake.tick(RUNNING, 0.0)
    assert desk.seen == []


@pytest.mark.parametrize("desk", [Desk(why="nobody answers"), Desk(raises=True)], ids=["refused", "raises"])
@pytest.mark.parametrize("display", [True, False])
def test_a_failure_is_one_notice_where_there_is_a_desktop(
    desk: Desk, display: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if display:
        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    desk.told.clear()
    refused = [True]

    def tell(level: str, text: str) -> None:
        if refused:
            refused.pop()
            raise ConnectionError("the server is away just now")
        desk.tell(level, text)

    with Awake(tell if display else desk.tell, wanted=True, inhibit=desk.inhibit) as awake:
        awake.tick(RUNNING, 0.0)
        holding = awake._holding
        assert holding is not None
        holding.join(60)
        if display:
            with pytest.raises(ConnectionError):
                awake.tick(RUNNING, 0.0)
        for _ in range(3):
            awake.tick(RUNNING, 0.0)
    assert [level for level, _ in desk.told] == (["warning"] if display else [])
    assert (desk.why or "no such desktop") in caplog.text


def test_a_desktop_that_hangs_delays_the_end_by_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.supervisor.awake.RELEASE_S", 0.05)
    desk = Desk(hangs=True)
    with Awake(desk.tell, wanted=True, inhibit=desk.inhibit) as awake:
        awake.tick(RUNNING, 0.0)
        until(lambda: desk.seen)
        assert awake._holding is not None
        assert awake._holding.daemon, "nor does it keep the process"
        began = time.monotonic()
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("system", "environment", "asked"),
    [
        ("linux", {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus"}, True),
        ("linux", {}, False),
        ("linux", {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "WSL_DISTRO_NAME": "Debian"}, False),
        ("darwin", {"PATH": "/nowhere", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}, False),
        ("darwin", {"PATH": "HERE"}, True),
    ],
)
def test_nobody_is_asked_where_there_is_nobody(
    system: str, environment: dict[str, str], asked: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "caffeinate").touch(0o700)
    for name in ("DBUS_SESSION_BUS_ADDRESS", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("HERE", str(tmp_path)))
    monkeypatch.setattr("sys.platform", system)
    assert is_asked_for() is asked


@pytest.mark.parametrize(("variable", "held"), [("WAKEPY_FAKE_SUCCESS", True), ("WAKEPY_FORCE_FAILURE", False)])
def test_the_library_says_whether_it_is_held(variable: str, held: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    with by_desktop() as why:
        assert (why == "") == held
