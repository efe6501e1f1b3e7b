"""The events: what they say and who did them, their keys; and the pictures of this panel and its neighbours."""

from msgspec.structs import replace

from cqltui.judging.told import Told
from cqltui.results.judged import EvaluationRead
from cqltui.state.events import Event, Kind
from cqltui.state.gauges import Gauge, Gpu, Sample
from cqltui.state.happened import Happening, Teller
from cqltui.ui.panels.evaluation import EvaluationPanel
from cqltui.ui.panels.events import EventsPanel
from cqltui.ui.panels.hardware import HardwarePanel
from cqltui.ui.screens.details import DetailsScreen
from tests.ui.conftest import Bench, Compare
from tests.ui.driving import ALL, DONE, RUNNING, RUNNING_S, sent
from tests.ui.evaluated import INTERIM, READ
from tests.ui.night import LAUNCH_TS, Night

WIDE = (160, 48)
GIB = 1024**3


def panel(bench: Bench) -> EventsPanel:
    """The panel."""
    return bench.app.screen.query_one(EventsPanel)


def shown(bench: Bench) -> list[str]:
    """What is read in it, line by line."""
    return ["".join(text for text, _ in line) for line in panel(bench).lines]


def asked(night: Night) -> list[Event]:
    """What people have asked in this night."""
    seq, ts = 1_000, night.now - 200.0
    paused = {"status": "paused", "paused_by": "user", "by": "anna@host screen", "priority": 7}
    campaign = {"wanted": "paused", "wanted_by": "ben@lab cli", "asked_workers": 3, "asked_workers_by": "ben@lab cli"}
    resumed = {"wanted": "running", "wanted_by": "anna@host screen", "asked_workers": 3}
    notice = {"level": "warning", "text": "worker w2 was killed by signal 9; another is started"}
    return [
        Event(Kind.TASK_PAUSED, ts, 1, seq, ALL[30].id, data=paused),
        Event(Kind.TASK_PRIORITY, ts + 30, 1, seq + 1, ALL[31].id, data=paused | {"status": "queued", "priority": 9}),
        Event(Kind.WANTED, ts + 60, 1, seq + 2, data=campaign),
        Event(Kind.WANTED, ts + 90, 1, seq + 3, data=resumed),
        Event(Kind.NOTICE, ts + 120, 1, seq + 4, data=notice),
    ]


def journal(events: list[Event]) -> tuple[Happening, ...]:
    """What a journal of these events tells."""
    teller = Teller()
    return tuple(one for event in events for one in teller.tell(event))


async def test_keys() -> None:
    night = Night(RUNNING_S)
    bench = Bench(night.events(), night.now)
    async with bench.open(WIDE) as pilot:
        await bench.settle(pilot)
        await pilot.press("7", "underscore")
        bench.give(*asked(night))
        await bench.until(pilot, lambda: any("signal 9" in line for line in shown(bench)))
        assert any("priority 9 by anna@host screen" in line for line in shown(bench))
        everything = len(shown(bench))

        await pilot.press("slash", *"ANNA !prio")
        await bench.rest(pilot)
        assert [line.split("by ")[1] for line in shown(bench)[1:]] == ["anna@host screen"] * 2
        assert not any("priority" in line for line in shown(bench))
        await pilot.press("enter")
        await bench.rest(pilot)
        assert panel(bench).has_focus, "Enter leaves the field, and the words in force"
        assert "anna" in str(panel(bench).border_title)
        await pilot.press("escape", "escape")  # at its place again, then without the words
        await bench.rest(pilot)
        assert "anna" not in str(panel(bench).border_title)
        await pilot.press("underscore")
        await bench.rest(pilot)
        assert len(shown(bench)) == everything

        await pilot.press("slash", *ALL[30].id, "tab", "g", "enter")
        await bench.until(pilot, lambda: bench.shows(DetailsScreen))
        assert isinstance(bench.app.screen, DetailsScreen)
        assert [task.id for task in bench.app.screen.targets()] == [ALL[30].id]
        await sent(bench, pilot)


async def test_what_the_journal_tells_is_told_once_and_before_what_is_seen() -> None:
    night = Night(RUNNING_S)
    events = night.events()
    before = Happening((1, 0, 0), LAUNCH_TS, "R", "running", "started long ago", (DONE,), worker="w9")
    told = (before, *journal(events[:-2]))
    bench = Bench(events, night.now, happened=lambda: told)
    async with bench.open(WIDE) as pilot:
        await bench.settle(pilot)
        await pilot.press("7", "underscore")
        await bench.until(pilot, lambda: any("long ago" in line for line in shown(bench)))
        lines = shown(bench)
        assert "long ago" in lines[-1] or "long ago" in lines[-2]
        running = next(task.title for task in ALL if task.id == RUNNING)
        assert sum(running in line and "started" in line for line in lines) == 1


def samples(night: Night) -> tuple[Sample, ...]:
    """Ten minutes of a machine with a GPU."""
    gpu = Gpu("H100", 0.0, 12 * GIB, 80 * GIB, 310.0)
    found = []
    for n in range(300):
        share = 0.55 + 0.3 * ((n * 7) % 40) / 40
        gauge = Gauge(share, share * 0.9, 8, 2, (5 + n // 60) * GIB, 16 * GIB, 212 * GIB, 500 * GIB, 4e6 * share)
        gauge = replace(gauge, gpus=(replace(gpu, use=share),))
        found.append(Sample(night.now - 600 + 2 * n, 90_000 * share, 45e9 * share, GIB, gauge))
    return tuple(found)


async def test_they_look(compare: Compare) -> None:
    """A running night, and one that has ended and was evaluated."""
    night = Night(RUNNING_S)
    given = samples(night)
    assert given[-1].gauge is not None
    bench = Bench(
        [*night.events(), *asked(night)],
        night.now,
        evaluation=lambda wish: INTERIM,
        measure=lambda workers: given[-1].gauge,
        speeds=lambda: given,
    )
    async with bench.open(WIDE) as pilot:
        await bench.settle(pilot)
        await bench.until(pilot, lambda: bench.app.frame is not None and len(bench.app.frame.samples) > len(given))
        for keys, name in (("6", "hardware"), ("7", "events"), ("5", "interim")):
            await pilot.press(keys, "underscore")
            await bench.rest(pilot)
            compare(bench.app, f"{name}-160x48")
            await pilot.press("escape")
        hardware = bench.app.screen.query_one(HardwarePanel)
        assert any("GFLOP/s" in text for line in hardware.lines for text, _ in line)


async def test_an_evaluation_looks_and_is_read_again(compare: Compare) -> None:
    night = Night(1e6)
    told = READ
    bench = Bench(night.events(), night.now, evaluation=lambda wish: told)
    async with bench.open(WIDE) as pilot:
        await bench.settle(pilot)
        await pilot.press("5", "underscore")
        await bench.rest(pilot)
        compare(bench.app, "evaluation-160x48")
        assert READ.test is not None
        leak: Told = replace(READ.test, audit=replace(READ.test.audit, trusted=False, grade="LEAK"))
        told = EvaluationRead(test=leak)
        bench.now += 10
        evaluation = bench.app.screen.query_one(EvaluationPanel)
        await bench.until(pilot, lambda: "No figure" in evaluation.lines[0][0][0])
