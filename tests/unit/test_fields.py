"""Values of a campaign file at their limits, and the words in which a wrong one is described."""

from typing import Any

import pytest

from cqltui import fields
from cqltui.algorithms import named
from cqltui.campaign import schema
from cqltui.errors import InputError
from cqltui.fields import INVALID, MAX_PROBLEMS, Problems, Reader
from trainer.config import Split
from trainer.names import suggestion

TRAINING = schema.TrainingSchema.of(named("cql"))
DEEP = TRAINING.trainer["hidden_dims"].read
TEXT, LINE, SHORT = fields.text(multiline=True), fields.text(), fields.text(limit=3)


def read(reader: Reader, value: object) -> Any:
    return reader(value, "key", Problems("f.toml"))


@pytest.mark.parametrize(
    ("reader", "good", "wrong"),
    [
        (fields.positive(), [1e-9, 5, 1e299], [0, -1, True, "1", float("nan"), float("inf"), 10**400]),
        (fields.positive(7.0), [7, 7.0], [7.1]),
        (fields.integer(1, 5), [1, 5], [0, 6, 2.0, True, "2"]),
        (fields.choice("a", "b"), ["a", "b"], ["c", "", 1]),
        (LINE, ["a", "a b", " é "], ["", " ", "a\nb", "a\tb", "a\x1b[m", 3]),
        (TEXT, ["a\nb\tc"], ["a\x1bb", "\n"]),
        (SHORT, ["abc", " abc "], ["abcd"]),
        (fields.text(limit=4000), ["x" * 4000], ["x" * 4001]),
        (fields.matching("[ab]+", "a or b"), ["ab"], ["abc", "", 1]),
        (schema.WORKERS["count"].read, [0, 1024], [-1, 1025, True, 1.0, "many"]),
        (schema.WORKERS["max_deaths"].read, [1, 1000], [0, 1001]),
        (schema.WORKERS["lease_s"].read, [0.1, 7 * 86_400], [0, 7 * 86_400 + 1]),
        (schema.WORKERS["device"].read, ["auto", "cuda", "mps", "cpu"], ["gpu", "cuda:0"]),
        (schema.DATA["edge_size"].read, [0, 10], [-0.1, 10.1]),
        (schema.DATA["source"].read, ["simulated", "logged", "games"], ["game"]),
        (TRAINING.settings["gamma"].read, [0, 1], [-0.1, 1.1]),
        (TRAINING.settings["alpha"].read, [0, 5.5], [-1e-9]),
        (TRAINING.settings["seed"].read, [0, 2**32 - 1], [-1, 2**32]),
        (TRAINING.settings["precision"].read, ["auto", "fp32", "bf16"], ["fp16"]),
        (TRAINING.phase["priority"].read, [0, 1_000_000], [-1, 1_000_001]),
        (schema.CAMPAIGN["name"].read, ["a", "A-_9", "x" * 64], ["", "-a", "a b", "x" * 65, "é"]),
        (schema.REDIS["namespace"].read, ["", "a-_1", "x" * 32], ["a:b", "x" * 33]),
        (
            schema.REDIS["url"].read,
            ["redis://h", "rediss://h:1/0", "unix:///s"],
            ["http://h", "redis://", "redis://a b", 5],
        ),
    ],
)
def test_values_at_their_limits(reader: Reader, good: list[object], wrong: list[object]) -> None:
    for value in good:
        expected = value.strip() if isinstance(value, str) else value
        assert read(reader, value) == expected, value
    for value in wrong:
        assert read(reader, value) is INVALID, value


