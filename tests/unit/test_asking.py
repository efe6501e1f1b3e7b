"""Commands on many tasks: the first have lines, the others are counted, refusals are always told."""

import pytest

from cqltui.app.asking import ask_each
from cqltui.broker.protocol.records import TaskError
from cqltui.errors import ExitCode
from cqltui.state.model import RunState, TaskCommand
from tests.unit.runs import info, queued


@pytest.mark.parametrize("verbose", [False, True])
def test_lines_of_many_tasks(verbose: bool, capsys: pytest.CaptureFixture[str]) -> None:
    state = RunState(tasks={task.id: task for task in (queued(info(n)) for n in range(2000))})

    def action(task_id: str) -> bool:
        if task_id == info(1999).id:
            raise TaskError(f"task {task_id} is running")
        return task_id != info(0).id

    command = TaskCommand.RESUBMIT
    assert ask_each(command, action, list(state.tasks), state, verbose=verbose) == (ExitCode.INPUT, True)
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("task ") for line in lines) == (1999 if verbose else 30)
    assert "cqltui: task 000007cf is running" in lines
    summary = [line for line in lines if "in all" in line]
    assert [line.partition(" (")[0] for line in summary] == (
        [] if verbose else ["1 tasks in all", "1,998 tasks in all"]
    )
    assert ask_each(command, lambda _: False, list(state.tasks)[:3], state, verbose=verbose) == (ExitCode.OK, False)
    assert len(capsys.readouterr().err.splitlines()) == 3
