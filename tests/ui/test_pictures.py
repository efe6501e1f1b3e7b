"""More pictures of the screen: states of the run, each panel alone, questions. See `test_screens.py`."""

import pytest

from cqltui.state.events import Event, Kind
from tests.ui.conftest import Bench, Compare
from tests.ui.driving import ALL
from tests.ui.late import LateDraws
from tests.ui.night import Night
from tests.ui.test_screens import SIZES, bench

AT_S = 4_200.0
SILENT_S = 600.0
"""So long nothing has been heard of running tasks, of which the server says that they run."""


@pytest.fixture(autouse=True)
def pictures_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn on the way to a picture, which draws the whole screen by itself."""
    LateDraws.pictures(monkeypatch)


def held(state: str) -> Bench:
    """An app on a run that is paused, with what it trained given back; or whose tasks say nothing any more."""
    night = Night(AT_S)
    events = night.events()
    if state == "stalled":
        return Bench(events, night.now + SILENT_S)
    seq = max(event.seq for event in events)
    for task in ALL[17:19]:
        seq += 1
        life = {
            "status": "paused",
            "priority": 7,
            "run": 1,
            "paused_by": "campaign",
            "attempt": 1,
            "order": task.index + 1,
        }
        events.append(Event(Kind.TASK_PAUSED, night.now, 1, seq, task.id, data=life))
    events.append(Event(Kind.WANTED, night.now, 1, seq + 1, data={"wanted": "paused", "wanted_by": "anna@lab screen"}))
    return Bench(events, night.now)


async def pictures(case: Bench, size: tuple[int, int], compare: Compare, names: dict[str, str]) -> None:
    """Compare for each name once its keys are pressed; Escape leads back."""
    async with case.app.run_test(size=size) as pilot:
        await case.settle(pilot)
        for name, keys in names.items():
            await pilot.press(*keys.split())
            await case.settle(pilot)
            await pilot.wait_for_scheduled_animations()
            compare(case.app, f"{name}-{size[0]}x{size[1]}")
            if keys:
                await pilot.press("escape", "escape", "1")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", ["paused", "stalled"])
async def test_states(state: str, size: tuple[int, int], compare: Compare) -> None:
    await pictures(held(state), size, compare, {state: ""})


async def test_the_large_screen(compare: Compare) -> None:
    await pictures(bench("offline"), (160, 48), compare, {"offline": ""})
    asked = {
        "panel-curves": "2 underscore", "panel-timeline": "3 underscore", "panel-log": "4 underscore",
        "panel-phases": "8 underscore", "palette": "colon", "leave": "q", "ask-cancel": "x", "columns": "C",
        "filter": "slash a l p h a > = 0 . 2 5",
    }  # fmt: skip
    await pictures(bench("running"), (160, 48), compare, asked)


async def test_the_small_screen(compare: Compare) -> None:
    asked = {
        "panel-curves": "2", "panel-timeline": "3", "panel-log": "4", "panel-evaluation": "5", "panel-hardware": "6",
        "palette": "colon", "ask-cancel": "x", "ask-cancel-marked": "space space space x",
    }  # fmt: skip
    await pictures(bench("running"), (80, 24), compare, asked)
