"""What each column of the task list shows, and the order that it sorts by. No screen is needed for that."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from cqltui.state.eta import Estimate, TaskEstimate
from cqltui.state.model import Lifecycle, Progress, RunState, Status, TaskInfo, TaskState
from cqltui.state.varying import Varying
from cqltui.ui.frame import Frame
from cqltui.ui.listing import Wish, in_order
from cqltui.ui.panels.columns import COLUMNS, LETTERS, Column, available
from cqltui.ui.panels.fit import widths

NOW = 1_760_734_800.0
"""Friday 17 October 2025, 21:00 UTC."""
BY_NAME = {column.name: column for column in COLUMNS}


def task(
    task_id: str,
    phase: str,
    title: str,
    status: Status,
    priority: float,
    report: Progress | None,
    *,
    worker: str = "",
    attempt: int = 0,
    started_s: float = 0.0,
) -> TaskState:
    """`started_s`: seconds ago."""
    ended = NOW - 3_600 if status is Status.DONE else 0.0
    live, kept = (report, None) if status is Status.RUNNING else (None, report)
    life = Lifecycle((1, 1), status, priority, token="1-1", claimed_ts=NOW - 60, finished_ts=ended, report=kept)
    started_ts = NOW - started_s if started_s else 0.0
    life = replace(life, worker=worker, attempt=attempt, started_ts=started_ts)
    return TaskState(TaskInfo(task_id, phase, title, epochs=200), life, live)


def told(epoch: int, loss: float, val: float | None, last: float, best: tuple[float, int] = (0.01, 0)) -> Progress:
    """A report whose curve began at 1.0 and is at `last`. The best validation loss is none of what is shown."""
    curve = ((1, 1.0), (epoch, last))
    metrics = {"loss": loss} if val is None else {"loss": loss, "val_loss": val}
    known = {"metrics": metrics, "best": best[0], "best_epoch": best[1], "curve": curve}
    return Progress("1-1", epoch * 13, epoch, 200, ts=NOW, **known)  # type: ignore[arg-type]


D = told(150, 0.3, 0.9, 0.5, (0.09, 20))
C = told(30, 0.1, None, 0.7, (0.03, 25))
B = told(50, 0.2, 0.8, 0.2, (0.05, 10))
TASKS = (
    task("d", "seeds", "beta", Status.DONE, 7, D, worker="w2", attempt=2, started_s=3_900),
    task("c", "arch", "Alpha", Status.PAUSED, 9, C, worker="w1", attempt=1, started_s=100),
    task("b", "quality", "delta", Status.RUNNING, 6, B, worker="w3", attempt=3, started_s=200),
    task("a", "best", "Gamma", Status.QUEUED, 8, None),
)
ESTIMATES = {"b": TaskEstimate(NOW, NOW + 7_200), "a": TaskEstimate(NOW, NOW + 600)}
STATE = RunState(tasks={entry.id: entry for entry in TASKS}, online=True)
FRAME = Frame(STATE, Estimate(NOW + 7_200, ESTIMATES, {}), NOW)


def sorted_by(name: str, tasks: Sequence[TaskState] = TASKS, *, inverted: bool = False) -> str:
    wish = Wish(column=BY_NAME[name], inverted=inverted)
    return "".join(entry.id for entry in in_order(tasks, wish, lambda column, entry: column.sort(FRAME, entry)))


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
        ("best", "cbda"),
        ("best_epoch", "bdca"),
        ("attempt", "bdca"),  # the most first
        ("worker", "cdba"),
        ("duration", "dbca"),  # the longest first
    ],
)
def test_the_order_of_each_column(name: str, order: str) -> None:
    assert sorted_by(name) == order
    assert order != "".join(entry.id for entry in TASKS), "else no sorting would do"


def test_every_state_has_its_place_and_letter() -> None:
    every = [replace(TASKS[0], life=Lifecycle(status=status)) for status in sorted(Status)]
    found = in_order(every, Wish(column=BY_NAME["state"]), lambda column, entry: column.sort(FRAME, entry))
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
    assert shown(silent, "state", 9) == ("S stalled", "warning")
    assert shown(silent, "state", 1) == ("S", "warning")
    fresh = replace(TASKS[2], live=replace(told(50, 0.2, 0.8, 0.2), ts=NOW - 120))
    assert shown(fresh, "state", 9) == ("R running", "running")


def test_a_curve_without_a_scale_sorts_last() -> None:
    for curve in ((), ((1, 0.0), (2, 1.0))):
        entry = replace(TASKS[2], live=replace(told(50, 0.2, 0.8, 0.2), curve=curve))
        tasks = entry, *TASKS[:2]
        assert [sorted_by("curve", tasks, inverted=inverted) for inverted in (False, True)] == ["dcb", "cdb"]


def test_what_is_without_a_value_comes_last_whichever_way_is_sorted() -> None:
    assert sorted_by("val") == "bdca"
    assert sorted_by("val", inverted=True) == "dbca"
    assert sorted_by("priority", inverted=True) == "bdac"


def test_what_the_columns_of_the_training_show() -> None:
    done, paused, running, queued = TASKS
    for name, wanted in (
        ("best", ["0.0900", "0.0300", "0.0500", ""]),
        ("best_epoch", ["20", "25", "10", ""]),
        ("attempt", ["2", "1", "3", ""]),
        ("worker", ["w2", "w1", "w3", ""]),
        ("duration", ["5m 00s", "1m 40s", "3m 20s", ""]),
    ):
        assert [shown(entry, name)[0] for entry in (done, paused, running, queued)] == wanted
    again = replace(running, life=replace(running.life, run=2))
    assert shown(again, "attempt")[0] == "2.3"


# Which columns there are


def set_to(entry: TaskState, **settings: object) -> TaskState:
    known = {"alpha": 0.3, "seed": 42, "hidden_dims": [256, 128], "grad_clip": 10.0, "early_stop": None}
    return replace(entry, info=replace(entry.info, settings=known | settings))


def varied(*tasks: TaskState) -> Varying:
    varying = Varying()
    varying.update({entry.id: entry for entry in tasks})
    return varying


def test_of_an_id_as_much_is_shown_as_tells_it_from_others() -> None:
    def shown(*ids: str) -> list[str]:
        tasks = [replace(TASKS[0], info=replace(TASKS[0].info, id=task_id)) for task_id in ids]
        column = next(column for column in available(varied(*tasks)) if column.name == "id")
        return [column.text(FRAME, task, column.cells)[0] for task in tasks]

    assert shown("0123456789abcdef", "1123456789abcdef") == ["01234567", "11234567"]
    assert shown("0123456789abcdef", "0123456780abcdef") == ["0123456789", "0123456780"]
    assert shown("1a2b3c4d", "1a2b3c4e") == ["1a2b3c4d", "1a2b3c4e"]


def test_only_settings_that_differ_have_a_column() -> None:
    same = varied(*(set_to(entry) for entry in TASKS))
    assert available(same)[: len(COLUMNS)] == COLUMNS
    assert {column.name.partition(".")[0] for column in available(same)[len(COLUMNS) :]} == {"metric"}
    wide = [1024, 512, 256, 128]
    tasks = (set_to(TASKS[0], hidden_dims=wide, seed=7), set_to(TASKS[1], early_stop={"patience": 3}), TASKS[2])
    names = [column.name for column in available(varied(*tasks))]
    title = names.index("title")
    assert names[title + 1 : title + 4] == ["setting.hidden_dims", "setting.seed", "setting.early_stop"]
    hidden, seed, stop = available(varied(*tasks))[title + 1 : title + 4]
    assert [hidden.text(FRAME, entry, 20)[0] for entry in tasks] == ["[1024,512,256,128]", "[256,128]", ""]
    assert [stop.text(FRAME, entry, 20)[0] for entry in tasks] == ["off", "patience 3", ""]
    assert [column.cells for column in (hidden, seed)] == [18, 4]
    assert (hidden.numeric, seed.numeric) == (False, True)
    order = in_order(tasks, Wish(column=hidden), lambda column, entry: column.sort(FRAME, entry))
    assert [entry.id for entry in order] == ["c", "d", "b"], "256 before 1024, and no value last"


def names(columns: list[tuple[Column, int]]) -> list[str]:
    return [column.name for column, _ in columns]


LONG = 30
"""Cells of the longest title."""
SETTINGS = available(varied(set_to(TASKS[0], alpha=0.5, seed=1, grad_clip=1.0), set_to(TASKS[1])))


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (30, "state title epoch loss"),
        (49, "state title epoch loss eta"),
        (72, "state id title epoch loss val eta"),
        (84, "state id title epoch loss val curve eta"),
        (113, "state id title epoch loss val best best_epoch curve eta"),
        (125, "state id title setting.alpha epoch loss val best best_epoch curve eta"),
        (140, "state id title setting.alpha setting.seed phase epoch loss val best best_epoch curve eta"),
        (
            220,
            "state id title setting.alpha setting.seed setting.grad_clip phase priority attempt worker epoch"
            " loss val best best_epoch duration curve eta",
        ),
    ],
)
def test_a_wider_list_shows_more(cells: int, shown: str) -> None:
    columns = widths(cells, SETTINGS, title_cells=LONG)
    assert names(columns) == shown.split()
    assert sum(width for _, width in columns) + len(columns) - 1 == cells, "nothing is left over"


def test_a_column_that_counts_less_takes_no_room_that_an_important_one_lacks() -> None:
    first = ["state", "title", "epoch", "loss", "best", "curve"]
    assert names(widths(82, SETTINGS, folded=True)) == first, "the seed would fit"
    assert names(widths(89, SETTINGS, folded=True)) == [*first, "eta"]


def test_what_is_left_goes_to_the_title_and_then_to_the_curve() -> None:
    found = {column.name: width for column, width in widths(250, SETTINGS, title_cells=60)}
    assert (found["title"], found["curve"]) == (60, 60)
    assert {column.name: width for column, width in widths(20, COLUMNS)}["title"] == 4


def test_chosen_columns_come_in_their_order_as_far_as_they_fit() -> None:
    chosen = ("loss", "metric.grad_norm", "gone", "title", "worker", "setting.alpha")
    known = ["loss", "metric.grad_norm", "title", "worker", "setting.alpha"]
    assert names(widths(80, SETTINGS, chosen)) == known
    assert names(widths(45, SETTINGS, chosen)) == known[:4]
    assert names(widths(80, SETTINGS, ("gone",))) == names(widths(80, SETTINGS)), "of none of them the usual ones"


def test_figures_are_aligned_right() -> None:
    assert [column.name for column in COLUMNS if column.numeric] == [
        *("priority", "attempt", "epoch", "loss", "val", "best", "best_epoch", "duration", "eta")
    ]
