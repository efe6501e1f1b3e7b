"""The columns of the tables about training: their names in the CSV, and how they read."""

import pytest

from cqltui.report.table import Column
from cqltui.report.tables import TABLES
from tests.report.materials import material

COLUMNS = {
    "cql_architecture_comparison_table": """
        phase: Phase; hidden_dims: Architecture; alpha: Alpha, number 1; epochs: Epochs, integer;
        loss: Loss, number 4; loss_sd: Loss SD, number 4; q_mean: Q mean, number 4; q_mean_sd: Q mean SD, number 4;
        val_td_loss: Validation TD, number 4; val_td_loss_sd: Validation TD SD, number 4;
        params: Params, integer; seeds: Seeds, integer""",
    "cql_alpha_sensitivity_table": """
        phase: Phase; epochs: Epochs, integer; alpha: Alpha, number 1; models: Models, integer;
        best_loss: Best loss, number 4; mean_loss: Mean loss, number 4; worst_loss: Worst loss, number 4;
        mean_val_td_loss: Mean validation TD, number 4""",
    "cql_convergence_table": """
        phase: Phase; task: Task; epochs: Epochs, integer; best_loss: Best loss, number 4;
        improvement: Improvement %, percent 1 signed; loss: Loss, number 4; val_td_loss: Validation TD, number 4;
        seconds: Time, s, number 1""",
    "cql_ensemble_uncertainty_table": """
        metric: Metric; rows: Rows; members: Members, integer; best: Best, number 4; mean: Mean, number 4;
        worst: Worst, number 4; std_dev: Std Dev, number 4""",
    "cql_performance_table": "what: What; single: CQL single; ensemble: CQL ensemble",
    "all_cql_results": """
        task_id: Task; alpha: Alpha, number 1; lr: Learning rate, number 4; hidden_dims: Hidden layers;
        epochs: Epochs, integer; seed: Seed, integer; final_loss: Final loss, number 4; td_loss: TD loss, number 4;
        cql_loss: CQL loss, number 4; q_mean: Q mean, number 4; validation: Validation, number 4;
        phase: Phase; status: Status""",
    "criteria_table": "phase: Phase; criterion: Criterion; verdict: Verdict; detail: Detail",
    "answers_table": "phase: Phase; question: Question; answer: Answer",
    "hardware_throughput_table": """
        worker: Worker; device: Device; tasks: Tasks, integer; epochs: Epochs, integer;
        seconds: Training, s, number 1; samples_per_s: Samples/s, integer;
        peak_memory_mib: Peak memory, MiB, integer""",
    "cost_table": "phase: Phase; tasks: Tasks, integer; hours: Training, h, number 3; cost: Cost, number 3",
    "provenance_table": "what: What; value: Value",
}
"""Table -> `name: heading, kind and decimal places` of each column."""


def said(column: Column) -> str:
    """The column in a few words; text is what it is unless something else is said."""
    if column.kind == "text":
        return f"{column.name}: {column.heading}"
    digits = f" {column.digits}" if column.kind in ("number", "percent") else ""
    return f"{column.name}: {column.heading}, {column.kind}{digits}{' signed' if column.signed else ''}"


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_those_that_a_dissertation_asks_for(name: str) -> None:
    table = next(table for make in TABLES if (table := make(material())).name == name)
    assert "; ".join(map(said, table.columns)) == " ".join(COLUMNS[name].split())
