"""Eight hours of events: the screen's memory does not grow."""

import gc
from collections import Counter
from functools import partial

from msgspec.structs import replace
from textual.strip import Strip

from cqltui.state.events import Event, Kind
from cqltui.ui.frame import Frame
from cqltui.ui.panels.view import LineView
from tests.ui.conftest import Bench
from tests.ui.night import Night

HOURS, STEP_S = 8, 240
FRAMES = HOURS * 3_600 // STEP_S
WARM = FRAMES * 2 // 3
GROWTH = 1.02
KEPT_LINES = 500
"""On a screen of 24."""


def later(event: Event, ts: float, seq: int, epoch: int) -> Event:
    """The report that its worker gives at another moment."""
    members = []
    for member in event.data["members"]:
        loss = 0.05 + 0.9 * (epoch + 2.0) ** -0.62
        curve = [[n, 0.05 + 0.9 * (n + 2.0) ** -0.62] for n in range(1, epoch + 1, max(1, epoch // 48))]
        members.append({**member, "epoch": epoch, "step": 13 * epoch, "loss": loss, "val_loss": loss, "curve": curve})
    return replace(event, ts=ts, data={**event.data, "members": members, "since": seq, "report": round(ts)})


def objects() -> Counter[type]:
    """What is alive, by type."""
    gc.collect()
    return Counter(type(found) for found in gc.get_objects())


def another(bench: Bench, frame: Frame | None) -> bool:
    """Whether something has been drawn since."""
    return bench.app.frame is not frame


async def test_eight_hours_of_events_leave_no_more_behind_than_five() -> None:
    night = Night(60.0)
    bench = Bench(night.events(), night.now)
    running = [event for event in bench.given if event.kind is Kind.PROGRESS]
    assert running
    seq = max(event.seq for event in bench.given)
    seen: list[Counter[type]] = []
    kept: list[int] = []
    async with bench.app.run_test(size=(80, 24)) as pilot:
        await bench.settle(pilot)
        for frame in range(FRAMES):
            bench.now += STEP_S
            events = [later(event, bench.now, seq, frame + 300) for event in running]
            if frame % 8 == 0:  # a worker dies, is replaced, and that is told
                data = {"level": "warning", "text": f"worker w{frame} died"}
                events += [
                    Event(Kind.WORKER_STARTED, bench.now, 1, seq + 1, worker="w3", data={"device": "cpu"}),
                    Event(Kind.WORKER_STOPPED, bench.now, 1, seq + 2, worker="w3"),
                    Event(Kind.NOTICE, bench.now, 1, seq + 3, data=data),
                ]
                seq += 3
            before = bench.app.frame
            bench.source.give(*events)
            await bench.until(pilot, partial(another, bench, before))
            await pilot.pause()
            kept.append(sum(len(view._strips) for view in bench.app.screen.query(LineView)))
            if frame in (WARM, FRAMES - 1):
                bench.app.clear_notifications()
                await pilot.pause()
                seen.append(objects())
        assert bench.app.frame is not None
        epochs = [task.epochs_done for task in bench.app.frame.state.tasks.values() if task.epochs_done]
        assert max(epochs) == FRAMES + 299, "the events were seen"
    half, whole = seen
    grown = (whole - half).most_common(5)
    assert max(kept) <= KEPT_LINES, "drawn lines are kept for a while, not for the night"
    assert whole[Strip] <= half[Strip] * GROWTH, grown
    assert whole.total() <= half.total() * GROWTH, grown
