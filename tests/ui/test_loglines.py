"""A log as lines: what is signed, marked, broken and left out, and which lines of a file are a task's."""

from pathlib import Path

from cqltui.state.model import Lifecycle, Status, TaskInfo, TaskState
from cqltui.ui.line import Line, width
from cqltui.ui.loglines import LogLook, dropped, log_lines, nothing_logged
from cqltui.ui.logs import FileLogs
from cqltui.ui.ports import LogSubject

TEXTS = (
    "2026-11-27 07:46:37,092 INFO worker w1 on cpu",
    "2026-11-27 07:46:38,000 ERROR aa0 failed",
    '  File "train.py", line 88',
    "2026-11-27 07:46:39,000 WARNING low memory",
    "\x1b[31mno time, WORKER",
)


def said(lines: tuple[Line, ...]) -> list[str]:
    """The lines as text."""
    return ["".join(text for text, _ in line) for line in lines]


def test_errors_and_warnings_are_told_by_sign_and_colour() -> None:
    lines = log_lines(TEXTS, 80, LogLook()).lines
    assert [line[0] for line in lines[:4]] == [
        ("  ", "dim"),
        ("✗ ", "dead"),
        ("  ", "dead"),  # what has no time belongs to the entry before it
        ("! ", "warning"),
    ]
    assert said(lines)[4] == "  no time, WORKER"
    assert said(lines)[0] == "  07:46:37 INFO worker w1 on cpu", "date and milliseconds where there is room alone"
    long = log_lines(["2026-01-02 07:46:37,120 INFO acc2694e3e94d43a Epoch 1/60"], 40, LogLook()).lines
    assert said(long) == ["  07:46:37 INFO acc2694e Epoch 1/60"], "of a long id what tells tasks apart"
    assert said(log_lines(TEXTS, 110, LogLook()).lines)[0] == f"  {TEXTS[0]}"
    assert said(log_lines(TEXTS, 80, LogLook(times=False)).lines)[:3] == [
        "  INFO worker w1 on cpu",
        "✗ ERROR aa0 failed",
        '    File "train.py", line 88',
    ]


def test_long_lines_are_broken_and_nothing_of_them_is_lost() -> None:
    text = "2026-11-27 07:46:37,092 INFO " + "日本" * 20 + " end"
    shown = text.replace("2026-11-27 07:46:37,092", "07:46:37")
    found = log_lines([text, "short"], 20, LogLook(wrap=True))
    assert max(map(width, found.lines)) <= 20
    assert "".join(line[2:] for line in said(found.lines)[:-1]) == shown
    assert found.starts == (0, len(found.lines) - 1)
    assert len(log_lines([text, "short"], 20, LogLook()).lines) == 2


def test_what_is_searched_for_is_marked_also_across_a_break() -> None:
    found = log_lines(TEXTS, 80, LogLook(search="worker"), current=4)
    assert found.matches == (0, 4), "small letters find large ones"
    assert found.lines[0][1:4] == (
        ("07:46:37 INFO ", "dim"), ("worker", "match"), (" w1 on cpu", "dim"),
    )  # fmt: skip
    assert ("WORKER", "found") in found.lines[4]
    assert log_lines(TEXTS, 80, LogLook(search="WORKER")).matches == (4,)
    assert log_lines(TEXTS, 80, LogLook(search="07:46", times=False)).matches == (), "what is not shown is not found"
    assert log_lines(TEXTS, 80, LogLook(search=".*(")).matches == ()
    broken = log_lines(["abcdefgh"], 6, LogLook(wrap=True, search="cdef")).lines
    assert broken == (
        (("  ", "dim"), ("ab", "dim"), ("cd", "match")),
        (("  ", "dim"), ("ef", "match"), ("gh", "dim")),
    )


def test_how_many_lines_have_gone_from_the_beginning() -> None:
    assert dropped("abcd", "cdef") == 2
    assert dropped("aaab", "aabc") == 1
    assert dropped("abcd", "abcd") == dropped("abcd", "xyz") == dropped("", "a") == dropped("a", "") == 0


def test_a_traceback_belongs_to_the_task_of_its_entry(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "w1.log").write_text("\n".join((*TEXTS[:4], "  after it")))
    logs = FileLogs(tmp_path)
    assert logs.tail("w1", 9, "aa0") == list(TEXTS[1:3])
    assert logs.tail("w1", 9) == [*TEXTS[:4], "  after it"]


def test_an_empty_log_says_why() -> None:
    def said(status: Status, worker: str) -> str:
        return nothing_logged(LogSubject(worker, "1a2b"), TaskState(TaskInfo("1a2b", "p"), Lifecycle(status=status)))

    assert said(Status.QUEUED, "") == "No worker has had this task yet."
    assert said(Status.DONE, "w1").endswith("To look into all logs: cqltui logs 1a2b")
    assert said(Status.RUNNING, "w1") == nothing_logged(LogSubject("w1"), None) == "Nothing logged yet."
