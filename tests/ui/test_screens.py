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


async def look(name: str, size: tuple[int, int], compare: Compare, **pictures: str) -> None:
    """Start and compare; for each further picture press its keys, compare, and go back."""
    case = bench(name)
    async with case.app.run_test(size=size) as pilot:
        await case.settle(pilot)
        for picture, keys in {name: "", **pictures}.items():
            await pilot.press(*keys.split())
            await case.settle(pilot)
            await pilot.wait_for_scheduled_animations()
            compare(case.app, f"{picture}-{size[0]}x{size[1]}")
            if keys:
                await pilot.press("escape")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["empty", "done"])
async def test_main(name: str, size: tuple[int, int], compare: Compare) -> None:
    await look(name, size, compare)


async def test_offline(compare: Compare) -> None:
    await look("offline", (80, 24), compare)


async def test_running_help_and_leave(compare: Compare) -> None:
    await look("running", (80, 24), compare, help="question_mark", leave="q")
    await look("running", (160, 48), compare, help="question_mark")


@pytest.mark.parametrize("size", SIZES)
async def test_failed_and_details(size: tuple[int, int], compare: Compare) -> None:
    """Of the dead task: the error comes first."""
    await look("failed", size, compare, details=" ".join(["g", *["j"] * 11, "enter"]))


@pytest.mark.parametrize("size", [(40, 10), (120, 40), (200, 60), (220, 60), (300, 80)])
async def test_columns(size: tuple[int, int], compare: Compare) -> None:
    await look("running", size, compare)


async def test_columns_and_filter_are_asked_for(compare: Compare) -> None:
    await look("failed", (80, 24), compare, columns="C", filter="slash a l p h a > = 0 . 3 space a l h p a > 1")


async def test_folded(compare: Compare) -> None:
    case = bench("done")
    async with case.app.run_test(size=(160, 48)) as pilot:
        await case.settle(pilot)
        await pilot.press("z", "G")
        await case.settle(pilot)
        compare(case.app, "folded-160x48")
