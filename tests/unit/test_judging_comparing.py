"""The answers that compare configurations: the values of a setting and architectures, worked out by hand."""

from typing import Any

import pytest

from tests.unit.test_criteria import Task, done, task
from tests.unit.test_judging_answers import ask


def seeds_of(*values: float, epoch: int = 2, dims: tuple[int, ...] = (64,)) -> list[Task]:
    """Seeds in phase "s", which stand at these values at an epoch and go on."""
    curve: list[Any] = [None] * (epoch - 1)
    return [
        done(task("s", dims=dims, seed=seed), [1.0] * (epoch + 1), [*curve, value, 9.0])
        for seed, value in enumerate(values)
    ]


def ended(value: float, /, epochs: int = 2, **settings: Any) -> Task:
    """A task whose validation loss ends at a value."""
    val: list[Any] = [None] * (epochs - 1)
    return done(task(**settings), [1.0] * epochs, [*val, value])


def test_a_setting_by_hand() -> None:
    """Alpha 0.2 and 0.3 with two architectures each: 0.3 is 0.1 and 0.3 higher; alpha 0.4 has a third one."""
    found = [
        ended(0.5, alpha=0.2, dims=(64,)),
        ended(0.7, alpha=0.2, dims=(32,)),
        ended(0.6, alpha=0.3, dims=(64,)),
        ended(1.0, alpha=0.3, dims=(32,)),
        ended(0.1, alpha=0.4, dims=(16,)),
        *seeds_of(0.5 - 0.1 / 2**0.5, 0.5 + 0.1 / 2**0.5),
    ]
    told = ask("setting", found, setting="alpha", seeds_from="s")
    assert told.figures is not None
    assert told.figures["values"] == [
        {"value": 0.2, "tasks": 2, "best": 0.5, "mean": pytest.approx(0.6), "worst": 0.7},
        {"value": 0.3, "tasks": 2, "best": 0.6, "mean": pytest.approx(0.8), "worst": 1.0},
        {"value": 0.4, "tasks": 1, "best": 0.1, "mean": 0.1, "worst": 0.1},
    ]
    (pair,) = told.figures["pairs"]
    assert (pair["from"], pair["to"], pair["pairs"]) == (0.2, 0.3, 2)
    assert (pair["difference"], pair["deviation"]) == pytest.approx((0.2, 0.2 / 2**0.5))
    assert told.figures["spread"] == {
        "value": pytest.approx(0.1),
        "seeds": 2,
        "epoch": 2,
        "configuration": "alpha 0.3, lr 0.0001, [64]",
    }
    assert pair["spreads"] == pytest.approx(2.0)
    assert told.lines[-2:] == (
        "pairs that differ in alpha alone: alpha 0.3 minus alpha 0.2 +0.2000 ± 0.1414 (2 pairs), +2.0 spreads",
        "spread over 2 seeds of alpha 0.3, lr 0.0001, [64] 0.1000 (at epoch 2)",
    )
    assert told.lines[0].startswith("val_loss (validation rows) at epoch 2; loss = td_loss + alpha * cql_loss")


def test_tasks_of_other_epochs_are_never_pooled() -> None:
    found = [ended(0.5, alpha=0.2), ended(0.6, alpha=0.3), ended(0.1, alpha=0.3, epochs=5, seed=7)]
    told = ask("setting", found, setting="alpha")
    assert told.figures is not None
    assert told.figures["epoch"] == 2
    assert [value["best"] for value in told.figures["values"]] == [0.5, 0.6]
    assert told.lines[0].endswith("; left out: 1 of other epochs")
    assert told.lines[-1] == "the spread over seeds is not known: seeds_from names no phase"


def test_what_differs_in_more_than_the_setting_is_no_pair() -> None:
    told = ask("setting", [ended(0.5, alpha=0.2, seed=1), ended(0.6, alpha=0.3, seed=2)], setting="alpha")
    assert told.figures is not None
    assert told.figures["pairs"] == []
    assert "no two tasks differ in alpha alone" in told.lines
    one = ask("setting", [ended(0.5)], setting="lr")
    assert (one.figures, one.lines) == (None, ("the tasks that ended at epoch 2 have one lr only",))


def test_of_many_values_neighbours_are_paired() -> None:
    found = [ended(0.5 + number / 10, alpha=number / 10) for number in range(1, 9)]
    told = ask("setting", found, setting="alpha")
    assert told.figures is not None
    assert [(pair["from"], pair["to"]) for pair in told.figures["pairs"]] == [
        (n / 10, (n + 1) / 10) for n in range(1, 8)
    ]


def architectures_of(**values: float) -> list[Task]:
    """Tasks by their widths: `w64_32=0.5`, with alpha 0.2 and 0.3, the latter 0.1 higher."""
    return [
        ended(value + extra, alpha=alpha, dims=tuple(map(int, name[1:].split("_"))))
        for name, value in values.items()
        for alpha, extra in ((0.2, 0.0), (0.3, 0.1))
    ]


FIELD = architectures_of(w64=0.5, w64_32=0.46, w128=0.44, w128_64=0.52)
SEEDS = seeds_of(0.5 - 0.025 / 2**0.5, 0.5 + 0.025 / 2**0.5)


