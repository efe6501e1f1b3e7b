"""What the details of a task say, line by line."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from cqltui.algorithms.base import REQUIRED
from cqltui.state.described import PhaseInfo, Verdict
from cqltui.state.eta import estimate
from cqltui.state.model import Lifecycle, Notice, Progress, RunState, Status, TaskInfo, TaskState
from cqltui.state.record import LAST_LINES, Attempt, FileEntry, TaskRecord
from cqltui.ui import format as fmt
from cqltui.ui.details.attempts import SHOWN, attempt_lines
from cqltui.ui.details.failure import failure_lines, failure_of
from cqltui.ui.details.field import LABEL
from cqltui.ui.details.files import file_lines
from cqltui.ui.details.metrics import metric_lines
from cqltui.ui.details.phase import phase_lines, verdict_lines
from cqltui.ui.details.settings import setting_lines
from cqltui.ui.details.task import task_lines
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, width

NOW = 1_760_734_800.0
RAISED = """RuntimeError: mat1 and mat2 [b]cannot[/b] be multiplied
Traceback (most recent call last):
  File "/home/a/cqltui/worker/attempt.py", line 120, in run
    self._train()
  File "/home/a/trainer/train.py", line 88, in run_epoch
    loss = self._step(batch)
           ^^^^^^^^^^^^^^^^^
  File "/home/a/trainer/model.py", line 12, in forward
RuntimeError: mat1 and mat2 [b]cannot[/b] be multiplied"""
DIED = f"its worker w1 died (signal 9)\n{LAST_LINES} w1:\none\n\ntwo\nthree\nfour\nfive\nsix"


def said(lines: Sequence[Line]) -> list[str]:
    """The lines as text."""
    return ["".join(text for text, _ in line) for line in lines]


def task_of(status: Status = Status.DEAD, settings: dict[str, Any] | None = None, **life: Any) -> TaskState:
    """A task in that state."""
    return TaskState(TaskInfo("1a2b", "quality", "a title", settings=settings or {}), Lifecycle(status=status, **life))


def frame_of(*tasks: TaskState, online: bool = True, phases: tuple[PhaseInfo, ...] = ()) -> Frame:
    """A moment of a run with them."""
    state = RunState(tasks={task.id: task for task in tasks}, online=online)
    state = replace(state, campaign=replace(state.campaign, phases=phases))
    return Frame(state, estimate(state, NOW), NOW)


WHOLE = """\
D done · 21:00 after 3m 10s
epoch           100 of 200
stopped early   no better for 20 epochs
loss            0.2500
baseline        0.5000, 50.0% better
TD loss         –
CQL loss        –
Q mean          –
gradient norm   –
validation      0.3000, best 0.2900
speed           0 samples/s
trained         3m 10s, 1,300 steps

Settings (≠ default of the algorithm)
alpha           0.5
parameters      1,234
steps per epoch 13
FLOPs per step  2 M

Attempts
✓ 1   20:56 w1  done after 0s

Run and worker
priority        7, submission 4
run             1, attempt 1
worker          w1
queued          20:55
started         20:56

Notes
20:59           task 1a2b was slow

