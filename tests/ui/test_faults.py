"""What the screen shows and does while the server is away or foreign things come from it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from cqltui.broker.protocol.codec import decode_event
from cqltui.state.events import Event, Kind
from cqltui.ui.app import CqltuiApp
from cqltui.ui.loglines import LogLook, log_lines
from cqltui.ui.panels.banner import Banner
from cqltui.ui.ports import LeaveChoice, Ports
from tests.ui.conftest import Bench, run_to_its_end
from tests.ui.fakes import FakeLogs, FakeRequests, FakeSource
from tests.ui.night import LAUNCH_TS, Night
from tests.ui.test_app import HOSTILE, seen

AWAY_S = 300.0


@asynccontextmanager
async def away(size: tuple[int, int] = (160, 48)) -> AsyncIterator[tuple[Bench, Pilot[LeaveChoice]]]:
    """A night whose server has been away for five minutes."""
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.open(size) as pilot:
        await bench.settle(pilot)
        bench.give(Event(Kind.CONNECTION, night.now, data={"online": False}))
        await bench.settle(pilot)
        bench.now += AWAY_S
        await bench.until(pilot, lambda: "(5m 00s)" in seen(bench.app))
        yield bench, pilot


def told(bench: Bench) -> list[str]:
    """The messages that are shown."""
    return [notification.message for notification in bench.app._notifications]


async def test_what_was_known_when_the_server_went_is_marked_and_does_not_move() -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    async with bench.open((160, 48)) as pilot:
        await bench.settle(pilot)
        before = seen(bench.app)
        rate = next(word for word in before.split() if "," in word and word[0].isdigit())
        eta = before.partition("ETA ~")[2].split()[0]
    async with away() as (bench, pilot):
        text = seen(bench.app)
        assert f"last {rate} samples/s" in text, "not 0: nobody knows"
        assert f"ETA was ~{eta}" in text, "not put off with each second"
        assert "as of " in text
        assert "silent" not in text, "it is the server that is"
        assert "stalled" not in text
        bench.give(Event(Kind.CONNECTION, bench.now, data={"online": True}))
        await bench.until(pilot, lambda: "as of " not in seen(bench.app))
        assert "stalled" in seen(bench.app), "nothing was reported meanwhile, and now somebody would know"


async def test_keys_are_answered_while_the_server_is_away() -> None:
    async with away((80, 24)) as (bench, pilot):
        for keys in (["p"], ["plus"], ["P"], ["x"], ["space", "j", "space", "p"], ["g", "r"], ["u"], ["w"], ["d"]):
            await pilot.press(*keys)
            await bench.until(pilot, lambda: bool(told(bench)))
            assert [text for text in told(bench) if "nothing was asked" in text] == told(bench)[:1], f"{keys}: once"
            assert await bench.commands(pilot) == [], keys
            assert bench.app.frame is not None
            assert not bench.app.frame.pending, keys
            assert not bench.app.screen.is_modal, f"{keys}: no question in vain"
            bench.app.clear_notifications()
            await bench.until(pilot, lambda: not told(bench))


async def test_a_run_can_be_left_but_not_stopped_while_the_server_is_away() -> None:
    async with away((80, 24)) as (bench, pilot):
        await pilot.press("q", "s")
        await bench.until(pilot, lambda: "nothing was asked" in "".join(told(bench)))
        assert bench.app.is_running
        await pilot.press("q", "b")
        await bench.until(pilot, lambda: not bench.app.is_running)
    assert bench.app.return_value is LeaveChoice.BACKGROUND
    assert bench.requests.calls == []


async def test_a_command_whose_answer_was_lost_is_no_longer_pending() -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    bench.requests.refuse = "the server did not answer in time: it may still carry out what was asked"
    async with bench.open() as pilot:
        await bench.settle(pilot)
        await pilot.press("p")
        await bench.until(pilot, lambda: bench.requests.refuse in told(bench))
        await bench.until(pilot, lambda: bench.app.frame is not None and not bench.app.frame.pending)


@pytest.mark.usefixtures("ticking")
async def test_neither_server_nor_supervisor_names_the_fix() -> None:
    async with away((80, 24)) as (bench, pilot):
        bench.supervised = False
        await bench.until(pilot, lambda: bench.asked > 0 and bench.app._supervision._missing_since is not None)
        bench.now += 3
        banner = bench.app.screen.query_one(Banner)
        await bench.until(pilot, lambda: "No supervisor, and no server since" in banner.render_line(0).text)


class Secretive(FakeSource):
    """Fails with a secret among its variables."""

    def poll(self, timeout_s: float) -> list[Event]:
        """Fail."""
        secret = "hunter" + str(2)
        raise RuntimeError(f"a bug {len(secret)}")


async def test_a_crash_shows_no_variables(capsys: pytest.CaptureFixture[str]) -> None:
    app = CqltuiApp(Ports(source=Secretive(), requests=FakeRequests(), logs=FakeLogs()))
    with pytest.raises(RuntimeError, match="a bug"):
        await run_to_its_end(app)
    shown = capsys.readouterr().err
    assert "a bug 7" in shown
    assert "Traceback" in shown
    assert "hunter2" not in shown


def message(kind: Kind, data: object, fields: Mapping[str, object]) -> bytes:
    """As a stranger may publish it: anything that JSON can say, and what it cannot."""
    head = {"v": 1, "epoch": 1, "ts": LAUNCH_TS, "kind": kind.value, "data": data}
    return json.dumps(head | dict(fields)).encode()


LARGE, SMALL = 1.7e308, -1.7e308
NUMBERS: tuple[object, ...] = (
    float("nan"),
    float("inf"),
    LARGE,
    SMALL,
    10**400,
    -(10**18),
    5e-324,
    "NaN",
    "",
    None,
    [],
    {},
    True,
)


def foreign_messages() -> list[bytes]:
    """Tasks, reports, workers and notices whose every figure is odd, and messages that are none."""
    found: list[bytes] = [b"", b"\xff\xfe", b"[]", b"null", b"{" * 100_000, b"\x00" * 10, b'"\xed\xa0\x80"']
    for seq, odd in enumerate(NUMBERS, start=10):
        name = f"odd{seq}"
        figures = ("priority", "order", "run", "attempt", "queued_ts", "started_ts", "claimed_ts", "ready_ts")
        fixed = ("epochs", "epoch_steps", "step_flops", "alpha", "lr", "index", "params", "batch_size", "baseline_loss")
        info = dict.fromkeys(fixed, odd) | {"phase": "p", "title": HOSTILE, "hidden_dims": [odd, 3]}
        life = dict.fromkeys(figures, odd) | {"status": "running", "worker": name, "token": f"1-{seq}"}
        found.append(message(Kind.TASK_CLAIMED, life | {"info": info}, {"seq": seq, "task": name}))
        losses = ("loss", "val_loss", "td_loss", "samples_per_s", "elapsed_s", "step", "epoch", "epochs")
        report = dict.fromkeys(losses, odd) | {"task": name, "token": f"1-{seq}", "curve": [[1, odd], [2, 0.5], odd]}
        told = {"samples_per_s": odd, "memory_bytes": odd, "memory_total_bytes": odd, "pid": odd, "device": odd}
        found.append(message(Kind.PROGRESS, told | {"members": [report, odd]}, {"worker": name}))
        found.append(message(Kind.TASK_CLAIMED, life | {"info": info}, {"seq": seq, "task": name, "ts": odd}))
        found.append(message(Kind.NOTICE, {"level": odd, "text": odd}, {"seq": seq}))
        wrong = ("v", "epoch", "seq", "kind", "task", "worker", "attempt", "data")
        found += [message(Kind.NOTICE, {"text": "odd"}, {"seq": seq, field: odd}) for field in wrong]
    future = {"v": 2, "kind": "task.teleported", "seq": 90}
    found += [
        json.dumps(future).encode(),
        message(Kind.NOTICE, {"text": "x" * 1_000_000, "level": "error"}, {"seq": 91}),
    ]
    return found


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_foreign_messages_and_figures_are_drawn_or_left_out(size: tuple[int, int]) -> None:
    night = Night(4_200.0)
    events = [event for raw in foreign_messages() if (event := decode_event(raw)) is not None]
    assert len(events) > len(NUMBERS)
    bench = Bench([*night.events(), *events], night.now, [HOSTILE, "x" * 1_000_000, "\ufffd\ufffd", "[/]"])
    async with bench.open(size) as pilot:
        await bench.settle(pilot)
        for key in ["G", "enter", "escape", "g", "enter", "escape", *["tab"] * 6, "k", "k", "question_mark", "escape"]:
            await pilot.press(key)
            await bench.settle(pilot)
        text = seen(bench.app)
        assert not any(sign in text for sign in "\x1b\x9b\x07\u202e\ud800")
        assert bench.app.is_running
        bench.app.export_screenshot()


def test_a_log_line_of_a_megabyte_is_cut() -> None:
    ((_, (text, _)),) = log_lines(["\x1b[31m" + "x" * 1_000_000], 80, LogLook()).lines
    assert len(text) <= 1_000
    assert text.startswith("xxx")


async def test_a_refusal_with_markup_is_shown_as_it_is() -> None:
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    bench.requests.refuse = HOSTILE
    async with bench.open() as pilot:
        await bench.settle(pilot)
        await pilot.press("p")
        await bench.until(pilot, lambda: bool(told(bench)))
        (text,) = told(bench)
        assert text.startswith("[bold red]x[/]")
        assert "\x1b" not in text
        bench.app.export_screenshot()
