"""results.parquet: a typed row a task."""

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

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
    assert (first["early_stop"], first["keep"]) == (None, "[last,best]")


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
