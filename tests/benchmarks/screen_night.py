"""`python -m tests.benchmarks.screen_night`: megabytes that a screen has grown by from the first to the eighth hour of
events, given to it as fast as it takes them. A process of its own, of which the screen is all."""

import asyncio
import gc
from functools import partial

import psutil

from cqltui.state.events import Event, Kind
from tests.ui.conftest import Bench
from tests.ui.night import Night
from tests.ui.test_long_night import another, later

HOURS, STEP_S, NOTICE_S = 8, 10, 600
"""All workers report every few seconds; now and then there is a warning."""
HOUR = 3_600 // STEP_S


async def grown() -> float:
    """The difference, in megabytes."""
    night = Night(60.0)
    bench = Bench(night.events(), night.now)
    running = [event for event in bench.given if event.kind is Kind.PROGRESS]
    seq = max(event.seq for event in bench.given)
    seen = []
    async with bench.app.run_test(size=(160, 48)) as pilot:
        await bench.settle(pilot)
        for step in range(1, HOURS * HOUR + 1):
            bench.now += STEP_S
            events = [later(event, bench.now, seq, step + 300) for event in running]
            if step * STEP_S % NOTICE_S == 0:
                seq += 1
                text = {"level": "warning", "text": f"worker w{step} died"}
                events.append(Event(Kind.NOTICE, bench.now, 1, seq, data=text))
            before = bench.app.frame
            bench.source.give(*events)
            await bench.until(pilot, partial(another, bench, before))
            if step in (HOUR, HOURS * HOUR):
                bench.app.clear_notifications()
                await pilot.pause()
                gc.collect()
                seen.append(psutil.Process().memory_info().rss / 1e6)
    return seen[1] - seen[0]


if __name__ == "__main__":
    print(asyncio.run(grown()))
