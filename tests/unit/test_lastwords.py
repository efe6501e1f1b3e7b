"""The last lines of a log: those of one process, plain, and few enough to be kept with a task."""

from pathlib import Path

from cqltui.supervisor.lastwords import LINE_CHARS, LINES, LOOK_BYTES, last_words, reason


def test_only_what_came_after_the_start_is_told(tmp_path: Path) -> None:
    log = tmp_path / "w1.log"
    log.write_bytes(b"of the process before\n")
    start = log.stat().st_size
    assert last_words(log, start) == []
    with log.open("ab") as file:
        file.write(b"first\n\n\xff\x1b[31mred\x1b[0m\r\nlast, unfinished")
    assert last_words(log, start) == ["first", "\ufffdred", "last, unfinished"]
    assert last_words(tmp_path / "no.log") == []


def test_it_is_bounded_whatever_the_log_holds(tmp_path: Path) -> None:
    log = tmp_path / "w1.log"
    log.write_bytes(b"".join(b"line %d\n" % n for n in range(100_000)))
    assert last_words(log) == [f"line {n}" for n in range(100_000 - LINES, 100_000)]
    log.write_bytes(b"x" * (3 * LOOK_BYTES) + b"\nend\n")
    assert last_words(log) == ["end"]
    log.write_bytes((b"y" * 10_000 + b"\n") * 3)
    assert [len(line) for line in last_words(log)] == [LINE_CHARS] * 3


def test_the_reason_is_the_last_line_of_an_error() -> None:
    traced = ["Traceback (most recent call last):", '  File "a.py"', "ImportError: no torch"]
    assert reason(traced, 1) == "ImportError: no torch"
    assert reason(["INFO claims", "cqltui: the server refuses it"], 3) == "the server refuses it"
    assert reason(["INFO Epoch 10/100"], -9) == "", "it was killed, whatever it did"
    assert reason([], 1) == ""
