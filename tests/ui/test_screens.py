"""The screens as pictures, kept in `screenshots/`. UPDATE_SCREENSHOTS=1 writes them anew: look at them then."""

import pytest

from cqltui.state.events import Event, Kind
from cqltui.state.record import Attempt, FileEntry, TaskRecord
from tests.ui.conftest import Bench, Compare
from tests.ui.driving import ALL, RUNNING
from tests.ui.late import LateDraws
from tests.ui.night import LAUNCH_TS, Night

SIZES = [(80, 24), (160, 48)]
FAILED = frozenset({11})


@pytest.fixture(autouse=True)
def pictures_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn on the way to a picture, which draws the whole screen by itself."""
    LateDraws.pictures(monkeypatch)


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


def recorded(now: float, token: str, end: str) -> TaskRecord:
    """The files of a task that was begun three times."""
    folder, ts = "run-1/1-1760734803400000", now - 300
    attempts = (
        Attempt(1, 1, "1-1", "w2", now - 3_000, now - 2_400, "lease lost", "its lease expired: worker w2 was silent"),
        Attempt(1, 2, "1-2", "w1", now - 2_390, now - 1_900, "given back"),
        Attempt(1, 3, token, "w1", now - 800, now - 60 if end else 0.0, end),
    )
    files = (
        FileEntry("metrics.csv", 262_144, ts),
        FileEntry("model.safetensors", 178_200, ts),
        FileEntry("model_best.safetensors", 178_200, ts),
        FileEntry("checkpoint-000940.safetensors", 533_500, ts, folder),
        FileEntry("metrics.csv", 262_144, ts, folder),
    )
    defaults = {"alpha": 0.3, "lr": 1e-4, "hidden_dims": [256, 128, 64], "epochs": 2_000, "seed": 42}
    watchers = (("ensemble", "The best architecture beats the runner-up by more than the spread over seeds"),)
    return TaskRecord(attempts, False, "/home/lab/runs/deep/tasks/f519f70a", files, 0, defaults, watchers)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "task"), [("running", RUNNING), ("done", ALL[29].id)])
async def test_details(name: str, task: str, size: tuple[int, int], compare: Compare) -> None:
    case = bench(name)
    index = [one.id for one in ALL].index(task)
    case.records[task] = recorded(case.now, f"1-{index + 1}", "" if name == "running" else "done")
    async with case.app.run_test(size=size) as pilot:
        await case.settle(pilot)
        await pilot.press("g", *["j"] * index, "enter")
        await case.settle(pilot)
        await pilot.wait_for_scheduled_animations()
        compare(case.app, f"details-{name}-{size[0]}x{size[1]}")


async def test_a_search_in_a_log(compare: Compare) -> None:
    case = bench("running")
    said = [f"2025-10-17 22:0{i}:07,092 INFO f519f70a Epoch {200 + i}/1000 | Loss: 0.0{900 - i}" for i in range(8)]
    trouble = [
        "2025-10-17 22:08:00,100 WARNING f519f70a the disk is nearly full",
        "2025-10-17 22:08:07,300 ERROR f519f70a Epoch 208 failed",
        "Traceback (most recent call last):",
        '  File "trainer/train.py", line 88, in run_epoch',
        "RuntimeError: no room",
    ]
    case.logs.say([*said, *trouble])
    async with case.app.run_test(size=(80, 24)) as pilot:
        await case.settle(pilot)
        await pilot.press("tab", "tab", "tab")
        await case.settle(pilot)  # the log is read
        await pilot.press("slash", *"epoch")
        await case.settle(pilot)
        compare(case.app, "log-search-80x24")


async def test_columns_and_filter_are_asked_for(compare: Compare) -> None:
    await look("failed", (80, 24), compare, columns="C", filter="slash a l p h a > = 0 . 3 space a l h p a > 1")


async def test_folded(compare: Compare) -> None:
    case = bench("done")
    async with case.app.run_test(size=(160, 48)) as pilot:
        await case.settle(pilot)
        await pilot.press("z", "G")
        await case.settle(pilot)
        compare(case.app, "folded-160x48")
