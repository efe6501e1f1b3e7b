"""What a typed filter finds, and what it says of one that cannot be read."""

import pytest

from cqltui.state.filter import EVERYTHING, LONGEST, MOST, compiled
from cqltui.state.filter_fields import FilterError, Moment
from cqltui.state.model import Lifecycle, Progress, Status, TaskInfo, TaskState

NOW = 10_000.0
MOMENT = Moment(NOW, stall_s=60.0)


def task(task_id: str, status: Status, title: str, settings: dict[str, object], **life: object) -> TaskState:
    """One of phase "quality" where its id begins with a, else of "seeds"."""
    progress = Progress("1-1", 13, epoch=1, metrics={"loss": 0.2, "val_loss": 0.5}, best=0.4, best_epoch=7, ts=NOW)
    known = {"priority": 7.0, "attempt": 1, "started_ts": NOW - 90, "token": "1-1", "worker": "w1", **life}
    info = TaskInfo(task_id, "quality" if task_id[0] == "a" else "seeds", title, settings=settings, epochs=9)
    live, kept = (progress, None) if status is Status.RUNNING else (None, progress)
    return TaskState(info, Lifecycle(status=status, report=kept, **known), live)  # type: ignore[arg-type]


def settings(alpha: float, dims: list[int], seed: int) -> dict[str, object]:
    return {"alpha": alpha, "hidden_dims": dims, "seed": seed, "precision": "bf16", "keep": ["last", 40]}


A = task("a1", Status.RUNNING, "Best of all", settings(0.3, [256, 128], 42), claimed_ts=NOW - 90)
B = task("b2", Status.DEAD, "seed 45, two/three", settings(0.5, [2048, 1024], 45), error="out of memory", priority=-1.0)
C = task("b3", Status.DONE, "seed 5 and more", settings(0.1, [128, 256], 5), finished_ts=NOW - 60, attempt=3)
D = TaskState(TaskInfo("d4", "seeds", "nothing yet"), Lifecycle(status=Status.QUEUED))
ALL = {"A": A, "B": B, "C": C, "D": D}


def found(text: str) -> str:
    chosen = compiled(text)
    return "".join(name for name, each in ALL.items() if chosen.matches(each, MOMENT))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "ABCD"),
        # Plain words: id, title, phase and state, whatever the case; all of them.
        ("SEED", "BCD"),
        ("seed 5", "BC"),
        ('"seed 5"', "C"),
        ('"seed 5', "C"),
        ("two/three", "B"),
        ("dead b2", "B"),
        ("!seed", "A"),
        ("!seed !best", ""),
        # States by their beginnings
        ("state:dead", "B"),
        ("state:d", "BC"),
        ("state:dead,run", "AB"),
        ("!state:done", "ABD"),
        ("status=queued", "D"),
        # Numbers: of a task without one nothing is true.
        ("alpha:0.3", "A"),
        ("alpha>=0.3", "AB"),
        ("alpha>0.3", "B"),
        ("alpha<=0.3", "AC"),
        ("alpha:<0.3", "C"),
        ("alpha=3e-1", "A"),
        ("alpha!=0.3", "BCD"),
        ("seed:42..50", "AB"),
        ("seed:..42", "AC"),
        ("seed:43..", "B"),
        ("seed:5,45", "BC"),
        ("priority:-1", "B"),
        ("epoch>0", "ABC"),  # a done one has all of its epochs
        ("epoch:9", "C"),
        ("val<0.6 state:running", "A"),
        ("val_loss:0.5", "ABC"),
        ("best_epoch:7 attempt>1", "C"),
        ("worker:w1", "ABC"),
        # Lists
        ("hidden:256", "AC"),
        ("hidden:256-128", "A"),
        ("hidden=[256,128]", "A"),
        ("hidden=128-256", "C"),
        ("hidden=256", ""),
        ("hidden>1000", "B"),
        ("hidden:100..130", "AC"),
        ("hidden:2048,128", "ABC"),
        ("keep:last", "ABC"),
        # Text
        ("phase:qual", "A"),
        ("phase=qual", ""),
        ("phase=QUALITY", "A"),
        ("phase!=quality", "BCD"),
        ("title:best,nothing", "AD"),
        ('title:"5 and"', "C"),
        ("id:b", "BC"),
        ("error:memory", "B"),
        ("prec:bf16", "ABC"),
        # Expressions
        ("/seed 4[2-5]/", "B"),
        ("/^seed \\d+ /", "C"),
        ("/AND more$/", "C"),
        ("/two\\/three/", "B"),
        ("/seed [45]/ dead", "B"),
        ("!/seed/", "A"),
        ("title:/^seed/", "BC"),
        ("title!=/^seed/", "AD"),
        # Durations: of what runs until now
        ("duration:90", "AB"),
        ("duration>1m29s", "AB"),
        ("time:20s..40s", "C"),
        ("duration<0h1m", "C"),
    ],
)
def test_what_a_filter_finds(text: str, names: str) -> None:
    assert found(text) == names


def test_a_stalled_task_is_found_by_either_word() -> None:
    late = Moment(NOW + 500, stall_s=60.0)
    assert [compiled(text).matches(A, late) for text in ("state:stalled", "state:running", "state:dead")] == [1, 1, 0]
    assert not compiled("state:stalled").matches(A, MOMENT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alhpa>=0.3", "no field alhpa; did you mean alpha?"),
        ("p:1", "p may be phase, precision, priority"),
        ("!", "! inverts the word behind it: !state:done"),
        (
            "state:foo",
            "no state foo; known: queued, running, delayed, paused, done, dead, cancelled, withdrawn, stalled",
        ),
        ("state>done", "state is a word, which has no >: state:done"),
        ("phase>quality", "phase is text, which has no >: phase:quality"),
        ("alpha:", "alpha: what? a number, or a range like 42..50"),
        ("alpha>x", "alpha: expected a number, or a range like 42..50, found x"),
        ("alpha:1_0", "alpha: expected a number, or a range like 42..50, found 1_0"),
        ("alpha:nan", "alpha: expected a number, or a range like 42..50, found nan"),
        ("seed:50..42", "seed: 50 is more than 42"),
        ("time:5x", "duration: expected a duration like 90s or 1h30m, or a range of them, found 5x"),
        ("/", "a regular expression stands between slashes: /seed 4[2-5]/"),
        ("/(a/", "the regular expression: missing ): (a"),
        ("/(a)\\1/", "the regular expression: invalid escape sequence: \\1"),
        ("alpha:/3/", "a regular expression is for text, as in title:/seed 4[2-5]/, not for alpha:"),
        ("x" * (LONGEST + 1), f"a filter has at most {LONGEST} characters"),
        ("x " * (MOST + 1), f"a filter has at most {MOST} words"),
        (f"/{'x' * 201}/", "the regular expression: it has more than 200 characters"),
    ],
)
def test_what_is_said_of_one_that_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        compiled(text)
    assert str(caught.value) == said


def test_an_unknown_field_lists_what_is_known() -> None:
    with pytest.raises(FilterError, match=r"^no field zzz; known: state, phase, id, title"):
        compiled("zzz:1")


def test_it_says_whether_tasks_come_and_go_by_training() -> None:
    assert [compiled(text).live for text in ("seed /x/ alpha>1", "seed val<1", "epoch>3")] == [False, True, True]
    assert compiled("  ") == EVERYTHING


def test_a_hostile_title_and_expression_take_no_time() -> None:
    hostile = TaskState(TaskInfo("e5", "p", "a" * 10_000))
    assert not compiled("/(a|a?)*.*.*.*x/").matches(hostile, MOMENT)  # `re` would not come back in a lifetime
