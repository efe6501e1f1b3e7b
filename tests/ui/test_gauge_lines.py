"""The hardware's history as lines, and how it comes about."""

from msgspec.structs import replace

from cqltui.identity import ProcessIdentity
from cqltui.state.eta import estimate
from cqltui.state.gauges import Gauge, Gpu, Sample, joined, of_gauge, series
from cqltui.state.model import RunState, WorkerState
from cqltui.ui.background import Background
from cqltui.ui.frame import Frame
from cqltui.ui.gaugelines import area, gauge_lines, gauge_rows, gibibytes, window_s
from cqltui.ui.gauging import Gauging
from cqltui.ui.panels.hardware import away_line

NOW, GIB = 1_000_000.0, 1024**3
GPU = Gpu("H100", 0.87, 12 * GIB, 80 * GIB, 310.4)
GAUGE = Gauge(0.634, 0.5, 8, 2, 5 * GIB, 16 * GIB, 212 * GIB, 500 * GIB, 3.14e6, (GPU,))


def moving(count: int, every_s: float = 2.0) -> list[Sample]:
    """Samples up to now, whose CPU rises."""
    return [
        Sample(NOW - (count - 1 - n) * every_s, 100.0 * n, 2e9 * n, 3 * GIB, replace(GAUGE, cpu=n / (count - 1)))
        for n in range(count)
    ]


def test_a_series_has_means_and_holds_a_sample_for_a_while() -> None:
    samples = [Sample(0.0, 8.0), Sample(1.0, 10.0), Sample(40.0, 4.0), Sample(99.0, 6.0), Sample(101.0, 99.0)]
    # Ten seconds a part: 9 of the first two, held for 25 s, then nothing until 40.
    found = series(samples, lambda it: it.samples_per_s, 0.0, 100.0, 10)
    assert found == [9.0, 9.0, 9.0, None, 4.0, 4.0, 4.0, None, None, 6.0]
    assert series(samples, lambda it: it.samples_per_s, 20.0, 40.0, 2) == [10.0, 4.0], "what was before is held"
    assert series(samples, of_gauge(lambda it: it.cpu), 0.0, 10.0, 2) == [None, None]
    assert series(samples, lambda it: it.samples_per_s, 10.0, 10.0, 5) == []


def test_what_a_file_tells_comes_before_what_was_measured() -> None:
    old = [Sample(1.0), Sample(2.0), Sample(3.0)]
    new = (Sample(2.5), Sample(4.5))
    assert [it.ts for it in joined(old, new)] == [1.0, 2.0, 2.5, 4.5]
    assert joined(old, ()) == tuple(old)


def test_a_chart_is_filled_from_below() -> None:
    assert area([0.0, 0.25, 0.5, 1.0, None], 1, 1.0) == ["▁▂▄█ "]
    assert area([0.0, 0.25, 0.5, 1.0, 2.0, None], 2, 1.0) == ["   ██ ", "▁▄███ "]


def test_gauges_say_what_is_and_was() -> None:
    rows = {row.name: row for row in gauge_rows(moving(61), NOW, 100, None)}
    assert {name: row.value for name, row in rows.items()} == {
        "CPU": "100 % of 8 cores",
        "  of it": "50 % by 2 workers",
        "GPU 0": "87 %  310 W",
        "  memory": "12.0 of 80.0 GiB",
        "memory": "5.0 of 16.0 GiB",
        "disk": "212 GiB free  3.1 MB/s",
        "samples/s": "6,000",
        "GFLOP/s": "120.0",
    }
    assert rows["CPU"].top == 1.0
    assert rows["memory"].top == 16 * GIB
    known = [value for value in rows["CPU"].values if value is not None]
    assert known == sorted(known)
    assert rows["samples/s"].top == max(value or 0.0 for value in rows["samples/s"].values)


def test_half_a_figure_is_none() -> None:
    rows = gauge_rows(moving(61), NOW, 40, None)
    disk = next(
        text for line in gauge_lines(rows, 40, 8) if (text := "".join(part for part, _ in line)).startswith("disk")
    )
    assert "212 GiB free" in disk
    assert "3." not in disk
    assert "…" not in disk


def test_what_a_machine_does_not_tell_is_left_out() -> None:
    bare = [Sample(NOW, gauge=Gauge(gpus=(Gpu("Tesla"),)))]
    assert [(row.name, row.value) for row in gauge_rows(bare, NOW, 100, None)] == [("GPU 0", "Tesla")]
    assert gauge_rows([], NOW, 100, None) == []
    assert [gibibytes(number * GIB) for number in (1.25, 99.94, 100.0, 312.4)] == ["1.2", "99.9", "100", "312"]


