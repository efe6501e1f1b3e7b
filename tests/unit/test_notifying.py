"""Notices on their way: a program that writes down what it gets, an address that fails first, no secret in a log."""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from datetime import time as Hour  # noqa: N812
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cqltui.campaign.model import NotifyConfig
from cqltui.results.rundir import RunDir
from cqltui.state.events import Event, Kind
from cqltui.state.model import Lifecycle, PhaseInfo, RunState, Status, TaskState, Verdict
from cqltui.state.notify import NotifyInfo
from cqltui.supervisor import courier as courier_module
from cqltui.supervisor import notifying as notifying_module
from cqltui.supervisor.courier import Courier, DeliveryError
from cqltui.supervisor.notifying import Notifying, couriers, next_hour
from cqltui.supervisor.program import Program
from tests.unit.runs import LAUNCH, info, run_of

RECORDER = """
import json, os, sys
said = {"stdin": json.load(sys.stdin), "argv": sys.argv[1:]}
said["env"] = {k: v for k, v in os.environ.items() if k.startswith("CQLTUI_") or k == "MY_API_KEY"}
path = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "told.jsonl")
open(path, "a").write(json.dumps(said) + chr(10))
print("recorded", "\\x1b[31m")
"""
SECRET = "T0KEN-in-the-path"
NOTICE = json.dumps(
    {"event": "task.dead", "run_dir": "/runs/deep", "campaign": "deep", "text": "$(touch x); text", "time": "now"}
).encode()


def until(check: Callable[[], object]) -> None:
    """Wait for it, or fail."""
    end = time.monotonic() + 20
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "FIRST_S", 0.01)
    monkeypatch.setattr(notifying_module, "GATHER_S", 0.0)


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    """A program that writes down what it gets, into told.jsonl beside it."""
    path = tmp_path / "recorder.py"
    path.write_text(RECORDER, encoding="utf-8")
    return path


