"""Files that travel through the server, from a worker that does not see the run directory."""

from cqltui.broker.protocol.handover import FILES_KEPT_S
from cqltui.broker.protocol.queue import Queue
from cqltui.results.rundir import RESULT_FILES as NAMES


def test_files_are_kept_for_the_supervisor_until_it_drops_them(queue: Queue) -> None:
    files = {"metrics.csv": b"epoch\n1\n", "model.safetensors": bytes(range(256)) * 1000}
    assert queue.files("t1", "1-1", NAMES) == {}
    queue.put_files("t1", "1-1", files)
    queue.put_files("t1", "1-1", files)  # a call that was sent twice
    assert queue.files("t1", "1-1", NAMES) == files
    assert queue.files("t1", "1-1", ["metrics.csv", "../journal.jsonl"]) == {"metrics.csv": files["metrics.csv"]}
    assert queue.files("t1", "1-2", NAMES) == {}  # another attempt has its own
    assert 0 < int(queue.client.execute_command("TTL", queue.keys.files("t1", "1-1"))) <= FILES_KEPT_S
    queue.drop_files("t1", "1-1")
    assert queue.files("t1", "1-1", NAMES) == {}