def test_the_number_of_workers_may_be_left_to_the_machine() -> None:
    assert read(schema.WORKERS["count"].read, "auto") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [([8], (8,)), ([1, 16_384] * 16, (1, 16_384) * 16), ([], INVALID), ([8] * 33, INVALID), ([0], INVALID)],
)
def test_layers(value: object, expected: object) -> None:
    assert read(DEEP, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2], (1, 2)),
        ([1, 1], INVALID),
        ([1, -1], INVALID),
        ({"from": 3, "to": 5}, range(3, 6)),
        ({"from": 3, "to": 3}, range(3, 4)),
        ({"from": 5, "to": 3}, INVALID),
        ({"from": 5}, INVALID),
        ({"from": -1, "to": 3}, INVALID),
        ({"from": 1, "to": 3, "step": 2}, INVALID),
    ],
)
def test_seeds(value: object, expected: object) -> None:
    assert read(schema.seeds, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"validation_seasons": 2, "test_seasons": 0}, {"split": Split(validation_seasons=2, test_seasons=0)}),
        ({"train_until": 2018, "validate_until": 2018}, {"split": Split(train_until=2018, validate_until=2018)}),
        (
            {"validation_fraction": 0, "test_fraction": 0.2},
            {"split": Split(validation_fraction=0, test_fraction=0.2)},
        ),
        ({"seasons": 2}, {"split": Split(validation_seasons=2, test_seasons=0)}),
        ({"fraction": 0.2}, {"split": Split(validation_fraction=0.2, test_fraction=0)}),
        ({"validation_seasons": 2}, INVALID),
        ({"validation_seasons": 2, "validate_until": 2018}, INVALID),
        ({"train_until": 2018, "validate_until": 2017}, INVALID),
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, INVALID),
        ({"seasons": 0}, INVALID),
        ({"seasons": 101}, INVALID),
        ({"fraction": 0}, INVALID),
        ({"fraction": 1}, INVALID),
        ({"seasons": 2, "fraction": 0.2}, INVALID),
        ({"years": 2}, INVALID),
        ({}, INVALID),
        (2, INVALID),
    ],
)
def test_splits(value: object, expected: object) -> None:
    assert read(schema.DATA["split"].read, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["edge", "p_hat"], (("edge", "edge"), ("p_hat", "p_hat"))),
        ({"edge": "mine"}, (("edge", "mine"),)),
        (["edge", "edge"], INVALID),
        (["edge", 3], INVALID),
        ({}, INVALID),
        ({"edge": 3}, INVALID),
        ("edge", INVALID),
        *((["edge", name], INVALID) for name in ("action", "r", "game_id", "season", "week", "b_prob")),
        ({"edge": "r"}, INVALID),
    ],
)
def test_the_columns_of_the_state(value: object, expected: object) -> None:
    assert read(TRAINING.trainer["state_cols"].read, value) == expected


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "true"),
        (False, "false"),
        ("x" * 40, '"' + "x" * 40 + '"'),
        ("x" * 41, '"' + "x" * 40 + '..."'),
        ("é\n", '"\\u00e9\\n"'),
        (2**64 - 1, str(2**64 - 1)),
        (2**64, "an integer of 65 bits"),
        (0.5, "0.5"),
        ([], "an empty list"),
        ([1, 2], "a list of 2"),
        ({}, "an empty table"),
        ({"a": 1}, "a table"),
        (None, "a NoneType"),
    ],
)
def test_how_a_wrong_value_is_described(value: object, said: str) -> None:
    assert fields.describe(value) == said


def test_an_unknown_name_and_its_nearest() -> None:
    assert suggestion("epoch", ["lr", "epochs", "epoches"]) == "; did you mean epochs?"
    assert suggestion("zzz", ["lr", "epochs"]) == "; known: lr, epochs"


@pytest.mark.parametrize(("count", "told"), [(MAX_PROBLEMS, MAX_PROBLEMS), (MAX_PROBLEMS + 3, MAX_PROBLEMS + 1)])
def test_many_problems_are_counted(count: int, told: int) -> None:
    problems = Problems("f.toml", {"a.b"})
    for number in range(count):
        problems.add(f"k{number}", "wrong")
    with pytest.raises(InputError) as caught:
        problems.raise_any()
    assert len(caught.value.problems) == told
    assert caught.value.problems[0] == "f.toml: k0: wrong"
    assert told == count or caught.value.problems[-1] == "f.toml: and 3 more problems"


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("a.b", "--set a.b"),
        ("a.b.c", "--set a.b.c"),
        ("a.b[0]", "--set a.b[0]"),
        ("a.bc", "f.toml: a.bc"),
        ("", "f.toml"),
    ],
)
def test_where_a_wrong_value_came_from(key: str, place: str) -> None:
    problems = Problems("f.toml", {"a.b"})
    problems.expected(key, "a number", "x")
    with pytest.raises(InputError) as caught:
        problems.raise_any()
    assert caught.value.problems == (f'{place}: expected a number, found "x"',)
