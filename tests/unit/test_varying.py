"""Which settings differ between tasks, and what tasks have in common that differ in nothing but the seed."""

from msgspec.structs import replace

from cqltui.state.model import TaskInfo, TaskState
from cqltui.state.varying import SETTINGS, TITLE, Varying, configuration_title, value_key, value_text


def task(task_id: str, title: str = "", phase: str = "p", **settings: object) -> TaskState:
    known = {"alpha": 0.3, "lr": 1e-4, "seed": 42, "hidden_dims": [256, 128], "early_stop": None}
    return TaskState(TaskInfo(task_id, phase, title, settings=known | settings))


def names(varying: Varying) -> list[str]:
    return [setting.name for setting in varying.settings]


def found(*tasks: TaskState) -> Varying:
    varying = Varying()
    varying.update({each.id: each for each in tasks})
    return varying


def test_settings_that_differ_stand_in_the_order_of_the_table() -> None:
    varying = found(task("a"), task("b", seed=7), task("c", hidden_dims=[64], early_stop={"patience": 3}))
    assert names(varying) == ["hidden_dims", "seed", "early_stop"]
    assert names(varying) == [name for name in SETTINGS if name in names(varying)]
    assert [varying.cells(name) for name in names(varying)] == [9, 2, 10]
    assert varying.cells("gamma") == 0
    without = replace(task("d"), info=replace(task("d").info, settings={"alpha": 0.3}))
    assert names(found(task("a"), without)) == [], "what an earlier version did not tell differs in nothing"


def test_what_differs_is_found_again_when_a_task_comes_changes_or_goes() -> None:
    one, other = task("a", "longer"), task("b", "long", alpha=0.5)
    varying = found(one)
    assert (names(varying), varying.title_cells) == ([], 6)
    varying.update({"a": one, "b": other})
    assert (names(varying), varying.cells("alpha")) == (["alpha"], 3)
    varying.update({"a": one, "b": task("b", "long", seed=1)})
    assert names(varying) == ["seed"]
    varying.update({"b": other})
    assert (names(varying), varying.title_cells) == ([], 4)
    varying.update({"a": one, "b": other})
    assert names(varying) == ["alpha"]
    varying.update({"a": one, "c": replace(other, info=replace(other.info, id="c", title="x" * 999))})
    assert (names(varying), varying.title_cells) == (["alpha"], TITLE)


def test_a_configuration_is_all_but_the_seed() -> None:
    first, again, other = task("a", seed=1), task("b", seed=2), task("c", seed=1, alpha=0.5)
    elsewhere = task("d", phase="q", seed=1)
    varying = found(first, again, other, elsewhere)
    keys = [varying.configuration(each) for each in (first, again, other, elsewhere)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert configuration_title(other) == "alpha 0.5, lr 0.0001, [256,128]"


def test_values_as_keys_and_for_people() -> None:
    assert value_key([1, 2]) == (1, 2)
    assert value_key({"patience": 3}) == "patience 3"
    assert [value_text(value) for value in (None, 1e-4, [64, 32], "fp32")] == ["off", "0.0001", "[64,32]", "fp32"]
