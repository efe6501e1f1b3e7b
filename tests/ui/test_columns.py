"""What each column of the task list shows, and the order that it sorts by. No screen is needed for that."""

from dataclasses import replace

import pytest

from cqltui.state.eta import Estimate, TaskEstimate
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskInfo, TaskState
from cqltui.ui.frame import Frame
from cqltui.ui.panels.columns import COLUMNS, LETTERS, Column, widths

NOW = 1_760_734_800.0
"""Friday 17 October 2025, 21:00 UTC."""
BY_NAME = {column.name: column for column in COLUMNS}


def task(task_id: str, phase: str, title: str, status: Status, priority: float, report: Progress | None) -> TaskState:
    ended = NOW - 3_600 if status is Status.DONE else 0.0
    live, kept = (report, None) if status is Status.RUNNING else (None, report)
    life = Lifecycle((1, 1), status, priority, token="1-1", claimed_ts=NOW - 60, finished_ts=ended, report=kept)
    return TaskState(TaskInfo(task_id, phase, title, epochs=200), life, live)


def told(epoch: int, loss: float, val: float | None, last: float) -> Progress:
    """A report whose curve began at 1.0 and is at `last`. The best validation loss is none of what is shown."""
    curve = ((1, 1.0), (epoch, last))
    metrics = {"loss": loss} if val is None else {"loss": loss, "val_loss": val}
    return Progress("1-1", epoch * 13, epoch, 200, ts=NOW, metrics=metrics, best=0.01, curve=curve)


TASKS = (
    task("d", "seeds", "beta", Status.DONE, 7, told(150, 0.3, 0.9, 0.5)),
    task("c", "arch", "Alpha", Status.PAUSED, 9, told(30, 0.1, None, 0.7)),
    task("b", "quality", "delta", Status.RUNNING, 6, told(50, 0.2, 0.8, 0.2)),
    task("a", "best", "Gamma", Status.QUEUED, 8, None),
)
ESTIMATES = {"b": TaskEstimate(NOW, NOW + 7_200), "a": TaskEstimate(NOW, NOW + 600)}
STATE = RunState(tasks={entry.id: entry for entry in TASKS}, online=True)
FRAME = Frame(STATE, Estimate(NOW + 7_200, ESTIMATES, {}), NOW)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("state", "bacd"),  # running, queued, paused, done
        ("id", "abcd"),
        ("title", "cdba"),  # capitals or not
        ("phase", "cabd"),
        ("priority", "cadb"),  # the highest first
        ("epoch", "dbca"),  # the farthest first; a done one has all of its epochs
        ("loss", "cbda"),  # without one last
        ("val", "bdca"),
        ("curve", "bdca"),  # what fell most first
        ("eta", "dabc"),  # without one last
    ],
)
def test_the_order_of_each_column(name: str, order: str) -> None:
    column = BY_NAME[name]
    found = sorted(TASKS, key=lambda entry: column.sort(FRAME, entry), reverse=column.descending)
    assert "".join(entry.id for entry in found) == order
    assert order != "".join(entry.id for entry in TASKS), "else no sorting would do"


def test_every_state_has_its_place_and_letter() -> None:
    every = [replace(TASKS[0], life=Lifecycle(status=status)) for status in sorted(Status)]
    found = sorted(every, key=lambda entry: BY_NAME["state"].sort(FRAME, entry))
    assert "".join(LETTERS[entry.status] for entry in found) == "RQWPDXC-"
    assert [entry.status for entry in found][2:6] == [Status.DELAYED, Status.PAUSED, Status.DONE, Status.DEAD]


def shown(entry: TaskState, name: str, cells: int = 12) -> tuple[str, str]:
    return BY_NAME[name].text(FRAME, entry, cells)


