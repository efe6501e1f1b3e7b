"""The loader: every kind of mistake gets a message that names file, key, what was expected and what was found."""

import copy
import random
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cqltui.campaign.load import campaign_from, load_campaign
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.errors import ExitCode, InputError
from trainer.config import Split

GOOD = """
[campaign]
name = "small"

[data]
source = "simulated"
seed = 7

[trainer]
lr = 1e-4
alpha = 0.3
epochs = 10
hidden_dims = [64, 32]
seed = 42

[workers]
count = 2

[redis]
namespace = ""

[[phase]]
name = "first"
priority = 8

[[phase.task]]
description = "a task"
alpha = 0.5

[[phase]]
name = "second"
priority = 7

[phase.grid]
alpha = [0.2, 0.3]
seed = { from = 1, to = 3 }

[[phase.criterion]]
text = "low"
metric = "loss"
op = "<"
value = 0.08
"""


def load(tmp_path: Path, text: str, *changes: str) -> Campaign:
    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8")
    return load_campaign(path, changes)


def problems(tmp_path: Path, text: str, *changes: str) -> list[str]:
    """The problems that the loader reports, without the path of the file's folder."""
    with pytest.raises(InputError) as caught:
        load(tmp_path, text, *changes)
    assert caught.value.exit_code is ExitCode.INPUT
    return [re.sub(r"^c\.toml:\d+:", "c.toml:", p.removeprefix(f"{tmp_path}/")) for p in caught.value.problems]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert load_campaign(path) == load(tmp_path, GOOD)
    for wrong, said in (
        (b"name = = 1", r"c\.toml: line 1, column 8: not valid TOML"),
        (b"[workers]\n[[workers]]", r"c\.toml: line 2, column \d+: not valid TOML: .*the short form of one block"),
        (b'a = 1\nb = "\xe9"', r"line 2: not UTF-8 \(byte 0xe9\)"),
    ):
        path.write_bytes(b"\xef\xbb\xbf" + wrong)
        with pytest.raises(InputError, match=said):
            load_campaign(path)


def test_a_good_file(tmp_path: Path) -> None:
    campaign = load(tmp_path, GOOD)
    first, *grid = campaign.tasks
    assert campaign.title == campaign.name == "small"
    assert (first.title, first.trainer.alpha, first.priority) == ("a task", 0.5, 8)
    assert first.trainer.hidden_dims == (64, 32)
    assert first.trainer.precision == "fp32"
    assert [(task.trainer.alpha, task.trainer.seed) for task in grid] == [
        (alpha, seed) for alpha in (0.2, 0.3) for seed in (1, 2, 3)
    ]
    assert grid[0].title == "alpha 0.2, seed 1"
    assert campaign.workers.count == 2
    assert campaign.phase("second").criteria[0].params == (
        ("metric", "loss"),
        ("reduce", "best"),
        ("op", "<"),
        ("value", 0.08),
    )


