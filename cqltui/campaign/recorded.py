"""A campaign as campaign.json has it (`cqltui.supervisor.manifest.resolved`): what the results of a run are made of, as
far as its directory tells. Read as carefully as a campaign file: the directory may be somebody else's."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cqltui.campaign.asked import Reading, read_criteria, read_questions
from cqltui.campaign.compact import read_grid
from cqltui.campaign.key import readers
from cqltui.campaign.model import (
    Campaign,
    Criterion,
    EvaluateConfig,
    Phase,
    RedisConfig,
    TaskSpec,
    WorkersConfig,
)
from cqltui.campaign.payload import read_trainer
from cqltui.campaign.schema import EVALUATE, MAX_TASKS, NAME, PRIORITY
from cqltui.fields import INVALID, Problems, Reader, number, read_table, text
from trainer.config import DataConfig

_LINE, _LINES = text(), text(multiline=True)
_NUMBER = number("a finite number", lambda value: True)


def read_recorded(known: Mapping[str, Any], data: DataConfig, path: Path) -> Campaign:
    """Return the campaign without its workers and its server, which no result depends on. `path`: of campaign.json.

    Raises InputError with one line for each problem.
    """
    problems = Problems(str(path))
    phases = tuple(_phases(known.get("phases"), "campaign.phases", problems))
    name = NAME(known.get("name"), "campaign.name", problems)
    title = _said(known, "title", "campaign", _LINE, problems)
    description = _said(known, "description", "campaign", _LINES, problems)
    evaluate = _evaluate(known.get("evaluate", {}), problems)
    problems.raise_any()
    return Campaign(name, title, description, data, WorkersConfig(), RedisConfig(), phases, path, evaluate)


def _evaluate(table: object, problems: Problems) -> EvaluateConfig:
    """Return how it is evaluated. An earlier version wrote no such table, or fewer keys; what is not set is null."""
    given = {name: value for name, value in table.items() if value is not None} if isinstance(table, dict) else table
    read = read_table(given, "campaign.evaluate", readers(EVALUATE), problems)
    return EvaluateConfig(**read)


def _phases(items: object, key: str, problems: Problems) -> Iterator[Phase]:
    most = MAX_TASKS
    for place, raw in _tables(items, key, problems):
        name = NAME(raw.get("name"), f"{place}.name", problems)
        priority = PRIORITY(raw.get("priority"), f"{place}.priority", problems)
        if INVALID in (name, priority):
            continue
        tasks = tuple(_tasks(raw.get("tasks"), f"{place}.tasks", name, problems, most))
        most -= len(tasks)
        if not tasks:
            problems.add(f"{place}.tasks", "there is no task")
        reading = Reading(problems, frozenset(task.trainer.algorithm for task in tasks))
        questions = raw.get("questions", [])
        if not isinstance(questions, list):
            problems.expected(f"{place}.questions", "a list", questions)
            questions = []
        yield Phase(
            name=name,
            title=_said(raw, "title", place, _LINE, problems),
            priority=priority,
            goal=_said(raw, "goal", place, _LINES, problems),
            questions=tuple(read_questions(questions, f"{place}.questions", reading)),
            expected=_said(raw, "expected", place, _LINES, problems),
            tasks=tasks,
            criteria=tuple(_criteria(raw.get("criteria"), f"{place}.criteria", reading)),
        )


def _tasks(items: object, key: str, phase: str, problems: Problems, most: int) -> Iterator[TaskSpec]:
    for place, raw in _tables(items, key, problems):
        if "grid" not in raw:
            found = _task(raw, place, phase, problems)
            made: Iterable[TaskSpec] = () if found is None else (found,)
        elif (found := _task(raw.get("task"), f"{place}.task", phase, problems)) is not None:
            made = read_grid(raw, place, found, problems, most)
        else:
            made = ()
        for task in made:
            most -= 1
            yield task


def grid_tasks(grids: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[TaskSpec]:
    """Yield the tasks of large grids, each given by its phase and its item of the phase's tasks; none of one of which
    anything is wrong, and no more than a campaign has."""
    most = MAX_TASKS
    for phase, item in grids:
        tasks = tuple(_tasks([item], "", phase, problems := Problems(""), most))
        if not problems.first:
            most -= len(tasks)
            yield from tasks


def _task(raw: object, place: str, phase: str, problems: Problems) -> TaskSpec | None:
    if not isinstance(raw, dict):
        problems.expected(place, "an object", raw)
        return None
    try:
        trainer = read_trainer(raw)
    except (KeyError, TypeError, ValueError) as error:
        problems.add(f"{place}.trainer", f"cannot be read ({str(error)[:200]})")
        return None
    priority = PRIORITY(raw.get("priority"), f"{place}.priority", problems)
    said = raw.get("baseline_loss")
    baseline = None if said is None else _NUMBER(said, f"{place}.baseline_loss", problems)
    title, description = (_said(raw, name, place, _LINE, problems) for name in ("title", "description"))
    return TaskSpec(phase, title, description, priority, trainer, baseline)


def _criteria(items: object, key: str, reading: Reading) -> Iterator[Criterion]:
    """Yield the criteria, whose parameters are (name, value) pairs here."""
    tables = []
    for place, raw in _tables(items, key, reading.problems):
        pairs = raw.get("params")
        if not isinstance(pairs, list) or not all(
            isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
        ):
            reading.problems.expected(f"{place}.params", "(name, value) pairs", pairs)
            continue
        tables.append({**dict(pairs), "text": raw.get("text"), "check": raw.get("check")})
    yield from read_criteria(tables, key, reading)


def _tables(items: object, key: str, problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each object of a list with its place; whatever else there is, is a problem."""
    if not isinstance(items, list):
        problems.expected(key, "a list", items)
        return
    for index, item in enumerate(items):
        if isinstance(item, dict):
            yield f"{key}[{index}]", item
        else:
            problems.expected(f"{key}[{index}]", "an object", item)


def _said(raw: Mapping[str, Any], name: str, place: str, read: Reader, problems: Problems) -> str:
    """Return a text that may be empty."""
    found = raw.get(name, "")
    return "" if found == "" else str(read(found, f"{place}.{name}", problems))
