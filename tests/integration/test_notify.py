"""A whole run that tells of itself, by a program and an address, and tells nobody the address."""

import json
import sys
from pathlib import Path

from tests.integration.place import ONE_WORKER, Place
from tests.unit.telltale import RECORDER, SECRET, Hook, serving, told

CAMPAIGN = f"""
[campaign]
name = "told"
[trainer]
precision = "fp32"
alpha = 0.3
lr = 1e-3
seed = 42
epochs = 3
hidden_dims = [16]
{ONE_WORKER}
[[phase]]
name = "one"
[[phase.task]]
description = "[b]the task[/b]"
[[phase.criterion]]
text = "A loss that cannot be"
metric = "loss"
reduce = "best"
op = "<"
value = -1
"""


def test_a_run_tells_that_a_criterion_fails_and_that_it_has_ended(tmp_path: Path) -> None:
    recorder = tmp_path / "recorder.py"
    recorder.write_text(RECORDER, encoding="utf-8")
    path = tmp_path / "told.toml"
    with serving(Hook(503)) as hook:
        notify = f'\n[notify]\ncommand = ["{sys.executable}", "{recorder}"]\nwebhook = "{hook.url}"\n'
        path.write_text(CAMPAIGN + notify, encoding="utf-8")
        place = Place(tmp_path / "place", campaign=path)
        place.make()
        place.complete()  # there is nothing left to do, and nothing new to tell
        posted = [json.loads(body) for _, _, body in hook.got]
    ran = [said["stdin"] for said in told(recorder)]
    assert [said["event"] for said in ran] == ["criterion.failed", "campaign.finished"]
    assert posted == [ran[0], *ran], "once more after the 503, and then each once"
    assert ran[1]["data"]["outcome"] == "done"
    assert ran[1]["data"]["criteria"] == {"met": 0, "failed": 1, "open": 0}
    assert Path(ran[1]["run_dir"]) == place.run_dir.path.resolve()
    files = [file for file in place.folder.rglob("*") if file.is_file() and file != place.campaign]
    assert len(files) > 20
    assert [str(file) for file in files if SECRET.encode() in file.read_bytes()] == []
