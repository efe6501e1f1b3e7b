"""Workers over ssh. The `ssh` of these tests is a stand-in that runs the command here; tests/cluster has a real one."""

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import cqltui
from cqltui.campaign.hosts import SshConfig
from cqltui.campaign.model import BlockConfig
from cqltui.cli import main
from cqltui.errors import ExitCode
from cqltui.placement import sshwords, there
from cqltui.placement.dial import Dial
from cqltui.placement.protocol import End, Handle, PlacementError, State, Why
from cqltui.placement.ssh import Ssh
from cqltui.placement.starting import Starting

LIMIT_S = 60.0
URL = "redis://u:marker@h/0"
STAND_IN = """#!/bin/sh
for last; do :; done
exec sh -c "$last"
"""
SLEEP = "import os, time; print(open(os.environ['CQLTUI_ENV_FILE']).read(), flush=True); time.sleep(600)"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ssh]:
    """One whose host is this machine. What it has started is ended."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(STAND_IN, encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    block = BlockConfig("lab", SshConfig(("me@host",)), 2, python=sys.executable, shared=False)
    starting = Starting(tmp_path / "run", block, tmp_path / "logs")
    made = Ssh(SshConfig(("me@host",)), "me@host", starting, lambda: {"REDIS_URL": URL})
    yield made
    for path in tmp_path.glob("state/cqltui/ssh/*/*/*.job"):
        record = json.loads(path.read_text("utf-8"))
        with suppress(psutil.NoSuchProcess):
            if (process := psutil.Process(record["pid"])).ppid() == record["keeper"]:
                process.kill()


def begin(engine: Ssh, slot: str, program: str) -> Handle:
    """Start a program of Python's in the place of a worker."""
    order = {"slot": slot, "words": ["-c", program], "environment": {}, "env_variable": "CQLTUI_ENV_FILE"}
    return Handle(slot, str(engine.ask("start", **order, secrets={"REDIS_URL": URL}, log=None)["job"]))


def ended(engine: Ssh, handle: Handle) -> End:
    """How it ended, once it has."""
    deadline = time.monotonic() + LIMIT_S
    while engine.list()[handle] is not State.ENDED:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return engine.why(handle)


def folder(tmp_path: Path) -> Path:
    """The host's own."""
    (found,) = (tmp_path / "state" / "cqltui" / "ssh").glob("cqltui-run-*-lab/me-host")
    return found


def test_a_worker_outlives_its_question_and_is_told_of(engine: Ssh, tmp_path: Path) -> None:
    assert engine.list() == {}
    handle = begin(engine, "lab-1", SLEEP)
    assert begin(engine, "lab-1", SLEEP) == handle, "it is not started twice, whoever asks"
    assert engine.list() == {handle: State.RUNNING}
    process = psutil.Process(int(handle.job.partition("@")[0]))
    assert "marker" not in " ".join([*process.cmdline(), *process.environ().values()])
    secrets = folder(tmp_path) / "lab-1.env"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert secrets.read_text("utf-8") == f"REDIS_URL={URL}\n"
    assert stat.S_IMODE(folder(tmp_path).stat().st_mode) == 0o700
    engine.stop(Handle("lab-1", f"{process.pid}@1.00"), 0)  # another process that had its number
    assert process.is_running()
    engine.stop(handle, 60)
    assert ended(engine, handle) == End(Why.SIGNAL, -signal.SIGTERM)
    deadline = time.monotonic() + LIMIT_S
    while secrets.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_it_printed_last_comes_here(engine: Ssh, tmp_path: Path) -> None:
    go = tmp_path / "go"
    program = (
        f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\nprint('why \\x1b[1m')\nexit(3)"
    )
    handle = begin(engine, "lab-2", program)
    assert engine.list() == {handle: State.RUNNING}
    go.touch()
    assert ended(engine, handle) == End(Why.EXIT, 3)
    said = (tmp_path / "logs" / "lab-2.log").read_text("utf-8")
    assert said.startswith("why ")
    assert "\x1b" not in said


def test_ends_that_nobody_has_seen(engine: Ssh, tmp_path: Path) -> None:
    handle = begin(engine, "lab-1", SLEEP)
    path = folder(tmp_path) / "lab-1.job"
    record = json.loads(path.read_text("utf-8"))
    for pid in (record["keeper"], record["pid"]):
        os.kill(pid, signal.SIGKILL)
    assert ended(engine, handle) == End(Why.UNKNOWN)
    path.write_text(json.dumps(record | {"boot": "an earlier one"}), encoding="utf-8")
    assert ended(engine, handle) == End(Why.NODE_LOST)


