"""What the command line asks before something is given up, as the screen does."""

import io
import sys

import pytest

from cqltui.app.asker import asker
from cqltui.app.asking import ask_run, ask_tasks, ask_workers
from cqltui.app.question import DeclinedError
from cqltui.broker.protocol.queue import Queue
from cqltui.errors import ExitCode, InputError
from cqltui.state.model import Status, TaskCommand, Wanted
from tests.contract.helpers import life, put_into, state, task


class Keyboard(io.StringIO):
    """A terminal at which this is typed."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def _at(monkeypatch: pytest.MonkeyPatch, typed: str | None) -> None:
    """Somebody is at the terminal and types this; None: nobody is."""
    monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Keyboard(typed))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: typed is not None, raising=False)


@pytest.mark.parametrize(
    ("command", "status", "after"),
    [(TaskCommand.CANCEL, Status.QUEUED, Status.CANCELLED), (TaskCommand.RESUBMIT, Status.DONE, Status.QUEUED)],
)
def test_it_is_asked_before_a_training_or_a_result_is_given_up(
    queue: Queue,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: TaskCommand,
    status: Status,
    after: Status,
) -> None:
    put_into(queue, status)
    _at(monkeypatch, None)
    with pytest.raises(InputError, match="--yes does it unasked") as refused:
        ask_tasks(command, ["x"], queue, None)
    assert "task x?" in str(refused.value)
    for answer in ("", "n\n", "\n"):
        _at(monkeypatch, answer)
        with pytest.raises(DeclinedError, match="nothing was changed"):
            ask_tasks(command, ["x"], queue, None)
    assert f"  x  {status}  p, " in capsys.readouterr().err, "it is named"
    assert life(queue, "x").status is status
    _at(monkeypatch, "y\n")
    assert ask_tasks(command, ["x"], queue, None) is ExitCode.OK
    assert (life(queue, "x").status, life(queue, "x").by) == (after, asker("cli"))


def test_what_gives_up_nothing_asks_nothing(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    _at(monkeypatch, None)
    put_into(queue, Status.DEAD)
    queue.enqueue(task("y"))
    assert ask_tasks(TaskCommand.RESUBMIT, ["x"], queue, None) is ExitCode.OK
    assert ask_tasks(TaskCommand.RESUBMIT, [], queue, None, failed=True) is ExitCode.OK
    assert ask_tasks(TaskCommand.PAUSE, ["y"], queue, None) is ExitCode.OK
    assert ask_tasks(TaskCommand.RESUME, ["y"], queue, None) is ExitCode.OK
    assert ask_tasks(TaskCommand.PRIORITY, ["y"], queue, None, priority=9) is ExitCode.OK
    assert ask_tasks(TaskCommand.CANCEL, ["nothing"], queue, None) is ExitCode.INPUT
    assert ask_tasks(TaskCommand.CANCEL, ["y"], queue, None, yes=True) is ExitCode.OK
    assert ask_tasks(TaskCommand.CANCEL, ["y"], queue, None) is ExitCode.OK, "it is cancelled already"
    assert ask_run(TaskCommand.PAUSE, queue, None) is ExitCode.OK
    assert (state(queue).wanted, state(queue).wanted_by) == (Wanted.PAUSED, asker("cli"))


def test_fewer_workers_are_asked_about_and_more_than_there_can_be_refused(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.set_campaign({"name": "c", "workers": 3, "workers_limit": 4})
    _at(monkeypatch, None)
    with pytest.raises(InputError, match="can have 4 at most"):
        ask_workers(5, queue, None, yes=True)
    with pytest.raises(InputError, match="Go on with 1 of 3 workers"):
        ask_workers(1, queue, None, yes=False)
    assert queue.asked_workers() == 0
    assert ask_workers(4, queue, None, yes=False) is ExitCode.OK
    assert "4 workers: asked for, in place of 3" in capsys.readouterr().err
    _at(monkeypatch, "y\n")
    assert ask_workers(1, queue, None, yes=False) is ExitCode.OK
    assert "w2, w3, w4 would write a checkpoint and leave" in capsys.readouterr().err
    assert state(queue).asked_workers_by == asker("cli")
    queue.finish(1_795_000_000.0)
    with pytest.raises(InputError, match="--workers 2"):
        ask_workers(2, queue, None, yes=True)


def test_who_asks_is_plain_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "an\x1b[0mna")
    monkeypatch.setattr("socket.gethostname", lambda: "b\u202eox" * 20)
    assert asker("screen") == f"an??0mna@{'b?ox' * 10} screen"
