"""The screens as pictures, kept in `screenshots/`. UPDATE_SCREENSHOTS=1 writes them anew: look at them then."""

import pytest

from cqltui.state.events import Event, Kind
from tests.ui.conftest import Bench, Compare
from tests.ui.night import LAUNCH_TS, Night

SIZES = [(80, 24), (160, 48)]
FAILED = frozenset({11})


def bench(name: str) -> Bench:
    """An app at a moment of the night."""
    match name:
        case "empty":
            return Bench([Event(Kind.CONNECTION, LAUNCH_TS, data={"online": True})], LAUNCH_TS + 2)
        case "offline":
            night = Night(4_200.0)
            gone = Event(Kind.CONNECTION, night.now - 12, data={"online": False})
            return Bench([*night.events(), gone], night.now)
    until_s = {"running": 4_200.0, "failed": 9_000.0, "done": 1e6}[name]
    night = Night(until_s, FAILED if name == "failed" else frozenset())
    events = night.events()
    return Bench(events, night.now)


async def look(name: str, size: tuple[int, int], compare: Compare, picture: str, *keys: str) -> None:
    """Start, press, compare."""
    case = bench(name)
    async with case.app.run_test(size=size) as pilot:
        await case.settle(pilot)
        for key in keys:
            await pilot.press(key)
            await case.settle(pilot)
        await pilot.wait_for_scheduled_animations()
        compare(case.app, f"{picture}-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["empty", "running", "failed", "done"])
async def test_main(name: str, size: tuple[int, int], compare: Compare) -> None:
    await look(name, size, compare, name)


async def test_offline(compare: Compare) -> None:
    await look("offline", (80, 24), compare, "offline")


@pytest.mark.parametrize("size", SIZES)
async def test_help(size: tuple[int, int], compare: Compare) -> None:
    await look("running", size, compare, "help", "question_mark")


@pytest.mark.parametrize("size", SIZES)
async def test_details(size: tuple[int, int], compare: Compare) -> None:
    """Of the dead task: the error comes first."""
    await look("failed", size, compare, "details", "g", *["j"] * 11, "enter")


async def test_leave(compare: Compare) -> None:
    await look("running", (80, 24), compare, "leave", "q")


async def test_largest(compare: Compare) -> None:
    await look("running", (200, 60), compare, "running")
