"""`cqltui export`: what the run directory holds comes back from each format by the format's own library."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from cqltui.app import mlflowstore, wandbruns
from cqltui.app.exporting import LABEL
from cqltui.app.extras import needed
from cqltui.cli import main
from cqltui.errors import ExitCode, InputError
from cqltui.results.rundir import RunDir, read_json, read_metrics
from cqltui.state.model import Status
from tests.integration.place import TASKS, Place
from trainer.progress import METRIC_COLUMNS


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the trackers are told by variables is forgotten afterwards."""
    names = (*mlflowstore.NO_NETWORK, *mlflowstore.FILE_STORE, *wandbruns.SILENT)
    for name in (*names, *(f"WANDB_{name}_DIR" for name in ("CACHE", "CONFIG", "DATA"))):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def metrics_of(run_dir: RunDir, task_id: str) -> dict[tuple[str, int], float]:
    """(metric, epoch) -> value, as metrics.csv has it."""
    return {
        (name, row.epoch): value
        for row in read_metrics(run_dir.metrics_csv(task_id))
        for name in METRIC_COLUMNS
        if name != "epoch" and (value := getattr(row, name)) is not None
    }


def tasks_of(run_dir: RunDir) -> list[str]:
    return sorted(path.name for path in run_dir.tasks.iterdir())


