"""results.parquet: a typed row a task."""

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from msgspec.structs import replace

from cqltui.report.parquet import results_table, write_results
from tests.report.materials import CAMPAIGN, material


def test_a_row_a_task_with_its_settings_and_metrics(tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    write_results(path, material(waiting=[1]))
    first, waiting, *others = pyarrow.parquet.read_table(path).to_pylist()
    assert len(others) == 3
    assert (first["phase"], first["alpha"], first["hidden_dims"]) == ("quality", 0.3, [8, 4])
    assert (first["loss"], first["val_td_loss"]) == pytest.approx((0.142, 2 * 0.0625 * 1.42))
    assert (first["seconds"], first["worker"], first["params"], first["ended_epoch"]) == (8.0, "w1", 136, 4)
    assert (waiting["alpha"], waiting["loss"], waiting["worker"], waiting["status"]) == (0.5, None, None, "queued")
    assert first["title"] == "alpha 0.3"
    assert (first["early_stop"], first["keep"]) == (None, "[last,best]")


def test_columns_are_the_settings_the_metrics_and_how_it_ran() -> None:
    assert " ".join(results_table(material()).column_names) == " ".join(
        (
            "task_id phase title status alpha lr hidden_dims epochs seed batch_size gamma precision",
            "target_update_steps grad_clip validate_every observation_scaler keep keep_metric early_stop algorithm",
            "loss td_loss cql_loss q_mean grad_norm val_loss val_td_loss val_cql_loss samples_per_s best_val_loss",
            "params baseline_loss improvement best_val_epoch ended_epoch stopped_early attempts seconds",
            "mean_samples_per_s worker device started_ts finished_ts",
        )
    )


def test_a_baseline_has_its_improvement() -> None:
    text = CAMPAIGN.replace("[[phase.task]]\nalpha = 0.5", "[[phase.task]]\nalpha = 0.5\nbaseline_loss = 0.355")
    second = results_table(material(text)).to_pylist()[1]
    assert (second["baseline_loss"], second["improvement"]) == pytest.approx((0.355, 0.5))
    assert (second["attempts"], second["stopped_early"], second["mean_samples_per_s"]) == (1, "", 1000.0)
    assert (second["started_ts"], second["finished_ts"], second["device"]) == (1000.0, 1008.0, "cpu")


def test_the_best_epoch_is_a_whole_number_or_none() -> None:
    base = material()
    told = []
    for record, epoch in zip(base.records, (3, None, 10**300, 5, 2**63), strict=True):
        assert record.result is not None
        told.append(replace(record, result=replace(record.result, best_val_epoch=epoch)))
    found = results_table(replace(base, records=tuple(told))).column("best_val_epoch").to_pylist()
    assert found == [3, None, None, 5, None]


def test_types_do_not_depend_on_the_values() -> None:
    whole = CAMPAIGN.replace("alpha = 0.3", "alpha = 1").replace("alpha = 0.5", "alpha = 2")
    one, other = results_table(material()).schema, results_table(material(whole, waiting=range(5))).schema
    assert one == other
    assert one.field("alpha").type == pyarrow.float64()
    assert one.field("seed").type == pyarrow.int64()
    assert one.field("early_stop").type == pyarrow.string()


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_results(tmp_path / name, material())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
