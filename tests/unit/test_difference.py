"""What a file changes of the run that is there, worked out and shown."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from cqltui.campaign.difference import Difference, KnownTask, difference
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.reporters.difference import difference_json, difference_lines

FILE = """
[campaign]
name = "small"
[trainer]
epochs = 100
lr = 1e-4
alpha = 0.3
hidden_dims = [16]
[[phase]]
name = "one"
priority = 5
[phase.grid]
seed = [1, 2]
[[phase]]
name = "two"
priority = 4
[phase.grid]
seed = [1]
"""
DATA = "data"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def campaign_of(file: Path, *settings: str, data: str = DATA) -> Campaign:
    return load_campaign(file, settings).identified(data)


def known_of(task: TaskSpec, *, done: bool = True, saved_epoch: int | None = None) -> KnownTask:
    """The task as the run directory has it after it was done, with a checkpoint of the end, or of `saved_epoch`."""
    epochs = task.trainer.epochs
    saved = epochs if saved_epoch is None else saved_epoch
    validated = frozenset(n for n in range(1, saved + 1) if n % task.trainer.validate_every == 0 or n == epochs)
    return KnownTask(task.id, task.phase, task.title, epochs, done=done, saved_epoch=saved, validated=validated)


def all_done(campaign: Campaign) -> dict[str, KnownTask]:
    return {task.id: known_of(task) for task in campaign.tasks}


def counts(found: Difference) -> tuple[int, int, int, int]:
    return len(found.new), len(found.kept), len(found.continued), len(found.withdrawn)


def test_a_first_start_and_the_same_file_again_change_nothing(file: Path) -> None:
    campaign = campaign_of(file)
    first, again = difference(campaign, DATA, {}), difference(campaign, DATA, all_done(campaign))
    assert (counts(first), first.changes) == ((3, 0, 0, 0), False)
    assert (counts(again), again.changes) == ((0, 3, 0, 0), False)
    queued = {id_: replace(known, done=False, saved_epoch=0) for id_, known in all_done(campaign).items()}
    assert counts(difference(campaign, DATA, queued)) == (0, 3, 0, 0)


def test_more_epochs_go_on_and_what_they_go_on_from_is_not_withdrawn(file: Path) -> None:
    known = all_done(campaign_of(file))
    found = difference(campaign_of(file, "phase.one.epochs=250"), DATA, known)
    assert counts(found) == (0, 1, 2, 0)
    for item in found.continued:
        assert (item.source.phase, item.source.epochs, item.task.trainer.epochs) == ("one", 100, 250)
        assert item.task.title == item.source.title
    assert found.leaving == {item.source.id for item in found.continued}
    assert (found.changes, found.lost) == (True, ())
    assert set(found.epochs_done.values()) == {100}


def test_fewer_epochs_begin_anew_and_withdraw_what_was_done(file: Path) -> None:
    found = difference(campaign_of(file, "phase.one.epochs=99"), DATA, all_done(campaign_of(file)))
    assert counts(found) == (2, 1, 0, 2)
    assert {known.epochs for known in found.lost} == {100}
    assert all(item.shorter is None for item in found.new)


@pytest.mark.parametrize("setting", ["trainer.lr=2e-4", "trainer.gamma=0.9", "trainer.hidden_dims=[17]"])
def test_more_epochs_of_another_training_begin_anew(file: Path, setting: str) -> None:
    found = difference(campaign_of(file, "trainer.epochs=250", setting), DATA, all_done(campaign_of(file)))
    assert counts(found) == (3, 0, 0, 3)


def test_neither_other_data_nor_another_phase_is_gone_on_from(file: Path) -> None:
    known = all_done(campaign_of(file))
    found = difference(campaign_of(file, "trainer.epochs=250", data="other"), "other", known, other_data=True)
    assert counts(found) == (3, 0, 0, 3)
    assert "the data is not that of its last start" in difference_lines(found, "runs/small")[2]
    renamed = file.with_name("renamed.toml")
    renamed.write_text(FILE.replace('name = "two"', 'name = "three"'), encoding="utf-8")
    assert counts(difference(campaign_of(renamed, "trainer.epochs=250"), DATA, known)) == (1, 0, 2, 1)


def test_without_its_checkpoint_a_longer_task_begins_anew_and_says_so(file: Path) -> None:
    known = {id_: replace(one, saved_epoch=0) for id_, one in all_done(campaign_of(file)).items()}
    found = difference(campaign_of(file, "phase.two.epochs=250"), DATA, known)
    assert counts(found) == (1, 2, 0, 1)
    (item,) = found.new
    assert item.shorter == found.withdrawn[0]
    said = "\n".join(difference_lines(found, "runs/small"))
    shorter = found.withdrawn[0].id
    assert f"250 epochs, trained from the beginning: {shorter} is done after 100 epochs, but no checkpoint" in said


@pytest.mark.parametrize(("every", "validation", "goes_on"), [(10, True, True), (30, True, True), (15, True, False)])
def test_held_out_losses_are_to_be_those_of_one_go(file: Path, every: int, validation: bool, goes_on: bool) -> None:
    known = all_done(campaign_of(file))  # validated at 10, 20, ...
    longer = campaign_of(file, "trainer.epochs=250", f"trainer.validate_every={every}")
    assert bool(difference(longer, DATA, known).continued) is goes_on
    assert difference(longer, DATA, known, validation=False).continued, "there are none to compute"


def test_the_longest_is_gone_on_from_a_stopped_one_too(file: Path) -> None:
    known = all_done(campaign_of(file, "trainer.epochs=50")) | all_done(campaign_of(file))
    stopped = {
        task.id: known_of(task, done=False, saved_epoch=180) for task in campaign_of(file, "trainer.epochs=200").tasks
    }
    wanted = campaign_of(file, "trainer.epochs=300")
    assert {item.source.epochs for item in difference(wanted, DATA, known).continued} == {100}
    assert {item.source.saved_epoch for item in difference(wanted, DATA, known | stopped).continued} == {180}
    shorter = difference(campaign_of(file, "trainer.epochs=150"), DATA, stopped)
    assert counts(shorter) == (3, 0, 0, 3), "it is beyond the end"
    assert shorter.lost == shorter.withdrawn, "half trained is work too"


def test_of_several_tasks_each_goes_on_and_what_stays_in_the_file_is_kept(file: Path) -> None:
    known = all_done(campaign_of(file))
    both = file.with_name("both.toml")
    both.write_text(FILE.replace("seed = [1, 2]", "seed = [1, 2]\nepochs = [100, 200, 300]"), encoding="utf-8")
    found = difference(campaign_of(both), DATA, known)
    assert counts(found) == (0, 3, 4, 0)
    assert found.leaving == frozenset()


def test_what_comes_back_into_the_file_is_kept_or_goes_on(file: Path) -> None:
    done = {id_: replace(one, withdrawn=True) for id_, one in all_done(campaign_of(file)).items()}
    found = difference(campaign_of(file), DATA, done)
    assert counts(found) == (0, 3, 0, 0)
    assert found.changes
    assert "3 kept (3 done, 3 of them back in the file)" in difference_lines(found, "runs/small")[1]
    longer = campaign_of(file, "trainer.epochs=300")
    unfinished = {t.id: replace(known_of(t, done=False, saved_epoch=40), withdrawn=True, run=2) for t in longer.tasks}
    found = difference(longer, DATA, done | unfinished)
    assert counts(found) == (0, 0, 3, 0), "what was withdrawn before is withdrawn no more"
    assert {(item.run, item.source.saved_epoch) for item in found.continued} == {(2, 100)}
    ahead = {id_: replace(one, saved_epoch=200) for id_, one in unfinished.items()}
    assert counts(difference(longer, DATA, done | ahead)) == (0, 3, 0, 0)


def test_who_agreed_to_one_difference_has_not_agreed_to_another(file: Path) -> None:
    known = all_done(campaign_of(file))
    lr, alpha, one = (
        difference(campaign_of(file, setting), DATA, known)
        for setting in ("trainer.lr=1", "trainer.alpha=1", "phase.two.lr=1")
    )
    assert lr.fingerprint == alpha.fingerprint, "the same tasks leave"
    assert lr.fingerprint != one.fingerprint


def test_lines_name_some_and_count_the_rest(file: Path) -> None:
    many = file.with_name("many.toml")
    many.write_text(FILE.replace("seed = [1, 2]", "seed = { from = 1, to = 50 }"), encoding="utf-8")
    known = all_done(campaign_of(many))
    first = next(iter(known))
    known = {id_: replace(one, done=id_ == first, saved_epoch=0) for id_, one in known.items()}
    found = difference(campaign_of(many, "trainer.lr=1"), DATA, known)
    lines = difference_lines(found, "runs/small")
    assert lines[0] == "What this file makes of the run in runs/small:"
    assert lines[1] == "  51 new, 0 kept (0 done), 0 continued, 51 withdrawn (1 done)"
    assert len(lines) == 2 + 2 * 9
    assert lines[-1] == "  withdrawn  and 43 more"
    assert f"({first}): done, 100 epochs" in lines[-9], "what is done comes first"
    said = json.loads(json.dumps(difference_json(found)))
    assert {len(said["new"]), len(said["withdrawn"])} == {51}
