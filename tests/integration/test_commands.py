"""What the user asks of tasks and of the campaign while it runs."""

import json
import os
import signal

from cqltui.state.model import Status
from tests.integration.place import TASKS, TWO, Place, Trained, until


def _by_title(place: Place) -> dict[str, str]:
    return {task.info.title: task.id for task in place.look().tasks.values()}


def _status(place: Place, task_id: str) -> Status:
    return place.look().tasks[task_id].status


def test_tasks_are_paused_resumed_moved_and_cancelled_while_they_run(
    place: Place, expected: dict[str, Trained]
) -> None:
    place.slow_down()
    run = place.begin("--json", *TWO, "--set", "workers.lease_s=60")
    until(lambda: len(place.running()) == 2, "two tasks under way")
    workers = place.worker_pids().values()
    for pid in workers:  # which would have trained them before the commands have started
        os.kill(pid, signal.SIGSTOP)
    ids = _by_title(place)
    first, second, last = ids["Best small network"], ids["Best alpha"], ids["seed 2"]
    place.ask("cancel", ids["seed 1"])
    assert _status(place, ids["seed 1"]) is Status.CANCELLED, "it waited behind all others"
    place.ask("priority", "9", last)
    place.ask("pause", first)
    place.ask("cancel", second)
    place.speed_up()
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    until(lambda: _status(place, first) is Status.PAUSED, "the pause, after a checkpoint")
    assert place.look().tasks[first].life.paused_by == "user"
    assert list(place.run_dir.task(first).glob("run-1/*/checkpoint-*")), "its checkpoint is kept"
    until(lambda: _status(place, second) is Status.CANCELLED, "the end of the cancelled task")
    place.ask("resume", first)
    run.ends(1)
    taken = [line["task"] for line in place.journal() if line["kind"] == "task.claimed"]
    assert taken[2] == last, "its new priority puts it before all that wait"
    assert taken.count(first) == 2
    lines = [json.loads(line) for line in run.out.splitlines()]
    assert lines[-1] == {"kind": "exit", "code": 1}

    assert ids["seed 1"] not in place.trained()
    place.ask("resubmit", ids["seed 1"])
    assert second not in place.trained()
    place.ask("resubmit", second)
    place.complete()
    assert place.trained() == expected
    assert place.result(second)["run"] == 2
    place.check_journal()


def test_the_campaign_is_paused_drained_and_run_again(place: Place, expected: dict[str, Trained]) -> None:
    run = place.begin()
    until(place.under_way, "a task under way")
    run.send(signal.SIGSTOP)  # nobody steers
    place.ask("pause")
    until(lambda: not place.running(checkpointed=False), "workers that heed it by themselves")
    run.send(signal.SIGCONT)
    paused = [task for task in place.look().tasks.values() if task.status is Status.PAUSED]
    assert paused
    assert all(task.life.paused_by == "campaign" for task in paused)
    place.ask("resume")
    until(lambda: place.running(checkpointed=False), "a task under way again")
    held = {task.id for task in place.running(checkpointed=False)}
    place.ask("stop", "--drain")
    run.ends(4)
    assert place.processes() == []
    done = set(place.trained())
    assert held <= done, "what ran was trained to its end"
    assert len(done) < TASKS
    place.complete()
    assert place.trained() == expected
    place.check_journal()