MISTAKES = tomllib.loads((Path(__file__).parent / "load_mistakes.toml").read_text(encoding="utf-8"))["mistake"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: str(mistake["name"]))
def test_a_mistake_is_named_and_nothing_else(tmp_path: Path, mistake: dict[str, Any]) -> None:
    assert mistake["old"] in GOOD
    found = problems(tmp_path, GOOD.replace(mistake["old"], mistake["new"], 1))
    assert found == [f"c.toml: {line}" for line in mistake["problems"]]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[64, 32]", str([1] * 33), "trainer.hidden_dims: expected a list of 1 to 32 layer widths, found a list of 33"),
        (
            "epochs = 10",
            f"epochs = 0x{'f' * 4000}",
            "trainer.epochs: expected an integer from 1 to 10,000,000, found an integer of 16000 bits",
        ),
        (
            '"second"',
            f'"{"x" * 65}"',
            f"phase.{'x' * 65}.name: expected a name of letters, digits, - and _, 1 to 64 characters, the first a "
            f'letter or digit, found "{"x" * 40}..."',
        ),
    ],
)
def test_values_of_absurd_size(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert problems(tmp_path, GOOD.replace(old, new)) == [f"c.toml: {problem}"]


@pytest.mark.parametrize("value", ["1" * 5000, "[" * 50_000])
def test_what_exhausts_the_parser_is_no_crash(tmp_path: Path, value: str) -> None:
    assert problems(tmp_path, f"x = {value}")[0].startswith("c.toml: not valid TOML: ")


def test_several_mistakes_come_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("lr = 1e-4", "lr = 0").replace("priority = 7", "priority = true").replace("count", "cuont")
    assert [line.split(": ")[1] for line in problems(tmp_path, text)] == [
        "trainer.lr",
        "workers.cuont",
        "phase.second.priority",
    ]


def test_a_flood_of_mistakes_is_cut(tmp_path: Path) -> None:
    lines = problems(tmp_path, GOOD + "".join(f"\n[[phase]]\nname = 'p{i}'\npriority = 1" for i in range(100)))
    assert len(lines) == 41
    assert lines[-1] == "c.toml: and 60 more problems"


@pytest.mark.parametrize("text", ["", "phase = []\n[campaign]\nname = 'x'"])
def test_without_a_phase(tmp_path: Path, text: str) -> None:
    assert "c.toml: phase: there is no phase; add a [[phase]]" in problems(tmp_path, text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.toml: there is no such file"):
        load_campaign(tmp_path / "gone.toml")
    with pytest.raises(InputError, match="a folder; expected a campaign file"):
        load_campaign(tmp_path)
    with pytest.raises(InputError, match="cannot be read: embedded null byte"):
        load_campaign(tmp_path / "a\0b")
    (tmp_path / "latin.toml").write_bytes(b"# ok\ntitle = 'caf\xe9'\n")
    with pytest.raises(InputError, match=r"latin\.toml: line 2: not UTF-8 \(byte 0xe9\)"):
        load_campaign(tmp_path / "latin.toml")


def by_title(campaign: Campaign, title: str) -> TaskSpec:
    return next(task for task in campaign.tasks if task.title == title)


def test_settings_change_the_file(tmp_path: Path) -> None:
    campaign = load(
        tmp_path,
        GOOD,
        "trainer.lr=5e-5",
        "phase.second.epochs=20",
        "phase.first.task.0.alpha=0.7",
        "phase.0.title=A title",
        "phase.second.grid.alpha=[0.1]",
        "workers.device=cpu",
        "trainer.batch_size=32",
        "trainer.batch_size=64",
    )
    task = by_title(campaign, "a task")
    assert (task.trainer.lr, task.trainer.alpha, task.trainer.epochs, task.trainer.batch_size) == (5e-5, 0.7, 10, 64)
    assert {task.trainer.epochs for task in campaign.phase("second").tasks} == {20}
    assert {task.trainer.alpha for task in campaign.phase("second").tasks} == {0.1}
    assert campaign.phase("first").title == "A title"
    assert campaign.workers.device == "cpu"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("trainer.lr=fast", '--set trainer.lr: expected a number > 0, found "fast"'),
        ("trainer.lrr=1", "--set trainer.lrr: unknown key; did you mean lr?"),
        ("phase.0.priority=x", '--set phase.first.priority: expected an integer from 0 to 1,000,000, found "x"'),
        ("phase.first.task[0].lr=0", "--set phase.first.task[0].lr: expected a number > 0, found 0"),
        ("phase.secnd.epochs=3", "--set phase.secnd.epochs: there is no phase 'secnd'; did you mean second?"),
        ("phase.first.task.7.lr=1", "--set phase.first.task.7.lr: there is no phase.first.task '7'; known: [0]"),
        ("campaign.name.x=1", "--set campaign.name.x: campaign.name is a value and has no key 'x'"),
        ("trainer.lr", "--set 'trainer.lr': expected KEY=VALUE, e.g. trainer.lr=5e-5"),
        ("=3", "--set '=3': expected KEY=VALUE, e.g. trainer.lr=5e-5"),
        ("epochs_scale=0", "--set epochs_scale: expected a number > 0 and at most 1,000, found 0"),
        ("epochs_scale=true", "--set epochs_scale: expected a number > 0 and at most 1,000, found true"),
        ("data.seed=1\nx = 2", '--set data.seed: expected an integer from 0 to 4,294,967,295, found "1\\nx = 2"'),
    ],
)
def test_a_wrong_setting_is_named_as_such(tmp_path: Path, setting: str, expected: str) -> None:
    assert problems(tmp_path, GOOD, setting) == [expected]


def test_epochs_scale_reaches_every_epoch(tmp_path: Path) -> None:
    text = GOOD + '\n[[phase.criterion]]\ntext = "falls"\ncheck = "still_falling"\nafter_epoch = 200\n'
    campaign = load(tmp_path, text, "epochs_scale=0.25", "phase.second.epochs=2000")
    assert {task.trainer.epochs for task in campaign.phase("first").tasks} == {2}  # 2.5, rounded to even
    assert {task.trainer.epochs for task in load(tmp_path, GOOD, "epochs_scale=0.27").tasks} == {3}  # 2.7
    assert {task.trainer.epochs for task in load(tmp_path, GOOD, "epochs_scale=0.24").tasks} == {2}  # 2.4
    assert {task.trainer.epochs for task in campaign.phase("second").tasks} == {500}
    assert campaign.phase("second").criteria[1].param("after_epoch") == 50
    assert {task.trainer.epochs for task in load(tmp_path, GOOD, "epochs_scale=0.001").tasks} == {1}


def test_a_path_starts_at_the_file_or_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    in_file = GOOD.replace('"simulated"', '"games"\npath = "x.csv"')
    assert load(tmp_path, in_file).data.path == tmp_path / "x.csv"
    assert load(tmp_path, in_file, "data.path=y.csv").data.path == elsewhere / "y.csv"
    assert load(tmp_path, in_file, f"data.path={tmp_path}/z.csv").data.path == tmp_path / "z.csv"