Description
What it is for"""


def test_all_that_is_told_of_a_task_in_its_order() -> None:
    sizes: dict[str, Any] = {"epochs": 200, "epoch_steps": 13, "step_flops": 2_000_000, "params": 1_234}
    info = TaskInfo("1a2b", "quality", "a title", "What it is for", settings={"alpha": 0.5}, baseline_loss=0.5, **sizes)
    times: dict[str, Any] = {
        "queued_ts": NOW - 300,
        "started_ts": NOW - 200,
        "claimed_ts": NOW - 200,
        "finished_ts": NOW,
    }
    life = Lifecycle(status=Status.DONE, priority=7, order=4, run=1, attempt=1, token="1-1", worker="w1", **times)
    report = Progress(
        "1-1", 1_300, 100, elapsed_s=190.0, metrics={"loss": 0.25, "val_loss": 0.3}, best=0.29,
        stopped_early="no better for 20 epochs",
    )  # fmt: skip
    task = TaskState(info, life, report)
    frame = frame_of(task)
    frame = replace(frame, state=replace(frame.state, notices=(Notice(NOW - 60, "warning", "task 1a2b was slow"),)))
    record = TaskRecord((Attempt(1, 1, "1-1", "w1", NOW - 200, NOW - 200, "done"),))
    assert "\n".join(said(task_lines(frame, task, record, 44))) == WHOLE
    phase = PhaseInfo("quality", goal="To know", questions=("Is it?",), expected="0.1")
    assert said(phase_lines(phase, 40)) == ["Goal", "  To know", "Questions", "· Is it?", "Expected", "  0.1"]


def test_before_the_first_report_there_are_no_metrics() -> None:
    report = Progress("1-1", resumed_epoch=2)
    task = replace(task_of(Status.RUNNING, {"alpha": 0.5}, token="1-1"), live=report)
    assert said(metric_lines(task, 40)) == [
        "epoch           0 of 0", "trained         0s, 0 steps", "resumed         from epoch 2",
    ]  # fmt: skip
    told = said(metric_lines(replace(task, live=replace(report, metrics={"loss": 0.25})), 40))
    assert "loss            0.2500" in told
    assert "TD loss         –" in told


def test_an_error_is_told_by_class_and_last_frames() -> None:
    found = failure_of(RAISED)
    assert (found.kind, found.reason) == ("RuntimeError", "mat1 and mat2 [b]cannot[/b] be multiplied")
    assert found.frames == (
        ("worker/attempt.py:120 in run", "self._train()"),
        ("trainer/train.py:88 in run_epoch", "loss = self._step(batch)"),
        ("trainer/model.py:12 in forward", "RuntimeError: mat1 and mat2 [b]cannot[/b] be multiplied"),
    )
    died = failure_of(DIED)
    assert (died.kind, died.reason, died.frames) == ("", "its worker w1 died (signal 9)", ())
    assert died.logged == ("one", "two", "three", "four", "five", "six")
    assert failure_of("no time: 12:30 is: late").kind == "", "a sentence is no class"


def test_a_failure_comes_first_and_names_the_key_that_runs_it_again() -> None:
    task = task_of(error=RAISED, deaths=0)
    lines = said(task_lines(frame_of(task), task, None, 60, logged=["old", *"abcde"], again="R"))
    assert lines[0] == "✗ Failed · RuntimeError · R runs it again"
    assert lines[1] == "mat1 and mat2 [b]cannot[/b] be multiplied"
    assert lines[2:4] == ["  worker/attempt.py:120 in run", "    self._train()"]
    place = lines.index("Last in the log")
    assert lines[place + 1 : place + 6] == ["  a", "  b", "  c", "  d", "  e"]
    assert lines[place + 7].startswith("X dead")
    narrow = said(failure_lines(frame_of(task), task, (), "R", 36))
    assert narrow[:2] == ["✗ Failed · RuntimeError", "R runs it again"]
    offline = said(failure_lines(frame_of(task, online=False), task, (), "R", 60))
    assert offline[1] == "run it again with: cqltui resubmit 1a2b", "nobody listens to a key"
    assert "  six" in said(failure_lines(frame_of(task), task_of(error=DIED), ["else"], "r", 60))
    again = task_of(Status.RUNNING, error=RAISED)
    assert failure_lines(frame_of(again), again, (), "r", 60) == [], "it trains again"
    waits = task_of(Status.DELAYED, error="OSError: no", ready_ts=NOW + 60)
    clock = fmt.clock(NOW + 60, NOW)
    told = said(failure_lines(frame_of(waits), waits, (), "r", 80))
    assert told[0] == f"! The last attempt failed · OSError · is tried again at {clock}"


def test_settings_tell_what_the_phase_has_instead() -> None:
    task = task_of(settings={"alpha": 0.5, "lr": 1e-4, "hidden_dims": [256, 128], "precision": "bf16", "seed": 7})
    algorithm = task.algorithm
    known = {s.name: s.default for s in algorithm.settings if s.default is not REQUIRED}
    defaults = {**known, "alpha": 0.3, "lr": 1e-4, "hidden_dims": [64] * 30}
    lines = said(setting_lines(task, defaults, 44))
    labels = {setting.name: setting.label for setting in algorithm.settings}
    assert lines[0] == f"{labels['alpha']:<{LABEL}}0.5            ≠ 0.3"
    assert lines[1] == f"{labels['lr']:<{LABEL}}0.0001", "it is the same"
    assert lines[2].startswith(f"{labels['hidden_dims']:<{LABEL}}[256,128]      ≠ [64,")
    others = [line for line in lines[3:] if "≠" in line]
    assert others == [f"{labels['seed']:<{LABEL}}7              ≠ 42"], "auto says nothing"
    assert max(map(width, setting_lines(task, defaults, 44))) <= 44
    assert max(map(width, setting_lines(task, defaults, 34))) <= 34
    roles = {role for line in setting_lines(task, defaults, 44) for _, role in line}
    assert "accent" in roles, "by colour as well"
    assert not any("≠" in line for line in said(setting_lines(task, None, 44))[:3]), "they must be set: no default"


def test_attempts_say_who_when_and_how_they_ended() -> None:
    attempts = (
        Attempt(1, 1, "1-1", "w1", NOW - 500, NOW - 400, "died", "its worker w1 died (signal 9)\nThe last lines"),
        Attempt(1, 0, "1-2", claimed_ts=NOW - 350, end="not told"),
        Attempt(2, 1, "1-3", "w2\x1b[2J", NOW - 60),
    )
    task = task_of(Status.RUNNING, run=2, attempt=1, token="1-3", worker="w2", claimed_ts=NOW - 60)
    lines = said(attempt_lines(task, TaskRecord(attempts), NOW, 60))
    assert lines[0] == f"▸ 2.1 {fmt.clock(NOW - 60, NOW)} w2  trains for 1m 00s"
    assert lines[1] == f"· 1.? {fmt.clock(NOW - 350, NOW)}  its end is not known"
    assert lines[2] == f"✗ 1.1 {fmt.clock(NOW - 500, NOW)} w1  died after 1m 40s"
    assert lines[3:] == ["      its worker w1 died (signal 9)"]
    many = tuple(Attempt(1, n, f"1-{n}", "w1", NOW, NOW, "given back") for n in range(SHOWN + 5))
    waiting = task_of(Status.QUEUED)
    assert said(attempt_lines(waiting, TaskRecord(many), NOW, 60))[-1] == "  and 5 more"
    assert said(attempt_lines(waiting, TaskRecord(cut=True), NOW, 60)) == ["  earlier ones are not looked for"]
    assert attempt_lines(waiting, TaskRecord(), NOW, 60) == []


def test_files_say_how_large_they_are_and_what_they_hold() -> None:
    files = (
        FileEntry("model_best.safetensors", 300_000, NOW),
        FileEntry("model_e30.safetensors", 1_000, NOW),
        FileEntry("checkpoint-001000.safetensors", 5 * 1024**2, NOW, "run-1/1-7"),
        FileEntry("\x1b[31mown", 0, NOW, "run-1/1-7"),
    )
    record = TaskRecord(files=files, folder="/runs/deep/tasks/1a2b", more_files=3, troubles=("[b]no",))
    lines = said(file_lines(record, NOW, 80))
    assert lines[0] == "[b]no"
    assert lines[1].split() == ["model_best.safetensors", "293", "KiB", fmt.clock(NOW, NOW), "the", "best", "weights"]
    assert lines[2].endswith("weights of epoch 30")
    assert lines[3] == "run-1/1-7"
    assert lines[4].endswith("checkpoint of epoch 1,000")
    assert lines[5].startswith("own ")
    assert lines[6:] == ["and 3 more", "together 5.3 MiB, in", "/runs/deep/tasks/1a2b"]
    assert max(map(width, file_lines(record, NOW, 36))) <= 36
    assert said(file_lines(None, NOW, 36)) == ["Looking for files."]
    assert said(file_lines(TaskRecord(), NOW, 36)) == ["No files yet."]


def test_the_criteria_are_those_of_the_phase_and_those_that_look_at_it() -> None:
    own = PhaseInfo("quality", verdicts=(Verdict("All done", True),))
    other = PhaseInfo("exploration", verdicts=(Verdict("Conclusive", False), Verdict("Else", True)))
    task = task_of()
    frame = frame_of(task, phases=(own, other))
    record = TaskRecord(watchers=(("exploration", "Conclusive"), ("gone", "Of no phase")))
    assert said(verdict_lines(frame.state, task, record, 60)) == [
        "✓ All done",
        "✗ Conclusive (exploration)",
        "· Of no phase (gone)",
    ]
    assert said(verdict_lines(frame.state, task, None, 60)) == ["✓ All done"]
