"""Wrong input starts nothing; a training that fails takes no other with it."""

import os
import signal

from tests.integration.place import TASKS, Place, until

LONG = ("--set", "phase.quality.epochs=100000")
SHORT = ("--set", "trainer.epochs=2", "--set", "phase.quality.epochs=2")


def test_wrong_input_is_told_and_nothing_is_made(place: Place) -> None:
    good = place.campaign.read_text(encoding="utf-8")
    for wrong, named in (
        (good.replace("alpha = 0.3", "alhpa = 0.3"), "trainer.alhpa"),
        (good.replace('source = "simulated"', 'source = "logged"\npath = "nowhere.csv"'), "nowhere.csv"),
    ):
        place.campaign.write_text(wrong, encoding="utf-8")
        refused = place.complete(code=2)
        assert named in refused.err
        assert "Traceback" not in refused.err
        assert not place.run_dir.path.parent.exists()


def test_a_run_has_one_supervisor(place: Place) -> None:
    place.slow_down()
    run = place.begin(*LONG)
    until(place.under_way, "a task under way")
    second = place.complete(code=2)
    assert "has a supervisor already" in second.err
    assert str(run.pid) in second.err
    fresh = place.complete("--fresh", code=2)
    assert "has a supervisor already" in fresh.err
    run.kill()
    orphans = place.complete("--fresh", code=2)
    assert "still at work" in orphans.err
    os.kill(place.server_pid(), signal.SIGKILL)
    assert "still at work" in place.complete("--fresh", code=2).err, "without a server, too"
    taken_over = place.begin(*LONG)
    until(lambda: "server answers" in taken_over.err, "a supervisor once more")
    place.ask("stop")
    taken_over.ends(4)
    assert place.processes() == []


def test_a_training_that_runs_away_is_dead_and_the_others_are_done(place: Place) -> None:
    text = place.campaign.read_text(encoding="utf-8")
    place.campaign.write_text(text.replace("alpha = 0.5", "alpha = 0.5\nlr = 1e30"), encoding="utf-8")
    run = place.complete(*SHORT, code=1)
    (dead,) = [task for task in place.journal() if task["kind"] == "task.dead"]
    assert "the loss is not a number at epoch 1: try a smaller lr" in dead["data"]["error"]
    assert len(place.trained()) == TASKS - 1
    assert dead["task"] not in place.trained()
    assert "ERROR" in place.log(dead["worker"])
    assert "5 of 6 tasks done" in run.out
    table = place.run_dir.phase_csv(2, "quality").read_text(encoding="utf-8")
    assert f"\n{dead['task']}," in table
    assert ",dead\n" in table
    again = place.complete(*SHORT, code=1)  # it stays dead until it is resubmitted
    assert again.err.count(" claimed by ") == 0
