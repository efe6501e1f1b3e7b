"""More and fewer workers, while the run goes on."""

import json

from tests.integration.place import LASTING, TWO, Place, Trained, until


def _at_work(place: Place) -> set[str]:
    return set(place.worker_pids())


def test_workers_come_and_go_and_nothing_is_lost(place: Place, expected: dict[str, Trained]) -> None:
    options = ("--json", *TWO, *LASTING)
    place.slow_down()
    run = place.begin(*options)
    until(lambda: len(place.running()) == 2, "two tasks under way")
    said = place.ask("workers", "1").err
    assert "1 worker: asked for, in place of 2" in said
    until(lambda: _at_work(place) == {"w1"}, "one worker, after the checkpoint of the other")
    assert place.look().campaign.workers == 1
    run.kill()
    run = place.begin(*options)
    until(lambda: "1 worker, as was asked for before" in run.err, "another supervisor, which knows of it")
    place.ask("workers", "2")
    until(lambda: _at_work(place) == {"w1", "w2"}, "the second worker")
    place.speed_up()
    run.ends(0)
    assert place.trained() == expected
    starts = [line["worker"] for line in place.journal() if line["kind"] == "worker.started"]
    assert sorted(starts) == ["w1", "w2", "w2"], (
        "the second one left and came back; the supervisor's death disturbed nobody"
    )
    asked = [json.loads(line) for line in run.out.splitlines() if '"campaign.workers"' in line]
    assert [event["data"]["asked_workers"] for event in asked] == [2]
    assert asked[0]["data"]["asked_workers_by"].endswith(" cli")
    place.check_journal()