def test_architectures_have_their_true_parameters_and_differ_from_the_reference_in_spreads() -> None:
    told = ask("architectures", [*FIELD, *SEEDS], seeds_from="s")
    assert told.figures is not None
    # 6 x 64 + 64, 64 x 4 + 4, and a gain and a shift of each of the 64 units
    assert told.figures["architectures"][0]["params"] == 6 * 64 + 64 + 64 * 4 + 4 + 2 * 64
    by_widths = {tuple(each["architecture"]): each for each in told.figures["architectures"]}
    deeper = by_widths[64, 32]
    assert (deeper["mean"], deeper["tasks"], deeper["seeds"], deeper["pairs"]) == (pytest.approx(0.51), 2, 1, 2)
    assert (deeper["difference"], deeper["spreads"]) == pytest.approx((-0.04, -1.6))
    assert told.figures["reference"] == [64], "that of the seeds"
    assert by_widths[64,]["difference"] == 0
    assert told.lines[2] == (
        "[64, 32] (2,852 parameters): mean 0.5100 (2 tasks, 1 seed), -0.0400 (-1.6) to the reference, 2 pairs"
    )
    other = ask("architectures", [*FIELD, *SEEDS], seeds_from="s", reference=(128,))
    assert other.figures is not None
    assert other.figures["reference"] == [128]
    unknown = ask("architectures", FIELD, reference=(7,))
    assert unknown.figures is not None
    assert (unknown.figures["reference"], unknown.figures["spread"]) == ([64], None)
    assert "no task of the phase has the reference [7]" in unknown.lines[0]


def test_deeper_and_wider_are_told_apart() -> None:
    told = ask("architectures", [*FIELD, *SEEDS], seeds_from="s", compare=("depth", "width"))
    assert told.figures is not None
    steps = {name: [(pair["from"], pair["to"]) for pair in told.figures[name]["steps"]] for name in ("depth", "width")}
    assert steps == {
        "depth": [([64], [64, 32]), ([128], [128, 64])],
        "width": [([64], [128]), ([64, 32], [128, 64])],
    }
    assert told.figures["depth"]["pairs"] == 4
    assert (told.figures["depth"]["difference"], told.figures["depth"]["spreads"]) == pytest.approx((0.02, 0.8))
    assert [step["spreads"] for step in told.figures["depth"]["steps"]] == pytest.approx([-1.6, 3.2])
    assert told.lines[1] == (
        "one more layer: +0.0200 ± 0.0693 (4 pairs), +0.8 spreads; [64] to [64, 32] -0.0400 (-1.6), [128] to [128, 64] "
        "+0.0800 (+3.2)"
    )
    assert told.lines[2].startswith("wider, of equal depth: +0.0000 ± 0.0693 (4 pairs), +0.0 spreads; ")
    alone = ask("architectures", architectures_of(w64=0.5, w128_32=0.5), compare=("depth", "width"))
    assert alone.lines[1:] == (
        "one more layer: no two tasks differ by that alone",
        "wider, of equal depth: no two tasks differ by that alone",
    )


def test_the_smallest_of_those_that_are_as_good_as_the_best() -> None:
    """[64] is 0.06 behind, more than the spread of 0.035 and less than two of it."""
    seeds = seeds_of(0.5 - 0.035 / 2**0.5, 0.5 + 0.035 / 2**0.5)
    told = ask("architectures", [*FIELD, *seeds], seeds_from="s", compare=("best",))
    assert told.figures is not None
    assert told.figures["best"] == {"best": [128], "within": [[128], [64, 32]], "smallest": [128]}
    assert told.lines[1] == (
        "within the spread of the best, [128]: [128] (1,668 parameters) +0.0000, [64, 32] (2,852 parameters) +0.0200; "
        "the smallest of them: [128] (1,668 parameters)"
    )
    without = ask("architectures", FIELD, compare=("best",))
    assert without.lines[1] == "the best: [128] (1,668 parameters)"
    assert without.figures is not None
    assert without.figures["best"] == {"best": [128], "within": None, "smallest": None}


def test_unequal_settings_are_compared_in_pairs_alone() -> None:
    """[128] was trained with a high alpha only: its mean is higher, and it is better."""
    found = [ended(0.5, alpha=0.2), ended(0.9, alpha=0.3), ended(0.8, alpha=0.3, dims=(128,))]
    told = ask("architectures", [*found, *SEEDS], seeds_from="s", compare=("reference", "best"))
    assert told.figures is not None
    one, other = told.figures["architectures"]
    assert (one["mean"], other["mean"], other["difference"]) == pytest.approx((0.7, 0.8, -0.1))
    assert told.figures["best"]["best"] == [128]


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_configurations_the_largest_spread_counts(turned: bool) -> None:
    near, far = seeds_of(0.5, 0.5, dims=(8,)), seeds_of(0.4, 0.6, dims=(16,))
    told = ask("setting", [*FIELD, *(far + near if turned else near + far)], setting="alpha", seeds_from="s")
    assert told.lines[-1] == "spread over 2 seeds of alpha 0.3, lr 0.0001, [16] 0.1414 (at epoch 2)"
    field = ask("architectures", [*FIELD, *(far + near if turned else near + far)], seeds_from="s", reference=(64,))
    assert field.figures is not None
    assert field.figures["spread"]["configuration"] == "alpha 0.3, lr 0.0001, [16]"


def test_seeds_that_did_not_train_as_far_tell_no_spread() -> None:
    told = ask("architectures", [*FIELD, *seeds_of(0.5, 0.6, epoch=1)][:10], seeds_from="s")
    assert "spread over seeds is not known" not in told.lines[0], "they went on to epoch 2"
    short = [done(task("s", seed=seed), [1.0], [0.5]) for seed in (1, 2)]
    told = ask("architectures", [*FIELD, *short], seeds_from="s")
    assert "the spread over seeds is not known: no two seeds of phase s have a val_loss at epoch 2" in told.lines[0]
