"""A run that is being started, or whose server is being reached: what is seen before there is a queue to read."""

import errno
import threading
from collections.abc import Callable

from msgspec.structs import replace

from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState
from cqltui.state.reduce import reduce_all
from cqltui.state.select import ordered
from cqltui.ui.format import stamp
from cqltui.ui.panels.banner import Banner
from cqltui.ui.panels.tasks import TaskTable
from tests.ui.conftest import Bench
from tests.ui.driving import RUNNING_S
from tests.ui.night import LAUNCH_TS, Night
from tests.ui.test_app import seen


async def test_a_run_that_is_being_started_is_not_one_whose_server_is_away() -> None:
    stands = threading.Event()

    def start(tell: Callable[[str], None]) -> None:
        tell("Reading the data.")
        stands.wait(30)

    bench = Bench([], LAUNCH_TS, start=start)
    async with bench.open() as pilot:
        await bench.until(pilot, lambda: "Reading the data." in seen(bench.app))
        assert "no campaign" not in seen(bench.app)
        await pilot.press("q", "s")
        await bench.until(pilot, lambda: any("server yet" in n.message for n in bench.app._notifications))
        assert not any("does not answer" in n.message for n in bench.app._notifications)
        stands.set()


async def test_the_tasks_of_a_new_run_are_listed_before_there_is_a_queue() -> None:
    stands, night = threading.Event(), Night(RUNNING_S)
    planned = [f"seed {number} [b]\x1b[2J" for number in range(3_000)]
    bench = Bench(night.events(), night.now, start=lambda _: stands.wait(30), planned=planned)
    async with bench.app.run_test(size=(80, 24)) as pilot:
        await bench.until(pilot, lambda: "3,000 tasks planned, in this order:" in seen(bench.app))
        assert "◦ seed 0 [b]" in seen(bench.app)
        assert seen(bench.app).index("seed 1 ") < seen(bench.app).index("seed 2 ")
        assert "\x1b" not in seen(bench.app)
        stands.set()
        await bench.settle(pilot)
        assert "planned, in" not in seen(bench.app), "what there is is listed instead"


async def test_a_run_is_seen_as_it_is_known_until_its_server_answers() -> None:
    answers = threading.Event()

    def start(tell: Callable[[str], None]) -> None:
        answers.wait(30)

    night = Night(4_200.0)
    events = night.events()
    known = replace(reduce_all(RunState(), events), online=False, offline_since=night.now - 60, workers={})
    bench = Bench(events, night.now, start=start, waiting="Connecting to the server.", known=known)
    async with bench.app.run_test(size=(160, 48)) as pilot:
        await bench.until(pilot, lambda: bench.app.frame is not None and "alpha 0.25" in seen(bench.app))
        text = seen(bench.app)
        since = stamp(night.now - 60)
        assert f"○ connecting, as of {since}" in text
        assert not any(word in text for word in ("samples/s", "0 workers", "offline", "starting", "~"))
        assert not bench.app.screen.query_one(Banner).display
        await bench.until(pilot, lambda: "▼" in seen(bench.app))  # the timeline comes a moment later
        assert "! fault" not in seen(bench.app), "a server that was not asked yet has not failed to answer"
        await pilot.press("x")
        await bench.until(pilot, lambda: any("server yet" in n.message for n in bench.app._notifications))
        assert not bench.requests.calls
        answers.set()
        await bench.settle(pilot)
        text = seen(bench.app)
        assert "connecting" not in text
        assert "● online" in text
        assert bench.app.screen.query_one(TaskTable).ids == tuple(task.id for task in ordered(known))


async def test_a_server_that_does_not_answer_at_once_is_away_since_the_run_was_written_down() -> None:
    night = Night(4_200.0)
    known = replace(reduce_all(RunState(), night.events()), online=False, offline_since=night.now - 60)
    bench = Bench(
        [Event(Kind.CONNECTION, night.now, data={"online": False})], night.now, start=lambda _: None, known=known
    )
    async with bench.app.run_test(size=(160, 48)) as pilot:
        said = f"has not answered since {stamp(night.now - 60)}"
        await bench.until(pilot, lambda: said in seen(bench.app))
        assert "connecting" not in seen(bench.app)


async def test_a_full_disk_at_the_start_ends_the_screen_as_the_command_tells_it() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "runs/night/server")

    def start(tell: Callable[[str], None]) -> None:
        raise full

    bench = Bench([], LAUNCH_TS, start=start)
    async with bench.app.run_test() as pilot:
        await bench.until(pilot, lambda: bench.app.failure is full)
    assert not bench.app.return_code, "no traceback"
