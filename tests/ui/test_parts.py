"""The small parts of the screen: formats, lines, curves, log files, threads."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from cqltui.state.described import AnswerInfo, CampaignInfo, PhaseInfo
from cqltui.state.eta import estimate
from cqltui.state.hardware import DeviceUse, Speed
from cqltui.state.model import Lifecycle, Notice, Progress, RunState, Status, TaskInfo, TaskState, Wanted, WorkerState
from cqltui.ui import format as fmt
from cqltui.ui.details.field import LABEL
from cqltui.ui.details.phase import phase_lines
from cqltui.ui.details.task import task_lines
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, clip, left, right, spread, width, wrapped
from cqltui.ui.logs import FileLogs
from cqltui.ui.panels.hardware import device_line, nobody, speed_line
from cqltui.ui.panels.header import Ranked, status_line
from cqltui.ui.spark import bar, loss_values, spark


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0s"),
        (0.3, "<1s"),
        (42.4, "42s"),
        (187, "3m 07s"),
        (5_640, "1h 34m"),
        (183_600, "2d 03h"),
        (-5, "0s"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert fmt.duration(seconds) == text


def test_clock_names_the_day_when_it_is_another() -> None:
    now = 1_760_734_800.0  # Friday 17 October 2025, 21:00 UTC
    assert fmt.clock(now + 3_600, now) == "22:00"
    assert fmt.clock(now + 4 * 3_600, now) == "Sat 01:00"
    assert fmt.clock(now + 20 * 86_400, now) == "06 Nov 21:00"
    assert fmt.clock(None, now) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0949, "0.0949"),
        (12.345, "12.35"),
        (-1.5, "-1.5000"),
        (0, "0.0000"),
        (1e-5, "1.0e-05"),
        (123_456, "1.2e+05"),
    ],
)
def test_numbers_stay_short(value: float | None, text: str) -> None:
    assert fmt.number(value) == text
    assert len(fmt.number(value)) <= 7


@pytest.mark.parametrize("text", ["", "abc", "a\x1b[1mb", "a long title that does not fit", "日本語の題名です", "é́́"])
@pytest.mark.parametrize("cells", [0, 1, 2, 7, 12])
def test_cells_are_exact_whatever_the_text(text: str, cells: int) -> None:
    assert cell_len(left(text, cells)) == cells
    assert cell_len(right(text, cells)) == cells
    assert cell_len(clip(text, cells)) <= cells
    assert width(((text, ""), (text, ""))) == 2 * cell_len(text)


def test_the_left_end_of_a_line_gives_way() -> None:
    line = spread((("a long beginning", ""), ("more", "")), (("end", ""),), 12)
    assert "".join(text for text, _ in line) == "a long…  end"


def test_long_words_are_cut_when_wrapped() -> None:
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("x" * 10, 4) == ["xxxx", "xxxx", "xx"]
    assert wrapped("", 4) == [""]


def test_spark_shows_rise_and_fall() -> None:
    assert spark([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert spark([1, 1], 4) == "▁▁"
    assert spark([], 4) == ""
    assert spark([7, 0], 2, zero=True) == "█▁"
    assert loss_values([0.0, -1.0]) == [-1.0, -1.0]  # no logarithm of these


def test_bar_is_as_wide_as_asked() -> None:
    for share in (-1, 0, 0.01, 0.5, 0.99, 1, 2):
        assert sum(map(len, bar(share, 10))) == 10
    assert bar(1, 4) == ("━━━━", "")


def write(folder: Path, name: str, data: bytes) -> FileLogs:
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / name).write_bytes(data)
    return FileLogs(folder)


def test_logs_give_the_last_lines_and_those_of_a_task(tmp_path: Path) -> None:
    logs = write(tmp_path, "w1.log", b"".join(b"aa%d line %d\n" % (i % 2, i) for i in range(10)))
    assert logs.tail("w1", 2) == ["aa0 line 8", "aa1 line 9"]
    assert logs.tail("w1", 2, "aa0") == ["aa0 line 6", "aa0 line 8"]
    assert logs.tail("w1", 0) == []
    assert logs.tail("w2", 5) == []


def test_logs_survive_anything(tmp_path: Path) -> None:
    logs = write(tmp_path, "w1.log", b"first\n" + b"x" * 1_000_000 + b"\n\xff\xfe bad \x80\nlast")
    lines = logs.tail("w1", 10)
    assert lines[-1] == "last"
    assert lines[-2] == "\ufffd\ufffd bad \ufffd"
    assert max(map(len, lines)) <= 2_000


@pytest.mark.parametrize("name", ["../secret", "..", ".", "/etc/passwd", "a/b", "", "a\0b"])
def test_a_worker_id_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.log").write_text("secret")
    write(tmp_path, "w1.log", b"")
    assert FileLogs(tmp_path).tail(name, 5) == []


def test_the_hardware_lines_fit_and_say_what_is_known() -> None:
    fast = Speed(samples_per_s=123_456.0, epochs_per_s=71.5, flops_per_s=45.6e9)
    text = "".join(part for part, _ in speed_line(fast, 60))
    assert text == "123,456 samples/s  45.6 GFLOP/s  71.5 epochs/s"
    for cells in range(60):
        assert width(speed_line(fast, cells)) <= cells + 2  # blanks may be cut off
    known = DeviceUse("a", "cuda:0", 1, 3 * 1024**3, 12 * 1024**3)
    assert "".join(part for part, _ in device_line(known, 40)).endswith(" 3.0 of 12.0 GiB")
    assert width(device_line(known, 40)) == 40
    assert device_line(replace(known, memory_total_bytes=0), 40)[1][0] == "3.0 GiB held"


def test_the_details_of_a_task_show_its_notices_and_all_of_its_error() -> None:
    life = Lifecycle(
        status=Status.DEAD, error="its worker died\nTraceback:\n" + " " * 5_000 + "deep\n\x1b[31mlast line"
    )
    task = TaskState(TaskInfo("1a2b", "quality"), life)
    texts = [*(f"task 1a2b: number {n}" for n in range(9)), "task 1a2bc: another", "task 1a2b: [b]\x1b[2Jlast"]
    notices = tuple(Notice(1.0 + n, "warning", text) for n, text in enumerate(texts))
    state = RunState(tasks={"1a2b": task}, notices=notices)
    frame = Frame(state, estimate(state, 100.0), 100.0)
    lines = ["".join(text for text, _ in line) for line in task_lines(frame, task, None, 40)]
    assert lines[:3] == ["✗ Failed", "run it again with: cqltui resubmit 1a2b", "its worker died"]
    notes = lines[lines.index("Notes") + 1 :][:5]
    assert [note[LABEL:] for note in notes[:-1]] == [f"task 1a2b: number {n}" for n in range(5, 9)]
    assert notes[-1][LABEL:] == "task 1a2b: [b]last"
    assert lines[-4:] == ["The whole error", "Traceback:", "        deep", "last line"]
    assert max(map(len, lines)) <= 60


def test_the_details_of_a_phase_show_answers_below_their_questions() -> None:
    phase = PhaseInfo("p", questions=("Why?", "How?"), answers=(AnswerInfo("How?", ("a long line", "b\x1b[2J")),))
    lines = ["".join(text for text, _ in line) for line in phase_lines(phase, 12)]
    assert lines == ["Questions", "· Why?", "· How?", "    a long", "    line", "    b"]


def test_the_details_tell_the_time_of_all_attempts() -> None:
    report = Progress(token="1-2", epoch=50, step=650, elapsed_s=20.0, trained_s=187.0, resumed_epoch=40)
    task = TaskState(TaskInfo("a", "p", epochs=50), Lifecycle(status=Status.DONE, token="1-2", report=report))
    frame = Frame(RunState(), estimate(RunState(), 1.0), 1.0)
    lines = ["".join(text for text, _ in line) for line in task_lines(frame, task, None, 60)]
    assert f"{'trained':{LABEL}}3m 07s, 650 steps" in lines


def test_workers_that_have_left_are_not_waited_for() -> None:
    def text(status: Status, wanted: Wanted = Wanted.RUNNING, known: bool = True) -> str:
        task = TaskState(TaskInfo("a", "quality"), Lifecycle(status=status))
        workers = {"w1": WorkerState("w1", stopped=True)} if known else {}
        return nobody(RunState(CampaignInfo(workers=2), wanted, {"a": task}, workers=workers))

    assert text(Status.QUEUED, known=False) == text(Status.QUEUED) == "Waiting for 2 workers to start."
    left = "All workers have left."
    assert text(Status.DONE) == text(Status.QUEUED, Wanted.STOPPED) == text(Status.PAUSED, Wanted.DRAINING) == left
    assert nobody(RunState(CampaignInfo(workers=1))) == "Waiting for 1 worker to start."
    assert nobody(RunState()) == "No worker yet."
    assert nobody(RunState(finished_ts=1.0)) == left


def test_a_narrow_header_keeps_the_state_and_what_is_done_then_the_end_then_the_rest() -> None:
    parts: Ranked = [
        (0, ((" unsupervised", "dead"),)),
        (3, (("elapsed ", "dim"), ("1h 10m", "text"))),
        (1, (("17/49", "text"), (" done", "dim"))),
        (2, (("2 dead", "dead"),)),
    ]
    eta: Line = (("ETA ", "dim"), ("~Sat 00:08", "strong"), ("  in 1h 58m", "dim"))

    def shown(cells: int, finish: Line) -> str:
        return re.sub(" +", " ", "".join(text for text, _ in status_line(parts, finish, cells))).strip()

    assert shown(120, eta) == "unsupervised elapsed 1h 10m 17/49 done 2 dead ETA ~Sat 00:08 in 1h 58m"
    assert shown(70, eta) == "unsupervised 17/49 done 2 dead ETA ~Sat 00:08 in 1h 58m"
    assert shown(60, eta) == "unsupervised 17/49 done 2 dead ETA ~Sat 00:08"
    assert shown(50, eta) == "unsupervised 17/49 done 2 dead ETA ~Sat 00:08"
    assert shown(42, eta) == "unsupervised 17/49 done ETA ~Sat 00:08"
    assert shown(40, eta) == "unsupervised 17/49 done ~Sat 00:08"
    assert shown(40, (("no supervisor runs", "dead"),)) == "unsupervised 17/49 done 2 dead"
