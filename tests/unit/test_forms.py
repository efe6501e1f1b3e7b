"""What many tasks have in common is kept once, and each is told as if it were not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from cqltui.algorithms import ALGORITHMS
from cqltui.algorithms.kinds import free_settings, kind
from cqltui.campaign import payload
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.state import decode
from cqltui.state.forms import MOST_VALUES, Filled, Form, filled
from cqltui.supervisor.submissions import MANY, planned, submissions

EXAMPLE = {"title": "one", "phase": "p", "settings": {"seed": 1, "lr": 0.1}, "loss": None}
PATHS = (("title",), ("settings", "seed"), ("loss",))
ODD = 'a ",\n"put":[1]} \\ \0 ü'
"""A value that looks like what stands around it."""
FILE = f"""
[campaign]
name = "forms"
[trainer]
epochs = 30
lr = 2e-4
hidden_dims = [64, 32]
[[phase]]
name = "few"
priority = 8
[[phase.task]]
description = "Best"
baseline_loss = 0.4
alpha = 0.3
[[phase.task]]
alpha = 0.5
early_stop = {{ metric = "loss", patience = 3, min_delta = 0.1 }}
[[phase]]
name = "many"
priority = 2
[phase.grid]
alpha = [0.1, 1, 2.5]
hidden_dims = [[64], [64, 32]]
seed = {{ from = 1, to = {MANY} }}
[[phase.task]]
description = "beside the grid"
baseline_loss = 0.25
alpha = 7.0
"""
DATA = payload.DataSummary("d" * 64, 199, 20)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    path = tmp_path / "forms.toml"
    path.write_text(FILE, encoding="utf-8")
    return load_campaign(path).identified(DATA.digest)


def as_json(value: Mapping[str, Any]) -> Any:
    """As a reader of the text has it."""
    return json.loads(orjson.dumps(dict(value)))


@pytest.mark.parametrize("values", [("two", 2, 0.5), (ODD, 2**53, None), ([1, {"x": ODD}], {}, False)])
def test_a_form_and_values_make_the_object(values: tuple[object, ...]) -> None:
    form = Form.of(EXAMPLE, PATHS)
    title, seed, loss = values
    expected = {"title": title, "phase": "p", "settings": {"seed": seed, "lr": 0.1}, "loss": loss}
    made = Filled(form, values)
    assert dict(made) == expected
    assert form.whole(values) == orjson.dumps(expected), "as if it had been written in one go"
    kept = orjson.loads(made.stored())
    assert filled(kept, {form.ref: Form(form.text)}) == Filled(Form(form.text), values)
    assert (EXAMPLE["title"], EXAMPLE["settings"]) == ("one", {"seed": 1, "lr": 0.1})


def test_a_form_needs_its_places_in_the_order_of_the_text() -> None:
    with pytest.raises(ValueError, match="a form has its values at"):
        Form.of(EXAMPLE, PATHS[::-1])
    with pytest.raises(KeyError):
        Form.of(EXAMPLE, [("settings", "gamma")])


@pytest.mark.parametrize(
    "kept",
    [
        {"form": "another", "put": [1, 2, 3]},
        {"form": Form.of(EXAMPLE, PATHS).ref, "put": [1, 2]},
        {"form": Form.of(EXAMPLE, PATHS).ref, "put": "123"},
        {"form": ["?"], "put": [1, 2, 3]},
        {"put": [1, 2, 3]},
    ],
)
def test_what_is_kept_by_no_form_that_is_known_is_nothing(kept: dict[str, Any]) -> None:
    form = Form.of(EXAMPLE, PATHS)
    assert filled(kept, {form.ref: form}) is None


@pytest.mark.parametrize("text", [b"", b"\n", b"[\n]", b'{"title":\n', b'{"title":[\n]}', b"{" * 100_000, b"\n" * 99])
def test_a_foreign_form_has_no_values_or_none_that_do_harm(text: bytes) -> None:
    form = Form(text)
    assert form.paths == ()
    assert decode.task_info("a", Filled(form, ())) in (None, decode.task_info("a", {}))


def test_a_form_with_values_of_its_own_elsewhere_is_read_whole() -> None:
    raw = {"phase": "p", "title": "t", "epochs": 7, "settings": {"alpha": 0.5, "hidden_dims": [8]}}
    form = Form.of(raw, [("title",), ("epochs",), ("settings", "hidden_dims")])
    other = raw | {"title": "u", "epochs": 9, "settings": {"alpha": 0.5, "hidden_dims": [16, 4]}}
    assert decode.task_info("a", Filled(form, ("u", 9, [16, 4]))) == decode.task_info("a", other)


def test_each_task_is_submitted_as_it_is_by_itself(campaign: Campaign) -> None:
    tasks = {task.id: (place, task) for place, task in enumerate(campaign.tasks)}
    found = list(submissions(campaign, DATA))
    assert [submission.id for submission in found] == [task.id for task in campaign.queue_order]
    for submission in found:
        place, task = tasks[submission.id]
        assert as_json(submission.info) == as_json(payload.task_info(campaign, task, place, DATA))
        assert as_json(submission.spec) == as_json(payload.task_spec(campaign, task, DATA))
        payload.check_spec(task.id, submission.spec)
        quantity = campaign.quantity(task, DATA.rows)
        pair = campaign.memory_bytes(task, 2, DATA.rows, DATA.validation_rows)
        assert submission.cost.epoch_flops == quantity.step_flops * quantity.epoch_steps
        assert submission.cost.shared_bytes + 2 * submission.cost.member_bytes == pair
        assert (submission.pack, submission.priority) == (payload.pack_key(task, DATA.digest), task.priority)
    shared = [submission.info.form for submission in found if isinstance(submission.info, Filled)]
    assert (len(shared), len(set(shared))) == (6 * MANY + 1, 2), "a form for each network"


def test_each_task_is_planned_as_it_is_by_itself(campaign: Campaign) -> None:
    found = planned(campaign, DATA)
    for place, task in enumerate(campaign.tasks):
        info = decode.task_info(task.id, as_json(payload.task_info(campaign, task, place, DATA)))
        assert info is not None
        assert found[task.id].info == info
        assert list(found[task.id].info.settings) == list(info.settings), "in the order of the table"
        assert (found[task.id].digest, found[task.id].validation_rows) == (task.digest, DATA.validation_rows)


def test_nothing_of_a_free_setting_is_in_cost_and_pack() -> None:
    given: dict[str, Any] = {"alpha": 0.5, "lr": 0.1, "hidden_dims": (64, 32), "epochs": 3}
    others: dict[str, Any] = {"alpha": 2.0, "lr": 0.7, "seed": 43}
    for algorithm in ALGORITHMS.values():
        assert set(free_settings(algorithm)) == set(others)
        one = algorithm.config(given | {"seed": 42})
        for name, value in others.items():
            two = replace(one, **{name: value})
            assert kind(algorithm, two) == kind(algorithm, one)
            assert (algorithm.pack_key(two), algorithm.shape(two)) == (algorithm.pack_key(one), algorithm.shape(one))
            assert algorithm.quantity(two, 6, 199) == algorithm.quantity(one, 6, 199)
            assert algorithm.memory_bytes([one, two], 6, 199, 20) == algorithm.memory_bytes([one, one], 6, 199, 20)
        costly: dict[str, Any] = {"epochs": 4, "hidden_dims": (64,), "batch_size": 7, "gamma": 0.5}
        for name, value in costly.items():
            assert kind(algorithm, replace(one, **{name: value})) != kind(algorithm, one)


def test_a_form_has_no_more_values_than_the_server_takes_apart() -> None:
    example = {f"n{number}": number for number in range(MOST_VALUES + 1)}
    Form.of(example, [(name,) for name in list(example)[1:]])
    with pytest.raises(ValueError, match="at most 31 values, not 32"):
        Form.of(example, [(name,) for name in example])
