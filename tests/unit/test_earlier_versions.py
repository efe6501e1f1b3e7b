"""What earlier versions wrote is still read: nothing of it is trained again, or shown as empty."""

import hashlib
import json
from pathlib import Path

from msgspec.structs import replace

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import FORMER_ID_LENGTH
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir
from cqltui.state.model import Status

DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"
TASK_JSON = """
{"info": {"id": "082e76d7", "phase": "quality", "title": "Best overall", "description": "Best overall", "index": 0,
  "alpha": 0.3, "lr": 0.0001, "hidden_dims": [256, 128, 64], "seed": 42, "epochs": 2, "batch_size": 128,
  "epoch_steps": 13, "step_flops": 32440320, "params": 44100, "baseline_loss": 0.0949},
 "life": {"version": [1, 59], "status": "done", "priority": 8.0, "order": 1, "run": 1, "attempt": 1, "deaths": 0,
  "worker": "w1", "token": "1-1795724530145866", "queued_ts": 1795724527.552815, "started_ts": 1795724530.145866,
  "claimed_ts": 1795724530.145866, "finished_ts": 1795724535.828341, "ready_ts": 0.0, "paused_by": "", "want": "",
  "error": "",
  "report": {"token": "1-1795724530145866", "step": 26, "epoch": 2, "epochs": 2, "resumed_epoch": 0,
   "elapsed_s": 0.556, "trained_s": 0.364, "ts": 1795724535.828341, "loss": 0.5683800539669861,
   "td_loss": 0.17487061876702856, "cql_loss": 1.3116980652109935, "q_mean": 0.01489813899836288,
   "grad_norm": 0.9581011304488549, "val_loss": 0.5682341397848018, "best_val_loss": 0.5682341397848018,
   "samples_per_s": 31937.30768018437, "curve": [[1, 0.620308], [2, 0.56838]]}}}
"""
"""As 0.1.0 wrote it before there was a table of settings and metrics."""


def test_settings_and_metrics_that_stood_beside_the_rest_are_found(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    written = json.loads(TASK_JSON)
    path = run_dir.task_json(written["info"]["id"])
    path.parent.mkdir(parents=True)
    path.write_text(TASK_JSON, encoding="utf-8")
    task = from_disk(run_dir).tasks["082e76d7"]
    assert task.status is Status.DONE
    expected = {"alpha": 0.3, "lr": 1e-4, "hidden_dims": (256, 128, 64), "seed": 42, "epochs": 2, "batch_size": 128}
    assert task.info.settings == expected
    assert (task.info.params, task.info.baseline_loss) == (44_100, 0.0949)
    metrics = ("loss", "td_loss", "cql_loss", "q_mean", "grad_norm", "val_loss", "samples_per_s")
    assert [task.metric(name) for name in metrics] == [written["life"]["report"][name] for name in metrics]
    assert (task.best, task.life.report and task.life.report.curve) == (
        0.5682341397848018,
        ((1, 0.620308), (2, 0.56838)),
    )


def test_the_tasks_of_the_shipped_campaign_keep_their_ids() -> None:
    """As 0.1.0 computed them: a run of yesterday goes on instead of beginning anew."""
    campaign = replace(load_campaign(DEEP), id_length=FORMER_ID_LENGTH).identified("0" * 64)
    assert [task.id for task in campaign.tasks][:6] == [
        "4c8806fe",
        "ad394d41",
        "fbb4654b",
        "89bf7814",
        "2a57d665",
        "9663a2c3",
    ]
    digests = " ".join(task.digest for task in campaign.tasks)
    whole = hashlib.sha256(digests.encode()).hexdigest()
    assert whole == "c990531128db79dea6e74183e863f2ca3e49c0e090b634f895f5f70c68cb0ba5"