def told(recorder: Path) -> list[dict[str, Any]]:
    path = recorder.with_name("told.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


class Hook(HTTPServer):
    """An address on loopback that answers with these codes one after the other, then with 200."""

    def __init__(self, *codes: int, location: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.codes, self.location = list(codes), location
        self.got: list[tuple[str, str, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/services/{SECRET}?key={SECRET}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        hook = self.server
        assert isinstance(hook, Hook)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        hook.got.append((self.path, self.headers["Content-Type"], body))
        code = hook.codes.pop(0) if hook.codes else 200
        self.send_response(code, SECRET)
        if hook.location:
            self.send_header("Location", hook.location)
        self.end_headers()

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(hook: Hook) -> Iterator[Hook]:
    """The address, served."""
    thread = threading.Thread(target=hook.serve_forever, args=(0.01,))
    thread.start()
    yield hook
    hook.shutdown()
    thread.join()
    hook.server_close()


def dead_run(**notify: Any) -> RunState:
    task = TaskState(info(1), Lifecycle((1, 1), Status.DEAD, attempt=3, error="KeyError: 'edge'", finished_ts=LAUNCH))
    state = run_of([task])
    return replace(state, campaign=replace(state.campaign, notify=NotifyInfo(**notify)))


def news(state: RunState, kind: Kind = Kind.TASK_DEAD) -> tuple[RunState, Event, RunState]:
    return state, Event(kind, LAUNCH, 1, 1), state


def test_the_program_gets_the_notice_on_its_input_and_in_its_environment(
    recorder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "secret")
    with caplog.at_level(logging.INFO):
        Program((sys.executable, str(recorder), "a b", "$HOME")).run(NOTICE)
    (said,) = told(recorder)
    assert said["argv"] == ["a b", "$HOME"], "no shell has seen it"
    assert said["stdin"] == json.loads(NOTICE)
    assert said["env"] == {
        "CQLTUI_EVENT": "task.dead",
        "CQLTUI_RUN": "/runs/deep",
        "CQLTUI_CAMPAIGN": "deep",
        "CQLTUI_TEXT": "$(touch x); text",
        "CQLTUI_TIME": "now",
    }
    assert "notify command: recorded" in caplog.text


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((sys.executable, "-c", "import time; time.sleep(60)"), "ended after 0.3 s"),
        ((sys.executable, "-c", "raise SystemExit(7)"), "exit code 7"),
        (("no-such-program-here",), "no such program"),
        (("./recorder.py",), "not absolute"),
        (("/etc/hostname",), "cannot be started"),
    ],
)
def test_a_program_that_fails_is_told_by_its_end_and_is_not_tried_again(words: tuple[str, ...], why: str) -> None:
    began = time.monotonic()
    with pytest.raises(DeliveryError, match=why) as found:
        Program(words, limit_s=0.3).run(NOTICE)
    assert not found.value.again
    assert time.monotonic() - began < 10


def test_what_a_program_prints_without_end_fills_no_memory_and_what_it_leaves_behind_holds_nobody_up(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    endless = "import sys, time, subprocess\nfor _ in range(300): print('x' * 10_000)\n"
    endless += "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)'])"
    began = time.monotonic()
    with caplog.at_level(logging.INFO):
        Program((sys.executable, "-c", endless)).run(NOTICE)
    assert time.monotonic() - began < 15
    assert sum(len(record.getMessage()) for record in caplog.records) < 20_000


def test_an_address_that_fails_first_gets_every_notice_once_in_order(caplog: pytest.LogCaptureFixture) -> None:
    with serving(Hook(500, 429, 503)) as hook:
        (to,) = couriers(NotifyConfig(webhook=hook.url))
        to.give(b'{"n": 1}')
        to.give(b'{"n": 2}')
        until(lambda: len(hook.got) == 5)
        to.leave(time.monotonic() + 5)
    assert [body for _, _, body in hook.got] == [b'{"n": 1}'] * 4 + [b'{"n": 2}']
    path, content, _ = hook.got[0]
    assert (path, content) == (f"/services/{SECRET}?key={SECRET}", "application/json")
    assert caplog.text.count("cannot be told (it answers with HTTP 500)") == 1
    assert "webhook at 127.0.0.1" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("code", [400, 404, 301, 307])
def test_a_refusal_or_a_redirect_is_final_and_nobody_follows_it(code: int, caplog: pytest.LogCaptureFixture) -> None:
    with serving(Hook()) as other, serving(Hook(code, location=other.url if code < 400 else "")) as hook:
        (to,) = couriers(NotifyConfig(webhook=hook.url))
        to.give(b"{}")
        until(lambda: "given up" in caplog.text)
        to.leave(time.monotonic() + 5)
        assert (len(hook.got), other.got) == (1, [])
    assert ("redirect" in caplog.text) == (code < 400)
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        f"http://127.0.0.1:9/{SECRET}",  # nobody listens
        f"https://127.0.0.1:PORT/{SECRET}",  # no TLS there
        f"http://nowhere.invalid/{SECRET}",
    ],
)
def test_an_address_that_is_away_delays_the_end_by_no_more_than_it_may_and_its_secret_is_kept(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(Hook()) as hook, caplog.at_level(logging.DEBUG):
        (to,) = couriers(NotifyConfig(webhook=url.replace("PORT", str(hook.server_port))))
        to.give(b"{}")
        until(lambda: "cannot be told" in caplog.text)
        began = time.monotonic()
        to.leave(began + 5)
        assert time.monotonic() - began < 5
    assert SECRET not in caplog.text


def test_one_that_never_answers_is_left_at_the_deadline(caplog: pytest.LogCaptureFixture) -> None:
    stuck, stopped = threading.Event(), threading.Event()

    def send(_: bytes) -> None:
        stuck.set()
        stopped.wait(20)

    to = Courier("stuck", send, stopped.set)
    for _ in range(3):
        to.give(b"{}")
    stuck.wait(10)
    began = time.monotonic()
    to.leave(began + 0.2)
    assert 0.1 < time.monotonic() - began < 3
    assert "3 notices are given up" in caplog.text


def test_notices_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "MOST", 2)
    gate, sent = threading.Event(), []

    def send(notice: bytes) -> None:
        gate.wait(20)
        sent.append(notice)

    to = Courier("slow", send)
    to.give(b"0")
    until(lambda: to._busy)
    for number in range(1, 6):
        to.give(b"%d" % number)
    gate.set()
    to.leave(time.monotonic() + 5)
    assert sent == [b"0", b"4", b"5"]


class Recorded(Courier):
    """Takes notices, and keeps them."""

    def __init__(self) -> None:
        self.given: list[dict[str, Any]] = []
        super().__init__("recorded", lambda _: None)

    def give(self, notice: bytes) -> None:
        """Keep it."""
        self.given.append(json.loads(notice))

    @property
    def texts(self) -> list[str]:
        """What was told."""
        return [notice["text"] for notice in self.given]


def test_what_was_told_is_not_told_again_after_a_restart_of_the_supervisor(tmp_path: Path) -> None:
    run_dir, state, given = RunDir(tmp_path), dead_run(), []
    for _ in range(2):
        to = Recorded()
        with Notifying(run_dir, [to]) as notifying:
            notifying.tick(state, LAUNCH)
            assert to.given == [], "nothing has happened"
            notifying.handle(*news(state, Kind.SNAPSHOT))
            notifying.tick(state, LAUNCH + 1.5)
            notifying.handle(*news(state))
            notifying.tick(state, LAUNCH + 2)
            ended = replace(state, finished_ts=LAUNCH + 3)
            notifying.handle(*news(ended, Kind.FINISHED))
        given.append(to.texts)
    assert given[0] == [
        "deep: task 00000001 (task 1) is dead: KeyError: 'edge'",
        "deep: the run has ended, 0 of 1 tasks done, 1 dead",
    ]
    assert given[1] == []


def test_the_payload_is_the_documented_one(tmp_path: Path) -> None:
    to = Recorded()
    with Notifying(RunDir(tmp_path), [to]) as notifying:
        notifying.handle(*news(dead_run()))
        notifying.tick(dead_run(), LAUNCH)
    page = (Path(__file__).parents[2] / "docs" / "notify.md").read_text("utf-8")
    example = json.loads(page.partition("```json\n")[2].partition("```")[0])
    (said,) = to.given
    assert set(said) == set(example)
    assert set(said["data"]) == set(example["data"])
    assert said["format"] == example["format"]
    assert (said["event"], said["content"]) == ("task.dead", said["text"])
    assert said["run_dir"] == str(tmp_path)
    assert datetime.fromisoformat(said["time"]).timestamp() == LAUNCH == said["ts"]
    assert (said["done"], said["total"], said["tasks"]) == (0, 1, {"dead": 1})
    assert all(f"`{key}`" in page for key in said)


def test_after_a_notice_others_are_gathered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying_module, "GATHER_S", 60.0)
    to = Recorded()
    with Notifying(RunDir(tmp_path), [to]) as notifying:
        state = dead_run()
        notifying.handle(*news(state))
        notifying.tick(state, LAUNCH)
        tasks = {f"{n:08x}": replace(state.tasks["00000001"], info=info(n)) for n in range(5)}
        more = replace(state, tasks=tasks)
        notifying.handle(*news(more))
        notifying.tick(more, LAUNCH + 1)
        assert len(to.given) == 1
        notifying._next_s = 0.0  # a minute later
        notifying.tick(more, LAUNCH + 61)
    assert to.texts[1] == "deep: 4 tasks are dead: 00000000, 00000002, 00000003, ..."


