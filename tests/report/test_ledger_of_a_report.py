"""The ledger that a report tells of: the one that is named, and no other."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import to_builtins

from cqltui.app.material import read_material
from cqltui.errors import InputError
from cqltui.ledger.model import Bet
from cqltui.ledger.store import opened
from cqltui.results.rundir import RunDir, write_json
from cqltui.state.model import Lifecycle, Status, TaskInfo
from cqltui.supervisor.manifest import resolved
from tests.report.materials import DIGEST, campaign

NOW = datetime(2022, 9, 10, 12, tzinfo=UTC)


def begin(path: Path, *bet_ids: str) -> Path:
    """Begin a ledger with open bets of these names."""
    with opened(path, create=True) as ledger:
        bets = [Bet(name, name, "home", 3.0, 0.9, 1.0, "2022-09-07T12:00:00Z", 2022, 1) for name in bet_ids]
        ledger.add([(bet, True) for bet in bets], NOW)
    return path


@pytest.fixture
def run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A run that has just begun, and an empty current folder."""
    found = RunDir(tmp_path / "run")
    planned = campaign()
    for task in planned.tasks:
        found.task(task.id).mkdir(parents=True)
        info, life = TaskInfo(task.id, task.phase), Lifecycle(status=Status.QUEUED)
        write_json(found.task_json(task.id), {"info": to_builtins(info), "life": to_builtins(life)})
    write_json(found.campaign_json, {"campaign": resolved(planned), "data": {"digest": DIGEST}})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return found


def test_a_ledger_that_was_not_named_is_not_told_of(run_dir: RunDir) -> None:
    begin(Path("ledger.sqlite"), "a")
    assert read_material(run_dir).ledger is None, "the same run gives the same report, wherever it is asked for"


def test_the_ledger_that_is_named_is_read(run_dir: RunDir, tmp_path: Path) -> None:
    found = read_material(run_dir, ledger=begin(tmp_path / "mine.sqlite", "a", "b")).ledger
    assert found is not None
    assert (found["file"], [bet["not_measurable"] for bet in found["taken"]]) == (
        "mine.sqlite",
        ["without a result yet"] * 2,
    )


def test_a_ledger_that_cannot_be_read_is_an_error(run_dir: RunDir) -> None:
    Path("ledger.sqlite").write_text("no ledger at all, but some text that is long enough to be looked at")
    Path("ledger.sqlite").chmod(0o600)
    for name in ("ledger.sqlite", "missing.sqlite"):
        with pytest.raises(InputError, match=name):
            read_material(run_dir, ledger=Path(name))
