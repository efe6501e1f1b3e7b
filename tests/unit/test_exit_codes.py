"""Exit codes: of a run that nobody works on any more, and of `cqltui doctor`."""

import pytest

from cqltui.app.ending import exit_code
from cqltui.broker.server.checkup import Finding, Level
from cqltui.cli import main
from cqltui.commands import doctor
from cqltui.errors import ExitCode
from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState

CODES = {
    (): ExitCode.OK,
    (Status.DONE,): ExitCode.OK,
    (Status.DONE, Status.WITHDRAWN): ExitCode.OK,
    (Status.DONE, Status.CANCELLED): ExitCode.UNFINISHED,
    (Status.DONE, Status.DEAD): ExitCode.UNFINISHED,
    (Status.CANCELLED,): ExitCode.UNFINISHED,
    (Status.DONE, Status.QUEUED): ExitCode.STOPPED,
    (Status.DONE, Status.PAUSED): ExitCode.STOPPED,
    (Status.DEAD, Status.DELAYED): ExitCode.STOPPED,
    (Status.CANCELLED, Status.RUNNING): ExitCode.STOPPED,
}


@pytest.mark.parametrize(("statuses", "code"), CODES.items())
def test_how_a_run_ended(statuses: tuple[Status, ...], code: ExitCode) -> None:
    tasks = {f"t{n}": TaskState(TaskInfo(f"t{n}", "p"), Lifecycle(status=s)) for n, s in enumerate(statuses)}
    assert exit_code(RunState(tasks=tasks)) is code


@pytest.mark.parametrize("form", [[], ["--json"]])
@pytest.mark.parametrize(
    ("levels", "code"),
    [
        ([Level.OK, Level.OK], ExitCode.OK),
        ([Level.OK, Level.WARNING], ExitCode.OK),
        ([Level.ERROR, Level.OK], ExitCode.UNFINISHED),
    ],
)
def test_the_doctor_fails_where_something_has_to_be_mended(
    levels: list[Level], code: ExitCode, form: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Finding(level, "thing", "found", "" if level is Level.OK else "do this") for level in levels]
    monkeypatch.setattr(doctor, "look", lambda *_, **__: iter(found))
    assert main(["doctor", *form]) == code