def test_what_the_columns_show_of_a_running_task() -> None:
    running = TASKS[2]
    assert shown(running, "state", 1) == ("R", "running")
    assert shown(running, "state", 3) == ("R", "running")
    assert shown(running, "state", 4) == ("R running", "running")
    assert shown(running, "id") == ("b", "dim")
    assert shown(running, "title") == ("delta", "text")
    assert shown(running, "phase") == ("quality", "dim")
    assert shown(running, "priority") == ("6", "dim")
    assert shown(running, "epoch") == ("50/200", "text")
    assert shown(running, "loss") == ("0.2000", "strong")
    assert shown(running, "val") == ("0.8000", "strong")
    assert shown(running, "curve", 2) == ("▁▁", "accent")
    longer = replace(running, live=replace(told(9, 0.2, 0.8, 0.2), curve=tuple((n, 1.0 / n) for n in range(1, 9))))
    assert shown(longer, "curve", 4) == ("█▅▃▁", "accent")
    assert shown(running, "eta") == ("~23:00", "text")


def test_what_the_columns_show_of_the_others() -> None:
    done, paused, _, queued = TASKS
    assert [shown(entry, "epoch") for entry in (done, paused, queued)] == [
        ("200/200", "dim"),
        ("30/200", "dim"),
        ("200", "faint"),
    ]
    assert [shown(entry, "loss") for entry in (done, queued)] == [("0.3000", "text"), ("", "faint")]
    assert [shown(entry, "val") for entry in (done, paused, queued)] == [
        ("0.9000", "text"),
        ("", "faint"),
        ("", "faint"),
    ]
    assert [shown(entry, "eta") for entry in (done, paused, queued)] == [
        ("20:00", "dim"),
        ("", "faint"),
        ("~21:10", "text"),
    ]
    assert [shown(entry, "curve", 2)[1] for entry in (done, queued)] == ["faint", "faint"]
    assert shown(queued, "curve") == ("", "faint")
    untitled = replace(queued, info=replace(queued.info, title=""))
    assert shown(untitled, "title") == ("a", "text")
    begun = replace(queued, life=replace(queued.life, report=told(5, 0.4, None, 0.4)))
    assert shown(begun, "epoch") == ("5/200", "dim"), "it was stopped and waits to go on"


def test_a_stalled_task_says_so() -> None:
    silent = replace(TASKS[2], live=replace(told(50, 0.2, 0.8, 0.2), ts=NOW - 121))
    assert shown(silent, "state", 9) == ("R stalled", "warning")
    assert shown(silent, "state", 1) == ("R", "warning")
    fresh = replace(TASKS[2], live=replace(told(50, 0.2, 0.8, 0.2), ts=NOW - 120))
    assert shown(fresh, "state", 9) == ("R running", "running")


def test_a_curve_without_a_scale_sorts_last() -> None:
    for curve in ((), ((1, 0.0), (2, 1.0))):
        entry = replace(TASKS[2], live=replace(told(50, 0.2, 0.8, 0.2), curve=curve))
        found = sorted((entry, *TASKS[:2]), key=lambda each: BY_NAME["curve"].sort(FRAME, each))
        assert found[-1] is entry


def names(columns: list[tuple[Column, int]]) -> list[str]:
    return [column.name for column, _ in columns]


@pytest.mark.parametrize(
    ("cells", "left_out", "state", "curve"),
    [
        (78, {"phase", "priority"}, 1, 7),
        (87, {"phase", "priority"}, 1, 7),
        (88, {"priority"}, 1, 7),
        (99, {"priority"}, 1, 7),
        (100, {"priority"}, 9, 12),
        (124, {"priority"}, 9, 12),
        (125, set(), 11, 20),
        (200, set(), 11, 20),
    ],
)
def test_a_wider_list_shows_more(cells: int, left_out: set[str], state: int, curve: int) -> None:
    columns = widths(cells)
    assert names(columns) == [column.name for column in COLUMNS if column.name not in left_out]
    wide = {column.name: width for column, width in columns}
    assert (wide["state"], wide["curve"], wide["id"], wide["eta"]) == (state, curve, 8, 10)
    assert sum(wide.values()) + len(wide) - 1 == cells, "the title takes what is left"


def test_the_title_keeps_a_few_cells() -> None:
    assert {column.name: width for column, width in widths(20)}["title"] == 4


def test_figures_are_aligned_right() -> None:
    assert [column.name for column in COLUMNS if column.numeric] == ["priority", "epoch", "loss", "val", "eta"]