def test_an_ended_run_has_its_speed_over_all_of_it() -> None:
    old = [Sample(NOW - 5_000 + 10 * n, 50.0 * n, None, GIB) for n in range(11)]
    rows = gauge_rows([*old, Sample(NOW, gauge=GAUGE)], NOW, 100, (NOW - 5_000, NOW - 4_900))
    assert rows[0].name == "samples/s"
    assert rows[0].value.startswith("≤ 500  ")
    assert (rows[0].role, rows[0].top) == ("done", 500.0)
    assert (rows[0].values[0], rows[0].values[-1]) == (0.0, 500.0)
    assert rows[1].value == "≤ 1.0 GiB"
    assert rows[2].name == "CPU"


def test_the_window_grows_with_what_is_known_and_with_the_width() -> None:
    assert window_s([], NOW, 200) == 60.0
    assert window_s(moving(10), NOW, 200) == 60.0
    assert window_s(moving(100), NOW, 200) == 300.0
    assert window_s(moving(600), NOW, 200) == 1_200.0
    assert window_s(moving(600), NOW, 40) == 300.0, "a cell stands for ten seconds at most"
    assert window_s([Sample(NOW - 900), Sample(NOW, gauge=GAUGE)], NOW, 200) == 300.0


def test_charts_are_as_tall_as_there_is_room() -> None:
    rows = gauge_rows(moving(61), NOW, 100, None)
    low, tall = gauge_lines(rows, 100, 8), gauge_lines(rows, 100, 40)
    assert len(low) == 8
    assert len(gauge_lines(rows, 100, 5)) == 5
    assert len(tall) == 8 * 5
    assert "".join(text for text, _ in low[0]).startswith("CPU       100 % of 8 cores")
    assert all(sum(len(text) for text, _ in line) <= 100 for line in tall)
    words = ["".join(text for text, _ in line) for line in gauge_lines(rows, 100, 40, words=True)]
    assert len(words) == 8
    assert not any("█" in line for line in words)
    assert gauge_lines(rows, 100, 0) == []


def test_a_run_on_another_machine_says_so() -> None:
    workers = {"w1": WorkerState("w1", ts=NOW, host="lab\x1b[2J"), "w2": WorkerState("w2", ts=NOW, host="lab")}
    state = RunState(workers=workers, online=True)

    def said(gauge: Gauge, held_bytes: int | None = 5) -> str:
        frame = Frame(state, estimate(state, NOW), NOW, samples=(Sample(NOW, held_bytes=held_bytes, gauge=gauge),))
        line = away_line(frame, 100)
        return "".join(text for text, _ in line) if line else ""

    assert said(replace(GAUGE, workers=0)).startswith("The workers are on lab")
    assert said(replace(GAUGE, workers=1)) == ""
    assert said(replace(GAUGE, workers=0), None) == "", "it was measured before a worker was known"
    state = RunState(online=True)
    assert said(replace(GAUGE, workers=0)) == "", "nobody is there who could be elsewhere"


def test_measuring_waits_two_seconds_and_is_done_once_at_a_time() -> None:
    asked: list[int] = []

    def measure(workers: object) -> Gauge:
        asked.append(len(list(workers)))  # type: ignore[call-overload]
        return GAUGE

    jobs: list[object] = []
    background = Background("gauges", lambda then: jobs.append(then), lambda error: None)
    gauging = Gauging(measure, lambda: (Sample(NOW - 100, 7.0),), background)
    process = ProcessIdentity("m", "b", 0, 1, 10, 1.0)
    worker = WorkerState("w1", ts=NOW, process=process, samples_per_s=50.0, memory_bytes=9)
    state = RunState(workers={"w1": worker}, online=True)
    gauging.look(state, NOW)
    gauging.look(state, NOW + 5)
    assert gauging.busy
    background.stop()
    background._run()  # here, until it is told to stop
    assert asked == [1]
    (then,) = jobs
    assert callable(then)
    then()
    assert not gauging.busy
    assert gauging.samples == (Sample(NOW - 100, 7.0), Sample(NOW, 50.0, 0.0, 9, GAUGE))
    gauging.look(state, NOW + 1)
    assert not gauging.busy
    gauging.look(state, NOW + 2)
    assert gauging.busy