def test_tables_hold_every_figure_and_are_replaced_on_demand_only(
    undisturbed: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas
    import pyarrow.parquet

    run_dir, out = undisturbed.run_dir, tmp_path / "out"
    command = ["export", str(run_dir.path), "-o", str(out)]
    assert main([*command, "--format", "csv"]) == ExitCode.OK
    assert capsys.readouterr().out == f"{out}\n"
    assert sorted(path.name for path in out.iterdir()) == [LABEL, "metrics.csv", "tasks.csv"]
    tasks = pandas.read_csv(out / "tasks.csv", dtype={"task_id": str}).set_index("task_id")
    assert sorted(tasks.index) == tasks_of(run_dir)
    long = pandas.read_csv(out / "metrics.csv", dtype={"task_id": str})
    assert list(long.columns) == ["task_id", "phase", "metric", "epoch", "value"]
    for task_id, rows in long.groupby("task_id"):
        read = {(row.metric, row.epoch): row.value for row in rows.itertuples()}
        assert read == metrics_of(run_dir, str(task_id))
        assert set(rows["phase"]) == {tasks["phase"][task_id]}
        last = (run := read_metrics(run_dir.metrics_csv(str(task_id))))[-1]
        assert (tasks["loss"][task_id], tasks["ended_epoch"][task_id]) == (last.loss, len(run))
        assert json.loads(run_dir.result_json(str(task_id)).read_text())["seconds"] == tasks["seconds"][task_id]

    # Another export takes its place when it is told to, and leaves nothing of it.
    assert main([*command, "--format", "parquet"]) == ExitCode.INPUT
    assert "holds an export already (of the run small): --force" in capsys.readouterr().err
    assert main([*command, "--format", "parquet", "--force"]) == ExitCode.OK
    assert sorted(path.name for path in out.iterdir()) == [LABEL, "metrics.parquet", "tasks.parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    table = pyarrow.parquet.read_table(out / "metrics.parquet")
    assert table.to_pandas().equals(long)
    rows = pyarrow.parquet.read_table(out / "tasks.parquet").to_pylist()
    assert [row["task_id"] for row in rows] == list(tasks.index)
    assert [row["loss"] for row in rows] == tasks["loss"].tolist()
    assert all(isinstance(row["seed"], int) and isinstance(row["alpha"], float) for row in rows)


def test_an_mlflow_store_holds_parameters_histories_and_files(
    ended: Place, tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir, out = ended.run_dir, tmp_path / "out"
    unfinished = tasks_of(run_dir)[0]
    run_dir.model(unfinished).unlink()
    assert main(["export", str(run_dir.path), "--format", "mlflow", "-o", str(out)]) == ExitCode.UNFINISHED
    said = read_json(out / LABEL)
    assert said is not None
    assert said["lacking"] == [f"tasks/{unfinished}/model.safetensors is not there"]

    uri = (out / mlflowstore.STORE).as_uri()
    client = needed("mlflow.tracking", "mlflow").MlflowClient(tracking_uri=uri, registry_uri=uri)
    campaign = read_json(run_dir.campaign_json) or {}
    experiments = {found.name: found for found in client.search_experiments()}
    assert set(experiments) == {"small/exploration", "small/quality", "small/ensemble"}
    seen = set()
    for name, experiment in experiments.items():
        for run in client.search_runs([experiment.experiment_id]):
            tags, task_id = run.data.tags, run.data.tags["task_id"]
            seen.add(task_id)
            assert (f"small/{tags['phase']}", tags["status"], run.info.status) == (name, Status.DONE, "FINISHED")
            assert tags["data_digest"] == campaign["data"]["digest"]
            result = read_json(run_dir.result_json(task_id)) or {}
            assert run.info.end_time == round(1000 * result["finished_ts"])
            known = metrics_of(run_dir, task_id)
            assert set(run.data.metrics) == {metric for metric, _ in known}
            for metric in run.data.metrics:
                history = {(metric, its.step): its.value for its in client.get_metric_history(run.info.run_id, metric)}
                assert history == {key: value for key, value in known.items() if key[0] == metric}
            assert run.data.params["hidden_dims"] in ("16", "32-16")
            assert int(run.data.params["epochs"]) == len(read_metrics(run_dir.metrics_csv(task_id)))
            files = {its.path for its in client.list_artifacts(run.info.run_id)}
            assert files == {"metrics.csv", "result.json", "model.safetensors"} - (
                {"model.safetensors"} if task_id == unfinished else set()
            )
            local = client.download_artifacts(run.info.run_id, "metrics.csv")
            assert Path(local).read_bytes() == run_dir.metrics_csv(task_id).read_bytes()
    assert seen == set(tasks_of(run_dir))
    assert len(seen) == TASKS


def records_of(path: Path) -> list[Any]:
    """What an offline run of wandb has written down: blocks of 32 KiB, in them parts of records behind seven bytes
    each (a checksum, the length, and whether it is whole, the first, a middle or the last part), as LevelDB's log."""
    message = needed("wandb.proto.wandb_internal_pb2", "wandb").Record
    content, place, parts, found = path.read_bytes(), len(b":W&B") + 3, b"", []
    while place + 7 <= len(content):
        if (left := 32_768 - place % 32_768) < 7:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            found.append(message.FromString(parts))
            parts = b""
    return found


def test_offline_runs_of_wandb_hold_settings_histories_and_files(
    undisturbed: Place, tmp_path: Path, environment: None
) -> None:
    pytest.importorskip("wandb")
    run_dir, out = undisturbed.run_dir, tmp_path / "out"
    assert main(["export", str(run_dir.path), "--format", "wandb-offline", "-o", str(out)]) == ExitCode.OK
    runs = sorted((out / "wandb").glob("offline-run-*"))
    assert len(runs) == TASKS
    assert sorted(path.name for path in out.iterdir()) == [LABEL, "wandb"]
    seen = set()
    for folder in runs:
        found = records_of(next(folder.glob("*.wandb")))
        (run,) = (record.run for record in found if record.HasField("run"))
        config = {item.key: json.loads(item.value_json) for item in run.config.update}
        task_id = config["task_id"]
        seen.add(task_id)
        assert (run.project, run.run_group) == ("small", config["phase"])
        assert config["epochs"] == len(read_metrics(run_dir.metrics_csv(task_id)))
        history = {
            (name, step): value
            for record in found
            if record.HasField("history")
            for items in [{"/".join(it.nested_key) or it.key: json.loads(it.value_json) for it in record.history.item}]
            for step in [items["_step"]]
            for name, value in items.items()
            if not name.startswith("_")
        }
        assert history == metrics_of(run_dir, task_id)
        for path in (run_dir.metrics_csv(task_id), run_dir.model(task_id), run_dir.result_json(task_id)):
            assert (folder / "files" / path.name).read_bytes() == path.read_bytes()
    assert seen == set(tasks_of(run_dir))


def test_a_folder_of_other_things_is_left_alone(
    ended: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = ended.run_dir

    def refused(folder: Path, why: str, *more: str) -> None:
        assert main(["export", str(run_dir.path), "--format", "csv", "-o", str(folder), *more]) == ExitCode.INPUT
        assert why in capsys.readouterr().err

    other = tmp_path / "other"
    other.mkdir()
    (other / "mine").write_text("mine")
    refused(other, "holds other files and no export", "--force")
    refused(other / "mine", "is a file, expected a folder", "--force")
    refused(run_dir.path, "the run itself lies there", "--force")
    refused(run_dir.path.parent, "the run itself lies there", "--force")
    link = tmp_path / "link"
    link.symlink_to(other)
    refused(link, "is a link", "--force")
    assert (other / "mine").read_text() == "mine"

    # An export that fails leaves what was there.
    place = run_dir.export / "csv"
    assert main(["export", str(run_dir.path), "--format", "csv"]) == ExitCode.OK
    before = (place / "tasks.csv").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("cqltui.app.exporting.write_metric_rows", lambda *_: (_ for _ in ()).throw(OSError(5, "broken")))
        assert main(["export", str(run_dir.path), "--format", "csv", "--force"]) == ExitCode.INPUT
    assert "cannot be written: broken" in capsys.readouterr().err
    assert (place / "tasks.csv").read_bytes() == before
    assert [path.name for path in run_dir.export.iterdir()] == ["csv"]
    shutil.rmtree(run_dir.export)
    run_dir.export.symlink_to(other)
    assert main(["export", str(run_dir.path), "--format", "csv"]) == ExitCode.INPUT
    assert "is a link" in capsys.readouterr().err


@pytest.mark.parametrize("library", ["mlflow", "wandb"])
def test_a_library_that_is_not_there_is_named_with_its_extra(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf"pip install 'cqltui\[{library}\]'"):
        needed(library, library)


def test_metrics_that_cannot_be_read_are_named(
    undisturbed: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = RunDir(Path(shutil.copytree(undisturbed.run_dir.path, tmp_path / "run")))
    task_id = tasks_of(run_dir)[0]
    run_dir.metrics_csv(task_id).write_text("epoch,loss\n", encoding="utf-8")
    assert main(["export", str(run_dir.path), "--format", "csv"]) == ExitCode.UNFINISHED
    assert f"tasks/{task_id}/metrics.csv cannot be read" in capsys.readouterr().err