def test_an_end_that_is_written_down_between_two_looks_is_told(
    engine: Ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = begin(engine, "lab-1", SLEEP)
    before = json.loads((folder(tmp_path) / "lab-1.job").read_text("utf-8"))
    os.kill(before["pid"], signal.SIGKILL)
    assert ended(engine, handle) == End(Why.SIGNAL, -9)
    monkeypatch.setattr(there, "_records", lambda _: [before])
    name = folder(tmp_path).relative_to(tmp_path / "state" / "cqltui" / "ssh")
    told = there.answer({"what": "list", "folder": str(name)})
    assert (told["jobs"]["lab-1"]["state"], told["jobs"]["lab-1"]["code"]) == ("ended", -9)


def test_the_words_of_ssh() -> None:
    words = sshwords.command(SshConfig(("h",), ("-p2222",)), "h", "~/a b/bin/python", "ask")
    assert words[:2] == ["ssh", "-p2222"], "before ours, since the first counts"
    assert {"-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oClearAllForwardings=yes", "-a"} <= set(words)
    assert words[-3:] == ["--", "h", "~/'a b/bin/python' -P -m cqltui.placement.there ask"]
    tunnel = sshwords.tunnel(SshConfig(), "h", ("/there", "/here"), "hold")
    assert {"-oExitOnForwardFailure=yes", "-oServerAliveInterval=5", "-R/there:/here"} <= set(tunnel)
    assert "-oClearAllForwardings=yes" not in tunnel, "which would clear its own"


@pytest.mark.parametrize(
    ("code", "said", "shown", "refused"),
    [
        (255, "Host key for [h]:22 has changed and you have requested strict checking.", "ssh-keygen -R h", False),
        (255, "No ED25519 host key is known for h. Host key verification failed.", "ssh h once, and compare", False),
        (255, "me@h: Permission denied (publickey).", "ssh-copy-id h", False),
        (255, "Error: remote port forwarding failed for listen path /s", "AllowStreamLocalForwarding", False),
        (255, "ssh: connect to host h port 22: No route to host", "h: connect to host h port 22: No route", False),
        (1, "/usr/bin/python3: No module named cqltui", "cqltui is not there", True),
        (127, "sh: 1: /opt/python: not found", "no such program there", True),
        (None, "ssh did not answer within 30 s", "h: ssh did not answer", False),
    ],
)
def test_what_is_wrong_is_said_with_its_fix(code: int | None, said: str, shown: str, refused: bool) -> None:
    found = sshwords.trouble("h", PlacementError(said, refused=True, code=code))
    assert shown in str(found)
    assert found.refused is refused
    assert found.fix == (sshwords.REACH_IT if code in (None, 255) else sshwords.INSTALL_IT)


@pytest.mark.parametrize("said", ["", "Welcome\n", "cqltui-there [1]\n", "cqltui-there {\n"])
def test_what_is_no_answer(said: str) -> None:
    with pytest.raises(PlacementError, match="gave no answer") as raised:
        sshwords.read(said)
    assert sshwords.trouble("h", raised.value).fix == sshwords.INSTALL_IT, "ssh got there"
    assert sshwords.read('motd\ncqltui-there {"a": 1}\n') == {"a": 1}


def test_another_version_there_is_refused(engine: Ssh, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "ssh"
    program.write_text('#!/bin/sh\necho \'cqltui-there {"version": "9.9"}\'\n', encoding="utf-8")
    with pytest.raises(PlacementError, match=r"cqltui 9\.9 is there, and .* here: install that") as raised:
        engine.list()
    assert raised.value.refused
    assert raised.value.fix.startswith(f"install cqltui {cqltui.__version__} there")
    program.write_text(STAND_IN, encoding="utf-8")


def test_a_way_and_a_url_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["worker", "--worker-id", "x", "--through", "h:/f", "--redis-url", "redis://h/0"]
    assert main(words) == ExitCode.INPUT
    assert "--through says where the run is: leave --redis-url and --run-dir out" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["host", "host:relative", "-oProxyCommand=x:/f", "host:/a\nb", ""])
def test_a_place_that_is_none(place: str) -> None:
    with pytest.raises(Exception, match="--through: expected HOST:/path"):
        Dial(place)
