"""Notices on their way: a program that writes down what it gets, an address that fails first, no secret in a log."""

import json
import logging
import sys
import threading
import time
from pathlib import Path

import pytest

from cqltui.campaign.model import NotifyConfig
from cqltui.supervisor import courier as courier_module
from cqltui.supervisor.courier import Courier, DeliveryError
from cqltui.supervisor.notifying import couriers
from cqltui.supervisor.program import Program
from cqltui.supervisor.webhook import Webhook
from tests.unit.telltale import NOTICE, RECORDER, SECRET, Hook, serving, told, until


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "FIRST_S", 0.01)


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    """A program that writes down what it gets, into told.jsonl beside it."""
    path = tmp_path / "recorder.py"
    path.write_text(RECORDER, encoding="utf-8")
    return path


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
        Program(words, limit_s=0.3 if "0.3" in why else 60).run(NOTICE)
    assert not found.value.again
    assert time.monotonic() - began < 50


def test_what_a_program_prints_without_end_fills_no_memory_and_what_it_leaves_behind_holds_nobody_up(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    endless = "import sys, time, subprocess\nfor _ in range(300): print('x' * 10_000)\n"
    endless += "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    began = time.monotonic()
    with caplog.at_level(logging.INFO):
        Program((sys.executable, "-c", endless)).run(NOTICE)
    assert time.monotonic() - began < 50
    assert sum(len(record.getMessage()) for record in caplog.records) < 20_000


def test_an_address_that_fails_first_gets_every_notice_once_in_order(caplog: pytest.LogCaptureFixture) -> None:
    with serving(Hook(500, 429, 503)) as hook:
        (to,) = couriers(NotifyConfig(webhook=hook.url))
        to.give(b'{"n": 1}')
        to.give(b'{"n": 2}')
        until(lambda: len(hook.got) == 5)
        to.leave(time.monotonic() + 60)
    assert [body for _, _, body in hook.got] == [b'{"n": 1}'] * 4 + [b'{"n": 2}']
    path, content, _ = hook.got[0]
    assert (path, content) == (f"/services/{SECRET}?key={SECRET}", "application/json")
    assert caplog.text.count("cannot be told (it answers with HTTP 500)") == 1
    assert "webhook at 127.0.0.1" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("code", "again"), [(408, True), (425, True), (429, True), (500, True), (599, True), (410, False)]
)
def test_some_answers_are_worth_another_try(code: int, again: bool) -> None:
    with serving(Hook(code)) as hook, pytest.raises(DeliveryError, match=f"HTTP {code}") as found:
        Webhook(hook.url).post(b"{}")
    assert found.value.again == again


@pytest.mark.parametrize("code", [400, 404, 301, 307])
def test_a_refusal_or_a_redirect_is_final_and_nobody_follows_it(code: int, caplog: pytest.LogCaptureFixture) -> None:
    with serving(Hook()) as other, serving(Hook(code, location=other.url if code < 400 else "")) as hook:
        (to,) = couriers(NotifyConfig(webhook=hook.url))
        to.give(b"{}")
        until(lambda: "given up" in caplog.text)
        to.leave(time.monotonic() + 60)
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
        to.leave(began + 60)
        assert time.monotonic() - began < 60
    assert SECRET not in caplog.text


def test_one_that_never_answers_is_left_at_the_deadline(caplog: pytest.LogCaptureFixture) -> None:
    stuck, stopped = threading.Event(), threading.Event()

    def send(_: bytes) -> None:
        stuck.set()
        stopped.wait(60)

    to = Courier("stuck", send, stopped.set)
    for _ in range(3):
        to.give(b"{}")
    stuck.wait(60)
    began = time.monotonic()
    to.leave(began + 0.2)
    assert 0.1 < time.monotonic() - began < 50
    assert "3 notices are given up" in caplog.text


def test_notices_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "MOST", 2)
    gate, sent = threading.Event(), []

    def send(notice: bytes) -> None:
        gate.wait(60)
        sent.append(notice)

    to = Courier("slow", send)
    to.give(b"0")
    until(lambda: to._busy)
    for number in range(1, 6):
        to.give(b"%d" % number)
    gate.set()
    to.leave(time.monotonic() + 60)
    assert sent == [b"0", b"4", b"5"]


def test_both_are_told_by_their_names() -> None:
    both = couriers(NotifyConfig(command=("true",), webhook=f"https://hooks.example.com:8443/{SECRET}"))
    assert [to.name for to in both] == ["notices: notify command", "notices: webhook at hooks.example.com"]
    for to in both:
        to.leave(time.monotonic() + 60)
