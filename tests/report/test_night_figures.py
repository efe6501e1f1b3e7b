"""Figures of how a run went: from histories and journals that are damaged, with interruptions and clocks set back."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from cqltui.report.drawing.draw import draw
from cqltui.report.figure import Bars, Line, Panel, Points
from cqltui.report.figures.clock import clock_of, duration, in_order
from cqltui.report.figures.lanes import attempts_of, busy_s, packs_of, worker_lanes
from cqltui.report.figures.night import eta, queue_and_throughput
from cqltui.report.material import Material
from tests.report.materials import material, provenance

START = 1_795_748_600.0
DAY = 86_400.0
Lines = tuple[Mapping[str, Any], ...]


def history(count: int = 11, start: float = START, **changes: Any) -> list[dict[str, Any]]:
    """Lines ten seconds apart: five tasks that are done one after the other, the end foreseen 20 s late."""
    return [
        {
            "ts": start + 10 * n,
            "tasks": {"queued": max(0, 4 - n // 2), "running": 1, "done": n // 2},
            "samples_per_s": 100.0 * n,
            "finish_ts": start + 10 * (count - 1) + 20,
            **changes,
        }
        for n in range(count)
    ]


def finished(ts: float) -> dict[str, Any]:
    """The event that ends a run."""
    return {"kind": "campaign.finished", "ts": ts, "data": {"finished_ts": ts}}


def event(kind: str, ts: float, task: str, worker: str = "", status: str = "running") -> dict[str, Any]:
    """An event of a task."""
    return {"kind": f"task.{kind}", "ts": START + ts, "task": task, "worker": worker, "data": {"status": status}}


def of(lines: Any = (), events: Any = (), **changes: Any) -> Material:
    """A small run with this history and journal."""
    told: dict[str, Any] = {"provenance": provenance(started_ts=START, finished_ts=0.0)} | changes
    return material(history=tuple(lines), events=tuple(events), **told)


def line(panel: Panel, label: str = "") -> Line:
    """The line with this label."""
    return next(mark for mark in panel.marks if isinstance(mark, Line) and mark.label == label)


def test_queue_and_speed_over_the_time_of_the_run() -> None:
    figure = queue_and_throughput(of(history()))
    queue, speed = figure.panels
    assert queue.x.format == "time"
    done = line(queue, "done")
    assert done.steps
    assert (done.x[0], done.x[-1]) == (START, START + 100)
    assert (done.y[0], done.y[-1]) == (0.0, 5.0)
    assert [mark.label for mark in queue.marks] == ["queued", "running", "done"], "of other states there were none"
    assert max(line(speed).y) == 1000.0
    assert "at most 1 tasks at once, and 5 done by the last line" in figure.alt
    assert "550 transitions per second" in figure.alt
    assert "supervised" not in figure.caption


def test_states_that_occurred_are_shown() -> None:
    lines = history()
    lines[3]["tasks"] = {"dead": 2, "paused": 1}
    assert [mark.label for mark in queue_and_throughput(of(lines)).panels[0].marks if isinstance(mark, Line)] == [
        "queued",
        "running",
        "done",
        "paused",
        "dead",
    ]


def test_damaged_lines_are_passed_over_and_nothing_fails() -> None:
    bad: list[dict[str, Any]] = [
        {},
        {"ts": "x"},
        {"ts": math.nan},
        {"ts": 1e300, "tasks": []},
        {"ts": START + 35, "tasks": 7, "samples_per_s": "much", "finish_ts": {}},
        {"ts": 3.0, "tasks": {"done": 1e300}},
    ]
    lines = history()
    whole = queue_and_throughput(of([*lines[:4], *bad, *lines[4:]], [{"kind": 7, "data": []}, finished(START + 100)]))
    x, y = line(whole.panels[0], "done").x, line(whole.panels[0], "done").y
    assert x == tuple(sorted(x))
    assert "set back" not in whole.caption, "one damaged time is no clock that was set back"
    assert y[-1] == 5.0
    assert draw(whole).panels
    assert eta(of([*bad, *lines, *bad], [finished(START + 100)])).panels
    assert queue_and_throughput(of(bad[:3])).reason


def test_a_run_that_was_resumed_on_another_day_is_shown_without_the_time_between() -> None:
    lines = history() + history(start=START + DAY)
    figure = queue_and_throughput(of(lines))
    done = line(figure.panels[0], "done")
    assert "hours since the start, without 1 interruption" in figure.panels[0].x.label
    assert done.x[-1] == pytest.approx(200 / 3600), "the second part follows at once"
    assert any(math.isnan(y) for y in done.y), "the line is broken there"
    assert "The run was not supervised 1 time, for at most 24 h." in figure.caption


def test_a_short_interruption_leaves_the_time_of_day() -> None:
    figure = queue_and_throughput(of(history(100) + history(start=START + 1000 + 400)))
    assert figure.panels[0].x.format == "time"
    assert "not supervised 1 time, for at most 6.83 min" in figure.caption


def test_a_clock_that_was_set_back_moves_what_comes_after() -> None:
    times, back = in_order([0, 10, 20, -3580, -3570, -3560])
    assert times.tolist() == [0, 10, 20, 20, 30, 40]
    assert back == 1
    assert in_order([0, 10, 20, 3, 30, 1e9, 40])[0].tolist() == [0, 10, 20, 20, 30, 30, 40]
    assert in_order([0, 10, 20, 3, 30, 1e9, 40])[1] == 0
    assert in_order([1e9, 10, 20, 1])[0].tolist() == [10, 10, 20, 20]
    assert in_order([100, 98, 101])[0].tolist() == [100, 100, 101], "of two processes that write at once"
    assert in_order([])[1] == 0
    figure = queue_and_throughput(of([*history(5), *history(5, START - 3600)]))
    assert "The clock was set back 1 time" in figure.caption


def test_the_expected_end_beside_what_came() -> None:
    figure = eta(of(history(), [finished(START + 100)]))
    panel = figure.panels[0]
    assert panel.y.label == "remaining seconds"
    predicted, came = line(panel, "predicted"), line(panel, "came")
    assert predicted.y[0] == 120.0
    assert came.y[0] == 100.0
    # Each prediction is 20 s late; what remained was 100, 90, ... 10 s, and 0 at the end.
    assert "Over 11 predictions the median absolute error is 20 s, and 37% of what remained." in figure.caption
    assert "37%" in figure.alt


def test_an_expected_end_is_compared_with_the_next_end_only() -> None:
    lines = history() + history(start=START + DAY)
    figure = eta(of(lines, [finished(START + 100), finished(START + DAY + 100)]))
    assert "Over 22 predictions the median absolute error is 20 s" in figure.caption
    assert "nobody supervised" in figure.caption


def test_what_nobody_supervised_does_not_remain() -> None:
    lines = [*history(), *history(start=START + DAY)]
    for each in lines:
        each["finish_ts"] = each["ts"] + 100
    figure = eta(of(lines, [finished(START + DAY + 100)]))
    came = line(figure.panels[0], "came")
    assert came.y[0] == pytest.approx(200 / 60 if "minutes" in figure.panels[0].y.label else 200)


def test_a_run_that_has_not_ended_has_no_end_to_compare_with() -> None:
    assert "has ended" in eta(of(history())).reason
    assert "has ended" in eta(of((), [finished(START)])).reason
    assert eta(of(history(), provenance=provenance(finished_ts=START + 100))).panels, "the document tells it too"


def test_packs_are_bars_with_a_count_on_the_lane_of_their_worker() -> None:
    small = of()
    ids = [record.task.id for record in small.records]
    events = [
        *(event("claimed", 0.1 * n, ids[n], "w10") for n in range(2)),
        *(event("claimed", 1 + 0.1 * n, ids[n], "w2") for n in range(2, 5)),
        event("done", 50, ids[0], status="done"),
        event("done", 60, ids[1], status="done"),
        event("delayed", 70, ids[2], status="delayed"),
        event("priority", 71, ids[3], status="running"),
        event("done", 80, ids[3], status="done"),
        event("claimed", 90, ids[2], "w10"),
        event("done", 99, ids[4], status="done"),
    ]
    figure = worker_lanes(of(history(), events))
    panel = figure.panels[0]
    assert panel.y.categories == ("w2", "w10"), "in the order of their numbers"
    bars = {mark.label: mark for mark in panel.marks if isinstance(mark, Bars)}
    quality, ensemble = bars["Quality"], bars["Ensemble"]
    assert (quality.x, quality.texts) == ((1.0,), ("2",))
    assert (quality.base, quality.values) == ((START,), (START + 60,))
    assert (ensemble.x, ensemble.texts) == ((0.0, 1.0), ("3", ""))
    assert ensemble.values == (START + 99, START + 99), "what has not ended lasts until the end of the journal"
    cross = next(mark for mark in panel.marks if isinstance(mark, Points))
    assert cross.x == (START + 70,)
    assert cross.names[0].endswith("then delayed")
    assert "2 workers, 3 packs with 6 attempts at 5 tasks, 1 of them ended without a result" in figure.alt
    assert "w2 97.8 s" in figure.alt
    assert draw(figure).panels


def test_attempts_whose_end_the_journal_lacks_end_with_the_next_claim() -> None:
    events = [
        event("claimed", 0, "a", "w1"),
        event("claimed", 40, "a", "w2"),
        {"kind": "task.done"},
        event("done", 50, "a"),
    ]
    found, _ = attempts_of(of((), events))
    assert [(each.worker, each.start - START, each.end - START, each.ended) for each in found] == [
        ("w1", 0, 40, "queued"),
        ("w2", 40, 50, "running"),
    ]
    assert [pack.phase for pack in packs_of(found, {})] == ["", ""]
    labels = [mark.label for mark in worker_lanes(of((), events)).panels[0].marks if not isinstance(mark, Points)]
    assert labels == ["no longer in the campaign"]


def test_time_with_tasks_is_counted_once() -> None:
    events = [event("claimed", 0, "a", "w1"), event("claimed", 1, "b", "w1"), event("done", 30, "a", status="done")]
    events += [
        event("done", 50, "b", status="done"),
        event("claimed", 90, "c", "w1"),
        event("done", 95, "c", status="done"),
    ]
    assert busy_s(attempts_of(of((), events))[0], "w1") == 55.0


def test_of_many_workers_those_with_most_tasks_are_shown() -> None:
    events = [event("claimed", n, f"t{n}", f"w{n % 40}") for n in range(110)]
    figure = worker_lanes(of((), events))
    assert len(figure.panels[0].y.categories) == 30
    assert "Shown are the 30 of 40 workers" in figure.caption
    assert "median" in figure.alt
    assert worker_lanes(of((), [event("done", 1, "a")])).reason


def test_durations_in_few_words() -> None:
    assert [duration(each) for each in (5.0, 119.0, 120.0, 7_199.0, 7_200.0, 200_000.0)] == [
        "5 s",
        "119 s",
        "2 min",
        "120 min",
        "2 h",
        "2.31 days",
    ]
    assert clock_of(np.array([])).at([1.0]).tolist() == [1.0]
