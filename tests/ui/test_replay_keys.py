"""The keys of a replay, its line, and its bar."""

import time
from pathlib import Path

from textual.pilot import Pilot

from cqltui.app.recorded import extent
from cqltui.app.replaying import Replaying
from cqltui.app.replayscreen import replay_ports
from cqltui.broker.protocol.codec import encode_event
from cqltui.results.rundir import RunDir
from cqltui.state.events import Event, Kind
from cqltui.state.playhead import Playhead
from cqltui.ui.line import width
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.replayline import ReplayLine, replay_line
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.preferences import Preferences
from cqltui.ui.replaying import ReplayApp
from tests.ui.conftest import DEADLINE_S, Compare
from tests.ui.night import LAUNCH_TS, Night, campaign, tasks

LENGTH_S = 7_200.0
AT_S, SHOWN_S = 9_000.0, 4_200.0
HEAD = Playhead(1_000.0, 8_200.0, 1_000.0, speed=60.0)


def recorded(folder: Path) -> RunDir:
    """A journal in which the first task trains for an hour."""
    run = RunDir(folder)
    first = tasks()[0]
    life = {"status": "queued", "run": 1, "priority": 8}
    running = {**life, "status": "running", "worker": "w1", "token": "1-1", "claimed_ts": LAUNCH_TS + 60}
    found = [
        Event(Kind.CAMPAIGN, LAUNCH_TS, 1, 1, data={"wanted": "running", "campaign": campaign()}),
        Event(Kind.TASK_QUEUED, LAUNCH_TS, 1, 2, first.id, data={**life, "info": first.info()}),
        Event(Kind.TASK_CLAIMED, LAUNCH_TS + 60, 1, 3, first.id, "w1", "1-1", data=running),
        Event(Kind.NOTICE, LAUNCH_TS + 70, 1, 4, data={"level": "error", "text": "long past"}),
        Event(Kind.TASK_DONE, LAUNCH_TS + 3_660, 1, 5, first.id, "w1", data={**running, "status": "done"}),
        Event(Kind.NOTICE, LAUNCH_TS + LENGTH_S, 1, 6, data={"level": "info", "text": "the end"}),
    ]
    run.journal.write_bytes(b"".join(encode_event(event) + b"\n" for event in found))
    return run


def said(app: ReplayApp, of: type[ReplayLine | Header]) -> str:
    """What a widget shows."""
    return "\n".join("".join(text for text, _ in line) for line in app.screen.query_one(of).lines)


async def reached(app: ReplayApp, pilot: Pilot[LeaveChoice], at_s: float, status: str) -> None:
    """Wait until the screen is of that moment."""
    deadline = time.monotonic() + DEADLINE_S
    while app.frame is None or app.frame.now != LAUNCH_TS + at_s or app.busy:
        assert time.monotonic() < deadline, f"the screen has not come to {at_s}"
        await pilot.pause(0.01)
    assert [str(task.status) for task in app.frame.state.tasks.values()] == [status]


async def test_keys_move_the_clock(tmp_path: Path) -> None:
    run, wall = recorded(tmp_path), [0.0]
    begin_ts, end_ts = extent(run)
    replaying = Replaying(run, Playhead(begin_ts, end_ts, begin_ts + 30, speed=60.0), lambda: wall[0])
    app = ReplayApp(replay_ports(run, replaying, Preferences()), replaying)
    app.animation_level = "none"
    async with app.run_test(size=(100, 30)) as pilot:
        await reached(app, pilot, 30, "queued")
        assert "replay" in said(app, Header)
        await pilot.press("full_stop")
        await reached(app, pilot, 90, "running")
        await pilot.press("right_parenthesis")
        await reached(app, pilot, 450, "running")
        await pilot.press("left_parenthesis", "comma")
        await reached(app, pilot, 30, "queued")
        await pilot.press("dollar_sign")
        await reached(app, pilot, LENGTH_S, "done")
        assert "at the end" in said(app, ReplayLine)
        assert not app._notifications, "what is long past brings up no toast"
        await pilot.press("circumflex_accent", "right_curly_bracket", "right_curly_bracket", "left_curly_bracket")
        await reached(app, pilot, 0, "queued")
        assert "×300" in said(app, ReplayLine)
        wall[0] = 10.0
        await reached(app, pilot, 3_000, "running")
        await pilot.press("semicolon")
        wall[0] = 20.0
        await pilot.pause(0.05)
        assert replaying.now() == LAUNCH_TS + 3_000, "it stands"
        line = app.screen.query_one(ReplayLine)
        await pilot.click(ReplayLine, offset=(line._bar[1] - 1, 0))
        await reached(app, pilot, LENGTH_S, "done")
        await pilot.press("p")  # is for those who change something
        await pilot.press("enter")
        await pilot.pause()
        assert "at the end" in said(app, ReplayLine), "the details have the line too"


async def test_it_looks(tmp_path: Path, compare: Compare) -> None:
    """Like the run did, with a line of its own."""
    run, night = RunDir(tmp_path), Night(AT_S)
    run.journal.write_bytes(b"".join(encode_event(event) + b"\n" for event in night.events()))
    begin_ts, end_ts = extent(run)
    replaying = Replaying(run, Playhead(begin_ts, end_ts, begin_ts + SHOWN_S, speed=60.0), lambda: 0.0)
    app = ReplayApp(replay_ports(run, replaying, Preferences()), replaying)
    app.animation_level = "none"
    async with app.run_test(size=(160, 48)) as pilot:
        deadline = time.monotonic() + DEADLINE_S
        while "17/49" not in said(app, Header) or app.busy:
            assert time.monotonic() < deadline
            await pilot.pause(0.02)
        for size in ((160, 48), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            compare(app, f"replay-{size[0]}x{size[1]}")


def test_the_line_tells_where_it_is() -> None:
    def text(now: float, cells: int) -> str:
        line, (_, end) = replay_line(HEAD, now, cells)
        assert width(line) < cells or not end
        return "".join(one for one, _ in line)

    assert text(4_600.0, 80).split("  ")[2] == "1h 00m of 2h 00m"
    assert text(4_600.0, 80).count("━") == text(4_600.0, 80).count("─"), "half of the way"
    assert text(8_200.0, 80).endswith("◆")
    assert "01:16:40" in text(4_600.0, 40)
    line, bar = replay_line(HEAD, 4_600.0, 80, plain=True)
    assert bar == (0, 0)
    assert "━" not in "".join(one for one, _ in line)