def test_another_source_from_the_command_line_drops_what_it_does_not_use(tmp_path: Path) -> None:
    text = GOOD.replace("seed = 7", "seed = 7\nedge_size = 0.1\nsplit = {seasons = 3}")
    data = load(tmp_path, text, "data.source=logged", "data.path=x.csv").data
    assert (data.source, data.split) == ("logged", Split(validation_seasons=3, test_seasons=0))
    assert problems(tmp_path, text, "data.source=logged", "data.path=x.csv", "data.seed=1") == [
        "--set data.seed: is not used by source = 'logged'; remove it"
    ]


def test_columns_of_a_logged_file(tmp_path: Path) -> None:
    logged = GOOD.replace('"simulated"\nseed = 7', '"logged"\npath = "x.csv"\nsplit = {fraction = 0.3}')
    listed = load(tmp_path, logged, 'trainer.state_cols=["edge", "my_own"]')
    assert listed.data.state_cols == (("edge", "edge"), ("my_own", "my_own"))
    assert listed.data.split == Split(validation_fraction=0.3, test_fraction=0)
    assert listed.state_dim == 2
    renamed = load(tmp_path, logged, 'trainer.state_cols={edge = "my_edge", p_hat = "p"}')
    assert renamed.data.state_cols == (("edge", "my_edge"), ("p_hat", "p"))


LEAVES = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.just(10**400),
    st.lists(st.one_of(st.integers(), st.floats(), st.text(max_size=5), st.just([])), max_size=4),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.just([{}]),
)


def refused(load: Callable[[], Campaign]) -> tuple[str, ...]:
    """The problems of a campaign, none if it is loaded; any other exception than InputError fails the test."""
    try:
        campaign = load()
    except InputError as error:
        return error.problems or ("no problem was named",)
    return () if list(campaign.tasks) else ("a campaign without tasks was loaded",)


def places(node: Any) -> list[tuple[Any, Any]]:
    """(container, key or index) of everything within a document."""
    if not isinstance(node, dict | list):
        return []
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    return [(node, key) for key in keys] + [place for key in keys for place in places(node[key])]


@settings(max_examples=100)
@given(st.randoms(use_true_random=False), st.lists(LEAVES, min_size=1, max_size=3))
def test_a_document_of_wrong_values_is_refused_or_loaded(chance: random.Random, values: list[Any]) -> None:
    document = tomllib.loads(GOOD)
    for value in values:
        if within := places(document):
            container, key = chance.choice(within)
            container[key] = copy.deepcopy(value)  # a later change must not reach into what was drawn
    found = refused(lambda: campaign_from(document, Path("c.toml")))
    assert all(problem.startswith("c.toml: ") and problem.isprintable() for problem in found)


@settings(max_examples=80)
@given(st.randoms(use_true_random=False))
def test_a_mangled_file_is_refused_or_loaded(tmp_path_factory: pytest.TempPathFactory, chance: random.Random) -> None:
    content = bytearray(GOOD.encode())
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(content))
        end = min(len(content), start + chance.randint(0, 30))
        content[start:end] = bytes(chance.choice(b'[]{}=",\n\x00\xff-19aex.') for _ in range(chance.randint(0, 4)))
    path = tmp_path_factory.getbasetemp() / "mangled.toml"
    path.write_bytes(content)
    assert all(problem.startswith(f"{path}:") for problem in refused(lambda: load_campaign(path)))


@settings(max_examples=80)
@given(st.lists(st.text(max_size=30) | st.from_regex(r"(trainer|phase\.first|data)\.[a-z]{1,5}=.{0,8}"), max_size=3))
def test_any_setting_is_refused_or_applied(changes: list[str]) -> None:
    found = refused(lambda: campaign_from(tomllib.loads(GOOD), Path("c.toml"), changes))
    assert all(problem.startswith(("c.toml: ", "--set ")) for problem in found)


def test_seed_and_priority_have_defaults(tmp_path: Path) -> None:
    campaign = load(tmp_path, re.sub(r"(?m)^(seed|priority) = \d+$", "", GOOD))
    assert {phase.priority for phase in campaign.phases} == {5}
    assert next(campaign.tasks).trainer.seed == 42


@pytest.mark.parametrize(
    ("other", "name"),
    [("learning_rate", "lr"), ("hidden_units", "hidden_dims"), ("n_epochs", "epochs"), ("cql_alpha", "alpha")],
)
def test_names_of_other_tools_are_understood(tmp_path: Path, other: str, name: str) -> None:
    found = problems(tmp_path, GOOD.replace("[trainer]", f"[trainer]\n{other} = 1"))
    assert found == [f"c.toml: trainer.{other}: unknown key; did you mean {name}?"]
