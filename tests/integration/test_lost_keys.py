"""Keys of the server are lost one after another while a run goes on; it comes to the same results."""

from tests.integration.place import Place, Trained, until

KEYS = ("cq:tasks", "cq:leases", "active_workers", "cq:levels", "cq:results", "training_queue", "cq:events", "cq:meta")


def test_a_run_goes_on_whatever_key_is_lost(place: Place, expected: dict[str, Trained]) -> None:
    place.slow_down()
    run = place.begin()
    until(place.under_way, "a task under way")
    (worker,) = place.worker_pids()
    with place.queue() as queue:
        task = place.running()[0]
        queue.client.delete(queue.keys.task(task.id))
        until(lambda: task.id in place.look().tasks, "the task's return")
        queue.client.delete(queue.keys.worker(worker))
        until(lambda: worker in place.worker_pids(), "the worker's return")
        for key in KEYS:
            if queue.client.delete(key):
                whole = f"all tasks after the loss of {key}"
                until(lambda: run.code is not None or len(place.look().tasks) == len(expected), whole)
    place.speed_up()
    run.ends(0)
    assert place.trained() == expected
    assert place.processes() == []
    assert "Traceback" not in run.err