def test_a_verdict_is_told_though_no_time_passes_after_it(tmp_path: Path) -> None:
    to = Recorded()
    with Notifying(RunDir(tmp_path), [to]) as notifying:
        judged = replace(dead_run(), tasks={})
        phases = (PhaseInfo("one", verdicts=(Verdict("a", False),)),)
        notifying.handle(*news(replace(judged, campaign=replace(judged.campaign, phases=phases)), Kind.CAMPAIGN))
    assert to.texts == ["deep: a criterion of one fails: a"]


def test_a_directory_that_cannot_be_written_to_costs_no_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    to = Recorded()
    gone = RunDir(tmp_path / "gone" / "away")
    (tmp_path / "gone").write_text("a file")
    with Notifying(gone, [to]) as notifying:
        for _ in range(2):
            notifying.handle(*news(dead_run()))
            notifying.tick(dead_run(), LAUNCH)
    assert len(to.given) == 1
    assert "notified.json cannot be written" in caplog.text


@pytest.mark.parametrize(
    ("now", "hour", "then"),
    [
        ("2026-11-27T22:00:00", Hour(7, 30), "2026-11-28T07:30:00"),
        ("2026-11-28T03:00:00", Hour(7, 30), "2026-11-28T07:30:00"),
        ("2026-11-28T07:30:00", Hour(7, 30), "2026-11-29T07:30:00"),
        ("2026-10-24T22:00:00", Hour(7, 30), "2026-10-25T07:30:00"),  # the clock is set back in between
    ],
)
def test_the_hour_is_the_next_one_of_the_machines_clock(
    now: str, hour: Hour, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        found = next_hour(hour, datetime.fromisoformat(now).timestamp())
        assert datetime.fromtimestamp(found) == datetime.fromisoformat(then)
        assert next_hour(None, 0.0) == 0.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_nobody_is_told_where_nothing_is_set(tmp_path: Path) -> None:
    assert couriers(NotifyConfig()) == []
    with Notifying(RunDir(tmp_path), []) as notifying:
        notifying.handle(*news(dead_run()))
        notifying.tick(dead_run(), LAUNCH)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
