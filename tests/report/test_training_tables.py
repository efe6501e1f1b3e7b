"""The tables about training, by small materials whose figures are worked out by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from cqltui.app import material as reading
from cqltui.campaign.model import TaskSpec
from cqltui.judging.answers import Answered
from cqltui.judging.outcomes import Answer
from cqltui.report.material import Material
from cqltui.report.table import ABSENT, Table
from cqltui.report.tables import (
    TABLES,
    architectures,
    asked,
    convergence,
    members,
    origins,
    performance,
    results,
    running,
    sensitivity,
)
from cqltui.results.rundir import AUDIT_FORMAT, RunDir, write_json
from cqltui.state.described import Verdict
from tests.report.materials import CAMPAIGN, Values, falling, material, provenance

LONGER = CAMPAIGN.replace("[[phase.task]]\nalpha = 0.5", "[[phase.task]]\nalpha = 0.3\nepochs = 2\nlr = 0.001")
"""The second task has other epochs and another learning rate, and not another alpha."""


@pytest.fixture(scope="module")
def small() -> Material:
    return material()


def rows(table: Table) -> list[dict[str, Any]]:
    """The rows by the names of their columns."""
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def test_seeds_of_one_configuration_are_one_row_with_their_spread(small: Material) -> None:
    found = rows(architectures.architecture_comparison(small))
    assert [row["phase"] for row in found] == ["quality", "quality", "ensemble"]
    ensemble = found[2]
    assert ensemble["loss"] == pytest.approx(0.102)  # td 0.0625 x 1.02, and 0.3 x twice that
    assert ensemble["loss_sd"] == pytest.approx(0.001)
    assert ensemble["val_td_loss"] == pytest.approx(2 * 0.0625 * 1.02)
    assert (ensemble["seeds"], ensemble["params"]) == (3, 136)  # 6 x 8 + 8 + 16, 8 x 4 + 4 + 8, 4 x 4 + 4
    assert (found[0]["loss_sd"], found[0]["seeds"]) == (None, 1)
    assert found[0]["hidden_dims"] == "[8,4]"


def test_what_else_differs_makes_rows_of_its_own_and_columns() -> None:
    table = architectures.architecture_comparison(material(LONGER))
    found = rows(table)
    assert [(row["lr"], row["epochs"], row["seeds"]) for row in found[:2]] == [(1e-4, 4, 1), (1e-3, 2, 1)]
    rate = next(column for column in table.columns if column.name == "lr")
    assert [rate.text(row["lr"]) for row in found[:2]] == ["0.0001", "0.0010"]


def test_losses_are_pooled_neither_over_alphas_nor_over_epochs_nor_over_phases() -> None:
    found = rows(sensitivity.alpha_sensitivity(material(LONGER)))
    assert [(row["phase"], row["epochs"], row["alpha"], row["models"]) for row in found] == [
        ("quality", 2, 0.3, 1),
        ("quality", 4, 0.3, 1),
        ("ensemble", 4, 0.3, 3),
    ]
    last = found[2]
    assert [last["best_loss"], last["mean_loss"], last["worst_loss"]] == pytest.approx([0.101, 0.102, 0.103])
    assert "validation TD can be compared" in architectures.architecture_comparison(material()).notes[0]
    assert "not on one scale" in sensitivity.alpha_sensitivity(material()).caption


def test_a_diverged_model_is_counted_and_told_and_in_no_loss() -> None:
    def values(task: TaskSpec) -> Values:
        found = falling(task)
        return {**found, "loss": np.full(4, np.nan)} if task.trainer.seed == 2 else found

    table = sensitivity.alpha_sensitivity(material(values=values))
    last = rows(table)[-1]
    assert (last["models"], last["mean_loss"], last["worst_loss"]) == (3, pytest.approx(0.102), pytest.approx(0.103))
    assert table.notes[0].startswith("1 models whose last loss is no number")


ASKING = CAMPAIGN.replace(
    'goal = "how certain"',
    'goal = "how certain"\nquestions = [{ text = "?", answer = "convergence", epochs = [1, 2, 50], reference = 1 }]',
)


def test_one_trajectory_is_told_at_the_epochs_that_its_phase_asks_for() -> None:
    def values(task: TaskSpec) -> Values:
        return {**falling(task), "loss": [0.5, 0.25, 0.4, 0.3], "samples_per_s": [1000.0, 500.0, 1000.0, 1000.0]}

    found = rows(convergence.convergence_table(material(ASKING, values)))
    assert {row["phase"] for row in found} == {"ensemble"}
    assert [row["task"] for row in found] == ["seed 1"] * 3 + ["seed 2"] * 3 + ["seed 3"] * 3
    first = found[:3]
    assert [row["epochs"] for row in first] == [1, 2, 4]
    assert [row["loss"] for row in first] == [0.5, 0.25, 0.3]
    assert [row["best_loss"] for row in first] == [0.5, 0.25, 0.25]
    assert [row["improvement"] for row in first] == [None, 0.5, 0.0]
    assert [row["seconds"] for row in first] == pytest.approx([1.6, 4.8, 8.0])  # the second epoch took two fifths
    assert first[0]["val_td_loss"] is None


def test_without_a_question_the_longest_phase_is_told_with_its_last_epoch() -> None:
    found = rows(convergence.convergence_table(material(LONGER, waiting=[2, 3, 4])))
    assert [(row["phase"], row["epochs"]) for row in found] == [("quality", 4), ("quality", 2)]


def test_of_many_tasks_the_first_are_told_and_how_many_there_are() -> None:
    table = convergence.convergence_table(material(ASKING.replace("[1, 2, 3]", "[1, 2, 3, 4, 5, 6]")))
    assert len({row["task"] for row in rows(table)}) == convergence.MOST_TASKS
    assert table.notes == ("Phase ensemble: the first 5 of 6 tasks in the order of the file.",)


def evaluated(small: Material, **changes: Any) -> Material:
    """The material with an evaluation that chose the second task, and an ensemble of the last two seeds."""
    _, second, _, *ensemble = [record.task.id for record in small.records]
    document = {
        "part": "test",
        "choices": {
            "single": {"task": second, "which": "best", "epoch": 2},
            "ensemble": [{"task": task, "which": "last", "epoch": 4} for task in ensemble],
        },
        "ensemble": {
            "members": 2,
            "q_std": 0.125,
            "distribution": {"no_bet_mean": 0.1, "per_stake": [1.0, 2.0, 3.0]},
        },
        **changes,
    }
    return replace(small, evaluation=document)


def test_members_are_those_of_the_evaluated_ensemble_and_q_is_told_of_its_rows(small: Material) -> None:
    found = {row["metric"]: row for row in rows(members.ensemble_uncertainty(evaluated(small)))}
    loss = found["Loss"]
    assert [loss["best"], loss["mean"], loss["worst"]] == pytest.approx([0.102, 0.1025, 0.103])
    assert loss["std_dev"] == pytest.approx(0.001 / 2**0.5)
    assert found["Q mean"]["best"] == pytest.approx(-0.0625 * 1.02)  # the largest
    assert found["Q, all actions"]["mean"] == pytest.approx((0.1 + 0.2 * 1 + 0.6 * 2 + 3) / 4)
    assert "(last)" in members.ensemble_uncertainty(evaluated(small)).notes[0]
    assert (found["Q, all actions"]["std_dev"], found["Q, all actions"]["rows"]) == (0.125, "test")
    assert found["Q, medium"]["mean"] == pytest.approx(1.2)


def test_without_an_evaluation_the_most_repeated_configuration_is_the_ensemble(small: Material) -> None:
    found = rows(members.ensemble_uncertainty(small))
    assert found[0]["members"] == 3
    assert not any(str(row["metric"]).startswith("Q,") for row in found)
    lacking = members.ensemble_uncertainty(material(waiting=[2, 3, 4]))
    assert (lacking.name, "seed" in lacking.reason) == ("cql_ensemble_uncertainty_table", True)


def lines(table: Table) -> dict[str, tuple[Any, ...]]:
    """The values by the label in the first column."""
    return {str(row[0]): row[1:] for row in table.rows}


def test_the_chosen_networks_have_their_settings_losses_and_what_the_log_says(small: Material) -> None:
    plain = evaluated(small)
    task = plain.records[1].task.id
    log = {"task": task, "which": "best", "rows": 9, "match_rate": 0.25, "policy_reward": 0.1, "logged_reward": -0.02}
    both = {**log, "task": "ensemble", "which": "last", "match_rate": 0.5, "policy_reward": None}
    found = lines(performance.performance(evaluated(small, log_match=[log, both])))
    assert found["Alpha"] == ("0.5", "0.3")
    assert found["Seed"] == ("42", "2 different")
    assert found["Weights"] == ("best, epoch 2", "last, epoch 4")
    assert found["Loss (training rows)"] == ("0.1775", "0.1025 \N{PLUS-MINUS SIGN} 0.0007")
    assert found["Match rate with the log, %"] == ("25.0", "50.0")
    assert found["Policy reward a decision"] == ("0.1000", performance.NO_OUTCOMES)
    assert found["Logged reward a decision"][0] == "\N{MINUS SIGN}0.0200"
    assert found["Test rows"] == ("570", "570")


def test_an_evaluation_that_lacks_the_log_is_told_and_other_weights_are_not_taken_for_the_chosen(
    small: Material,
) -> None:
    table = performance.performance(evaluated(small))
    assert lines(table)["Match rate with the log, %"] == (performance.NO_LOG, performance.NO_LOG)
    assert "cqltui evaluate" in table.notes[0]
    other = {"task": small.records[1].task.id, "which": "last", "match_rate": 0.25}
    found = lines(performance.performance(evaluated(small, log_match=[other])))
    assert found["Match rate with the log, %"] == (performance.NO_LOG, performance.NO_LOG)


@pytest.mark.parametrize("choices", [None, [], {"single": 7, "ensemble": "x"}, {"single": {"task": "gone"}}])
def test_choices_that_cannot_be_leave_a_reason(small: Material, choices: object) -> None:
    broken = evaluated(small, choices=choices, ensemble=[], log_match={"a": 1})
    assert performance.performance(broken).reason
    assert members.ensemble_uncertainty(broken).rows


def test_the_results_of_all_tasks_have_the_columns_that_a_dissertation_asks_for() -> None:
    table = results.all_results(material(waiting=[1]))
    names = [column.name for column in table.columns]
    assert names[:11] == [
        *("task_id", "alpha", "lr", "hidden_dims", "epochs", "seed"),
        *("final_loss", "td_loss", "cql_loss", "q_mean", "validation"),
    ]
    first, waiting, *_ = rows(table)
    assert (first["final_loss"], first["validation"]) == pytest.approx((0.142, 3 * 0.0625 * 1.42))
    assert (waiting["final_loss"], waiting["alpha"], waiting["status"]) == (None, 0.5, "queued")


def test_criteria_and_questions_are_told_with_what_came_of_them() -> None:
    base = material(ASKING.replace('"?", answer', '"How fast?", answer').replace("[{ text", '["Why?", { text'))
    phase = base.summary.phases[1]
    question = base.campaign.phases[1].questions[1]
    judged = replace(
        phase,
        verdicts=(Verdict("Good", True, "1 < 2", "metric"), Verdict("Done", None, "not yet", "completed")),
        answers=(Answered(phase.name, question, Answer(("fast", "very"))),),
    )
    told = replace(base, summary=replace(base.summary, phases=(base.summary.phases[0], judged)))
    assert [row["verdict"] for row in rows(asked.criteria(told))] == ["Passed", "Open"]
    assert [(row["question"], row["answer"]) for row in rows(asked.answers(told))] == [
        ("Why?", None),
        ("How fast?", "fast"),
        ("How fast?", "very"),
    ]
    assert asked.criteria(base).reason


def at_times(base: Material, times: list[tuple[float, float]]) -> Material:
    """The tasks from and to these times."""
    records = []
    for record, (start, end) in zip(base.records, times, strict=True):
        assert record.result is not None
        records.append(replace(record, result=replace(record.result, started_ts=start, finished_ts=end)))
    return replace(base, records=tuple(records))


def test_a_workers_speed_is_of_the_time_in_which_it_trained(small: Material) -> None:
    history: list[dict[str, Any]] = [{"workers": {"w1": 3 << 20, "w2": None}}, {"workers": {"w1": 2 << 20}}]
    times = [(0.0, 10.0), (0.0, 4.0), (5.0, 15.0), (4.0, 8.0), (20.0, 25.0)]
    timed = replace(at_times(small, times), history=tuple(history))
    first, second = rows(running.hardware(timed))
    assert (first["worker"], first["tasks"], first["epochs"]) == ("w1", 3, 12)
    assert first["seconds"] == 20.0  # 0 to 15, and 20 to 25
    assert first["samples_per_s"] == round(3 * 4 * (1675 // 128) * 128 / 20)
    assert (first["peak_memory_mib"], second["peak_memory_mib"]) == (3, None)


def test_the_cost_is_hours_of_training_by_machine_times_the_price(small: Material) -> None:
    hour = 3600.0
    times = [(0.0, hour), (0.0, hour), (hour, 2 * hour), (0.5 * hour, 2 * hour), (hour, 2 * hour)]
    timed = replace(at_times(small, times), price_per_hour=0.5)
    found = {row["phase"]: row for row in rows(running.cost(timed))}
    assert (found["quality"]["hours"], found["ensemble"]["hours"]) == (1.0, 1.5)
    assert (found["all"]["hours"], found["all"]["cost"]) == (2.0, 1.0)
    started = tuple(
        {"kind": "worker.started", "worker": worker, "data": {"process": {"machine": worker}}}
        for worker in ("w1", "w2")
    )
    apart = {row["phase"]: row for row in rows(running.cost(replace(timed, events=started)))}
    assert apart["all"]["hours"] == 4.0  # w1 0 to 2, w2 0 to 2
    assert "--price-per-hour" in running.cost(small).reason
    assert running.cost(material(waiting=range(5), price_per_hour=0.5)).reason.startswith("No task is done yet")


def test_provenance_tells_commit_seeds_and_how_often_the_test_rows_were_looked_at(small: Material) -> None:
    told = replace(evaluated(small), provenance=provenance(git_commit="abc", git_dirty=True), opened=({}, {}))
    found = lines(origins.provenance(told))
    assert (found["Git commit"], found["Files differed from that commit"]) == (("abc",), ("yes",))
    assert found["Seeds of training"] == ("1, 2, 3, 42",)
    assert found["Command"] == ("cqltui small.toml --no-ui",)
    assert found["Times the test rows were looked at"] == ("2",)
    assert found["Started (UTC)"] == ("2026-11-27 03:03:25",)
    assert lines(origins.provenance(small))["Evaluation"] == ("none of these results",)


@pytest.mark.parametrize("waiting", [range(5), range(1, 5), range(0)])
def test_every_table_can_be_made_whatever_is_still_to_come(waiting: range) -> None:
    for make in TABLES:
        table = make(material(waiting=waiting))
        shown = [column.text(value) for row in table.rows for column, value in zip(table.columns, row, strict=True)]
        assert table.reason or any(text != ABSENT for text in shown)
        assert "nan" not in shown


def test_the_worst_member_is_the_last_in_order(small: Material) -> None:
    loss = rows(members.ensemble_uncertainty(small))[0]
    assert [loss["best"], loss["mean"], loss["worst"]] == pytest.approx([0.101, 0.102, 0.103])


def test_labels_of_the_two_pages_of_keys_and_values(small: Material) -> None:
    told = evaluated(small, provenance={"settings": {"seed": 16, "resamples": 2000}})
    network, origin = lines(performance.performance(told)), lines(origins.provenance(told))
    assert network["Network"] == (small.records[1].task.id, "2 members")
    assert network["Phase"] == ("quality", "ensemble")
    assert network["Early stop"] == ("off", "off")
    assert network["Training time, s"] == ("8.0", "8.0 \N{PLUS-MINUS SIGN} 0.0")
    assert network["From first start to last end, s"] == ("8.0", "8.0")
    assert network["Trainable parameters"] == ("136", "136")
    assert (origin["Resamples"], origin["Seed of the evaluation"]) == (("2,000",), ("16",))
    assert origin["Version of numpy"] == ("2.4.6",)
    assert origin["Workers on"] == ("cpu, cpu",)
    assert (origin["Precision"], origin["Evaluated rows"]) == (("fp32",), ("test",))
    assert origin["Tasks with a result"] == ("5 of 5",)


def test_settings_without_influence_on_the_weights_are_no_columns() -> None:
    text = CAMPAIGN.replace("[[phase.task]]\nalpha = 0.5", "[[phase.task]]\nalpha = 0.5\nvalidate_every = 2")
    names = [column.name for column in architectures.architecture_comparison(material(text)).columns]
    assert names[:4] == ["phase", "hidden_dims", "alpha", "epochs"]


def test_what_is_not_in_a_table_is_told() -> None:
    assert architectures.architecture_comparison(material(waiting=[0, 1])).notes[-1] == "2 of 5 tasks have no result."
    base = material()
    first = base.records[0]
    assert first.result is not None
    early = replace(first, result=replace(first.result, stopped_early="val_td_loss has not improved"))
    told = replace(base, records=(early, *base.records[1:]))
    assert sensitivity.alpha_sensitivity(told).notes[-1].startswith("1 tasks stopped early")


def test_an_audit_from_before_the_run_is_read_as_the_evaluations(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    write_json(run_dir.audit_json, {"format": AUDIT_FORMAT, "key": "x", "leak_audit": {"grade": "CLEAN"}})
    assert reading._audit(run_dir, None) == {"grade": "CLEAN"}
    assert reading._audit(run_dir, {"leak_audit": {"grade": "LEAK"}}) == {"grade": "LEAK"}
