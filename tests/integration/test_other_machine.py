"""A worker on another machine that reaches the server and nothing else: another host name, another folder."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.command import PATIENCE_S
from tests.integration.place import Place, Trained, until

HOST = "elsewhere"
WORKER = (sys.executable, "-m", "cqltui", "worker", "--worker-id", "lap", "--poll-interval", "0.1")
AS_OTHER_HOST = f"import os, socket, sys; socket.sethostname({HOST!r}); os.execv(sys.argv[1], sys.argv[1:])"


def test_results_travel_through_the_server(place: Place, tmp_path: Path, expected: dict[str, Trained]) -> None:
    if subprocess.run(["unshare", "--uts", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to a host name of one's own (unshare --uts)")
    campaign = place.begin("--set", "workers.min_priority=8")
    until(lambda: place.running(checkpointed=False), "a running task")
    said = json.loads((place.run_dir.server / "connection.json").read_text(encoding="utf-8"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    worker = subprocess.Popen(
        ["unshare", "--uts", sys.executable, "-c", AS_OTHER_HOST, *WORKER],
        cwd=elsewhere,
        env={**os.environ, "REDIS_URL": f"redis://:{said['password']}@127.0.0.1:{said['port']}/0"},
        stderr=subprocess.PIPE,
    )
    try:
        campaign.ends(0)
    finally:
        worker.send_signal(signal.SIGTERM)
        _, err = worker.communicate(timeout=PATIENCE_S)
    assert worker.returncode == 0, err.decode()
    assert place.trained() == expected
    by = {task_id: place.result(task_id)["worker"] for task_id in expected}
    phases = {task_id: place.result(task_id)["phase"] for task_id in expected}
    assert {by[task_id] for task_id in expected if phases[task_id] != "quality"} == {"lap"}
    assert (elsewhere / "runs" / "small@lap" / "logs" / "lap.log").is_file()
