"""The pages: their links lead somewhere, their Python runs, the commands and options they name exist."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from cqltui.algorithms import named
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.cli import COMMANDS, _load
from cqltui.commands.status import as_json
from cqltui.ledger.export import EXPORT_COLUMNS, document
from cqltui.ledger.standing import standing
from cqltui.reporters.jsonl import to_line
from cqltui.results.overview import RunOverview
from cqltui.results.record import TaskStanding
from cqltui.results.rundir import RunDir
from cqltui.results.tables import result_columns, write_results
from cqltui.state.described import PhaseInfo, Verdict
from cqltui.state.events import Event, Kind
from cqltui.state.hardware import DeviceUse
from cqltui.state.model import Lifecycle, Progress, Status, TaskState
from cqltui.state.placed import BlockInfo, JobInfo
from tests.unit.made import leave_result
from tests.unit.runs import LAUNCH, info, run_of
from trainer.progress import METRIC_COLUMNS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text(page: Path) -> str:
    """A page."""
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def blocks(page: Path, language: str) -> list[str]:
    """The code of a language."""
    return [code for name, code in FENCE.findall(text(page)) if name == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", text(page))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in LINK.findall(text(ROOT / "README.md"))}
    assert {f"docs/{page.name}" for page in ROOT.glob("docs/*.md")} <= linked
    assert len(text(ROOT / "README.md").splitlines()) < 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    if page.name == "CHANGELOG.md":  # it tells of what was
        return
    named = re.findall(r"`([\w./-]+\.(?:py|lua|toml|tcss|lock))`", text(page))
    made_up = {"file.csv", "count.py", "cqltui/algorithms/dqn.py"}
    for name in set(named) - made_up:
        places = [ROOT, ROOT / "cqltui", ROOT / "trainer", ROOT / "tests", page.parent]
        assert any((place / name).exists() for place in places) or any(
            any((ROOT / room).rglob(name)) for room in ("cqltui", "trainer", "tests")
        ), name


def typed() -> Iterator[tuple[str, list[str]]]:
    """Every call of cqltui in code, with something after it: (page, words)."""
    for page in PAGES:
        spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", text(page)))
        for line in (*spans, *"\n".join(blocks(page, "sh")).splitlines()):
            if found := re.search(r"(?:^|[ (])cqltui ((?:(?!  |[#|)]).)+)", line):
                yield page.name, found[1].split()


def options_of(command: str) -> set[str]:
    """The options of a command, those of its actions among them."""
    parser = argparse.ArgumentParser()
    parser.set_defaults(command=command)
    _load(command).add_arguments(parser)
    return set(options_in(parser))


def options_in(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The options of a parser and of those within it."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            yield from chain.from_iterable(map(options_in, action.choices.values()))


def test_commands_and_options_exist() -> None:
    found = 0
    for page, words in typed():
        command = words[0] if re.fullmatch(r"[a-z][a-z-]+", words[0]) else "run"
        if command == "run" and words[0] in ("COMMAND", "--version"):
            continue
        assert command in COMMANDS, f"{page}: cqltui {' '.join(words)}"
        found += 1
        known = options_of(command)
        for word in words[1:]:
            if re.match(r"--?[a-z]", word):
                option = re.split(r"[=\]]", word)[0].rstrip(").,:;")
                assert option in known, f"{page}: cqltui {' '.join(words)}"
    assert found > 60


def test_every_command_is_in_a_page() -> None:
    every = "\n".join(map(text, PAGES))
    assert [name for name in COMMANDS if name not in ("run", "supervise") and f"cqltui {name}" not in every] == []


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """The results of a run as the pages name it, made up, in the current folder."""
    monkeypatch.chdir(tmp_path)
    campaign = load_campaign(ROOT / "campaigns/quick.toml").identified("data")
    run_dir = RunDir(tmp_path / "runs/quick")
    for task in campaign.tasks:
        token = f"1-{task.id}"
        document = leave_result(run_dir.task(task.id), task.id, 1, token)
        assert document["task_id"] == task.id
    run_dir.results.mkdir()
    write_results(run_dir, campaign, {task.id: TaskStanding(Status.DONE, 1) for task in campaign.tasks})
    return campaign


def test_the_python_of_the_results_runs(quick: Campaign) -> None:
    code = "\n".join(blocks(ROOT / "docs/results.md", "python"))
    # Those of a made-up run were not validated.
    code = code.replace('float(row["val_loss"])', 'float(row["loss"])')
    ran = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == len(quick.phases) + 1


def test_the_python_of_the_events_runs(tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "docs/events.md", "python")
    lines = (
        '{"kind": "progress", "data": {}}\n'
        '{"kind": "task.done", "task": "a", "data": {"report": {"metrics": {"loss": 0.5}}}}\n'
        '{"kind": "exit", "code": 0}\n'
    )
    ran = subprocess.run([sys.executable, "-c", code], input=lines, capture_output=True, text=True, timeout=60)
    assert ran.stdout.splitlines() == ["1 done, the latest with a loss of 0.5000", "ended with exit code 0"]


def test_all_python_is_run_here() -> None:
    assert {page.name for page in PAGES if blocks(page, "python")} - {"training.md"} == {"results.md", "events.md"}


def test_every_kind_of_event_is_explained() -> None:
    page = text(ROOT / "docs/events.md")
    assert [kind for kind in Kind if kind is not Kind.TICK and f"`{kind}`" not in page] == []


def test_every_column_is_explained(quick: Campaign) -> None:
    page = text(ROOT / "docs/results.md")
    algorithm = next(quick.tasks).algorithm
    settings = {setting.name for setting in algorithm.settings}
    columns = {*result_columns(algorithm), *METRIC_COLUMNS} - settings
    assert [column for column in columns if f"`{column}`" not in page] == []


def test_every_column_of_the_ledger_is_explained() -> None:
    page = text(ROOT / "docs/deploying.md")
    assert [column for column in EXPORT_COLUMNS if f"`{column}`" not in page] == []
    assert [name for name in document(standing([], None)) if f"`{name}`" not in page] == []


def test_the_campaign_of_the_readme_is_one(tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "README.md", "toml")
    path = tmp_path / "night.toml"
    path.write_text(code, encoding="utf-8")
    campaign = load_campaign(path)
    assert len(list(campaign.tasks)) == 4


def test_every_key_of_the_json_is_explained() -> None:
    page = text(ROOT / "docs/events.md")
    known = {word for span in re.findall(r"`([^`\n]+)`", page) for word in re.findall(r"\w+", span)}
    state = run_of([TaskState(info(1), Lifecycle((1, 1), Status.DONE))], phases=[PhaseInfo("ensemble")])
    told = as_json(state, LAUNCH, "running")
    line = json.loads(to_line(Event(Kind.NOTICE, 1.0)))
    keys = {*told, *told["phases"][0], *told["tasks"][0], *told["speed"], *line}
    for shape in (RunOverview, DeviceUse, Lifecycle, Progress, Verdict, BlockInfo, JobInfo):
        keys |= {*shape.__struct_fields__}
    metrics = {metric.name for metric in named("cql").metrics}
    assert keys - known - metrics - {"version"} == set()
