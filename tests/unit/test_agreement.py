"""Asking before a file withdraws what a run has trained: who is asked, what counts as a yes, and who is refused."""

import io
import sys
from pathlib import Path

import pytest

from cqltui.app.difference import Agreement, ask, find, find_agreed
from cqltui.app.question import DeclinedError
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.errors import ExitCode, InputError
from cqltui.results.rundir import RunDir
from cqltui.state.model import Status
from cqltui.supervisor import manifest
from tests.unit.test_difference import DATA, FILE, campaign_of
from tests.unit.test_known import attempt_of, publish, tell

SUMMARY = DataSummary(DATA, 1000, 100)


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "run")


@pytest.fixture
def campaign(tmp_path: Path, run_dir: RunDir) -> Campaign:
    """That of a run whose first task is done, its second half trained, and its third queued."""
    path = tmp_path / "small.toml"
    path.write_text(FILE, encoding="utf-8")
    made = campaign_of(path)
    first, second, third = made.tasks
    attempt_of(run_dir, first, 100)
    publish(run_dir, first)
    attempt_of(run_dir, second, 40)
    for task, status in ((first, Status.DONE), (second, Status.QUEUED), (third, Status.QUEUED)):
        tell(run_dir, task, status)
    return made


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_trained_tasks_are_withdrawn_with_a_yes_only(campaign: Campaign, run_dir: RunDir) -> None:
    other = campaign_of(campaign.path, "trainer.lr=1")
    with pytest.raises(InputError) as refused:
        find_agreed(run_dir, other, SUMMARY, Agreement())
    assert refused.value.exit_code == ExitCode.INPUT
    head, done, half, fix = refused.value.problems
    assert head == f"{run_dir.path}: this file would withdraw what the run has trained, 2 tasks:"
    assert done.endswith(": done, 100 epochs")
    assert half.endswith(": trained to epoch 40 of 100")
    assert all(word in fix for word in ("--yes", "another name", "--run-dir", "cqltui plan"))
    assert find_agreed(run_dir, other, SUMMARY, Agreement(yes=True)).lost


def test_a_yes_is_to_what_was_shown(campaign: Campaign, run_dir: RunDir) -> None:
    other, third = campaign_of(campaign.path, "trainer.lr=1"), campaign_of(campaign.path, "phase.one.lr=1")
    shown = find(run_dir, other, SUMMARY).fingerprint
    assert find_agreed(run_dir, other, SUMMARY, Agreement(fingerprint=shown)).lost
    with pytest.raises(InputError):
        find_agreed(run_dir, third, SUMMARY, Agreement(fingerprint=shown))


def test_what_was_never_trained_needs_no_yes_unless_the_server_has_its_result(
    campaign: Campaign, run_dir: RunDir
) -> None:
    other = campaign_of(campaign.path, "phase.two.lr=1")
    (leaves,) = find_agreed(run_dir, other, SUMMARY, Agreement()).withdrawn
    with pytest.raises(InputError, match=f"{leaves.id}.: done"):
        find_agreed(run_dir, other, SUMMARY, Agreement(), done=[leaves.id, "another"])


def test_the_same_file_and_a_first_start_ask_nothing(
    campaign: Campaign, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, "")
    ask(find(run_dir, campaign, SUMMARY), run_dir, yes=False)
    ask(find(RunDir(run_dir.path / "none"), campaign, SUMMARY), run_dir, yes=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("typed", "is_yes"),
    [("y\n", True), ("YES\n", True), (" y \n", True), ("\n", False), ("", False), ("n\n", False), ("yyy\n", False)],
)
def test_anything_but_a_yes_is_a_no(
    campaign: Campaign,
    run_dir: RunDir,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    is_yes: bool,
) -> None:
    found = find(run_dir, campaign_of(campaign.path, "phase.two.lr=1"), SUMMARY)
    answer(monkeypatch, typed)
    if is_yes:
        ask(found, run_dir, yes=False)
    else:
        with pytest.raises(DeclinedError, match="nothing was changed"):
            ask(found, run_dir, yes=False)
    said = capsys.readouterr()
    assert said.out == ""
    assert "1 new, 2 kept (1 done), 0 continued, 1 withdrawn (0 done)" in said.err
    assert said.err.endswith("Go on with this file? [y/N] ")


def test_who_has_said_yes_is_told_and_not_asked(
    campaign: Campaign, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, "n\n")
    ask(find(run_dir, campaign_of(campaign.path, "trainer.lr=1"), SUMMARY), run_dir, yes=True)
    said = capsys.readouterr().err
    assert "3 withdrawn (1 done)" in said
    assert "[y/N]" not in said


def test_a_file_that_judges_or_names_otherwise_is_another(campaign: Campaign, run_dir: RunDir) -> None:
    assert not manifest.is_other(run_dir, campaign), "there is none to compare with"
    manifest.write(run_dir, campaign, SUMMARY, [], 1.0, own_server=False)
    assert not manifest.is_other(run_dir, campaign)
    assert manifest.is_other(run_dir, campaign_of(campaign.path, "phase.one.title=Other"))
    assert not manifest.is_other(run_dir, campaign_of(campaign.path, "workers.count=7"))
