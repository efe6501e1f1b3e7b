"""TOML file and `--set` settings -> Campaign. Problems name file, key and what was expected, all of them at once."""

import codecs
import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from cqltui.algorithms import DEFAULT, named
from cqltui.algorithms.base import REQUIRED, Algorithm, settings_title
from cqltui.campaign import grid, schema
from cqltui.campaign.asked import Reading, phase_names, read_criteria, read_questions, title
from cqltui.campaign.blocks import merged, read_blocks, redirected
from cqltui.campaign.document import parse_toml
from cqltui.campaign.key import readers
from cqltui.campaign.lines import line_of
from cqltui.campaign.model import (
    Campaign,
    EvaluateConfig,
    NotifyConfig,
    Phase,
    RedisConfig,
    ReportConfig,
    StoreConfig,
    TaskSpec,
    WorkersConfig,
)
from cqltui.campaign.notifying import NOTIFY
from cqltui.campaign.schema import DEFAULT_PRIORITY, MAX_TASKS, TrainingSchema
from cqltui.campaign.settings import EPOCHS_SCALE, apply_settings, parse_settings
from cqltui.campaign.storing import STORE
from cqltui.errors import InputError
from cqltui.fields import INVALID, Problems, item_path, positive, read_table
from trainer.config import STATE_COLUMNS, DataConfig, TrainerConfig
from trainer.files import read_regular
from trainer.names import suggestion

MAX_PHASES = 1000
LARGEST_BYTES = 1 << 20
"""Of a campaign file: 6,000 tables of tasks, and a grid makes more of a line. The parser takes two seconds for what is
worst."""

Settings = dict[str, Any]
"""Trainer settings that were read, not yet complete; a value may be INVALID."""


def load_campaign(path: Path, settings: Sequence[str] = ()) -> Campaign:
    """Read a campaign file, changed by `settings` (the KEY=VALUE of `--set`).

    A relative `data.path` starts at the file's folder, one from `settings` at the working directory. Raises InputError
    with one line for each problem.
    """
    try:
        content = read_regular(path, LARGEST_BYTES)
    except IsADirectoryError:
        raise InputError(f"{path}: a folder; expected a campaign file (TOML)") from None
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        fix = "; make its tasks by [phase.grid]" if getattr(error, "errno", None) == errno.EFBIG else ""
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}{fix}") from None
    lines = line_of(content.removeprefix(codecs.BOM_UTF8), lambda: parse_toml(content, path))
    return campaign_from(parse_toml(content, path), path, settings, lines)


def campaign_from(
    document: dict[str, Any],
    path: Path,
    settings: Sequence[str] = (),
    lines: Callable[[str], int | None] = lambda _: None,
) -> Campaign:
    """Return the campaign that a parsed file describes; `settings` change `document` in place. `lines` tells the line
    of a key path. Errors as `load_campaign`."""
    mistakes = Problems(str(path))
    changes = parse_settings(settings, mistakes)
    scale = changes.pop(EPOCHS_SCALE, 1.0)
    set_paths = apply_settings(document, redirected(document, changes), mistakes)
    mistakes.raise_any()  # a setting that leads nowhere makes what follows misleading

    problems = Problems(str(path), set_paths, lines)
    if positive(1000.0)(scale, EPOCHS_SCALE, command_line := Problems(str(path), {EPOCHS_SCALE})) is INVALID:
        command_line.raise_any()
    tables = read_table(document, "", schema.FILE, problems, schema.MISPLACED)
    head = read_table(tables.get("campaign", {}), "campaign", readers(schema.CAMPAIGN), problems)
    if "name" not in head:
        problems.add("campaign.name", "is missing; it names the run directory")
    algorithm = named(_algorithm_name(tables.get("trainer")))
    training = TrainingSchema.of(algorithm)
    trainer = read_table(tables.get("trainer", {}), "trainer", readers(training.trainer), problems, training.hints)
    state_cols = trainer.pop("state_cols", None)
    data = _data(tables.get("data", {}), state_cols, path, set_paths, problems)
    blocks = read_blocks(tables.get("workers", {}), problems)
    queue = read_table(tables.get("queue", {}), "queue", readers(schema.QUEUE), problems)
    workers = merged(blocks.local, queue, problems)
    redis = read_table(tables.get("redis", {}), "redis", readers(schema.REDIS), problems)
    store = read_table(tables.get("store", {}), "store", readers(STORE), problems)
    evaluate = read_table(tables.get("evaluate", {}), "evaluate", readers(schema.EVALUATE), problems)
    report = read_table(tables.get("report", {}), "report", readers(schema.REPORT), problems)
    notify = read_table(tables.get("notify", {}), "notify", readers(NOTIFY), problems)
    phases = _phases(tables.get("phase", []), _Context(problems, algorithm, training, trainer, float(scale)))
    problems.raise_any()
    return Campaign(
        name=head["name"],
        title=head.get("title", head["name"]),
        description=head.get("description", ""),
        data=data,
        workers=WorkersConfig(**workers),
        redis=RedisConfig(**redis),
        phases=phases,
        path=path.absolute(),
        evaluate=EvaluateConfig(**evaluate),
        report=ReportConfig(**report),
        notify=NotifyConfig(**notify),
        store=StoreConfig(**store),
        blocks=blocks.remote,
    )


def _algorithm_name(trainer: object) -> str:
    """Return what [trainer] names, if anything: the rest is read by that algorithm's table."""
    name = trainer.get("algorithm") if isinstance(trainer, dict) else None
    return name if isinstance(name, str) else DEFAULT


def _data(table: object, state_cols: Any, path: Path, set_paths: set[str], problems: Problems) -> DataConfig:
    """Return the [data] table. Keys that its source does not use are problems, or are dropped if `--set` chose the
    source."""
    read = read_table(table, "data", readers(schema.DATA), problems)
    source = read.get("source", "simulated")
    if INVALID in read.values() or state_cols is INVALID:
        return DataConfig()
    for key in sorted(read.keys() - schema.SOURCE_KEYS[source]):
        if "data.source" in set_paths and f"data.{key}" not in set_paths:
            del read[key]
        else:
            problems.add(f"data.{key}", f"is not used by source = {source!r}; remove it")
    split = read.pop("split", {})
    if source != "logged" and split and split["split"].validation_fraction is not None:
        expected = "expected {validation_seasons = N, test_seasons = N}"
        problems.add("data.split", f"source = {source!r} is split by seasons: {expected}")
    if "path" in read:
        base = Path.cwd() if "data.path" in set_paths else path.absolute().parent
        read["path"] = base / read["path"]
    elif source != "simulated":
        problems.add("data.path", f"is missing; source = {source!r} needs the path of a CSV file")
    if state_cols is not None:
        if source != "logged" and (other := [c for f, c in state_cols if c not in STATE_COLUMNS or f != c]):
            problems.add("trainer.state_cols", f"unknown feature {other[0]!r}{suggestion(other[0], STATE_COLUMNS)}")
        read["state_cols"] = state_cols
    return DataConfig(**read, **split)


class _Context(Struct):
    """What the phases are read with."""

    problems: Problems
    algorithm: Algorithm
    schema: TrainingSchema
    trainer: Settings
    """The defaults of [trainer]."""
    epochs_scale: float
    tasks: int = 0
    """Tasks so far."""
    required: tuple[str, ...] = ()
    defaults: Settings = {}
    """Of the algorithm's settings that have one."""

    def __post_init__(self) -> None:
        self.required = self.schema.required
        self.defaults = {s.name: s.default for s in self.algorithm.settings if s.default is not REQUIRED}


def _phases(tables: object, context: _Context) -> tuple[Phase, ...]:
    problems = context.problems
    if not isinstance(tables, list):
        problems.expected("phase", "[[phase]] (a list of tables)", tables)
        return ()
    if not tables:
        problems.add("phase", "there is no phase; add a [[phase]]")
    if len(tables) > MAX_PHASES:
        problems.add("phase", f"there are {len(tables):,} phases; a campaign has at most {MAX_PHASES:,}")
        return ()
    phases: list[Phase] = []
    for index, table in enumerate(tables):
        phase = _phase(table, item_path("phase", index, table), context)
        if any(phase.name == other.name for other in phases):
            problems.add(f"phase[{index}].name", f"{phase.name!r} is the name of an earlier phase")
        elif phase.name:
            phases.append(phase)
    names = [phase.name for phase in phases]
    for phase in phases:
        for asked in phase.asked:
            for parameter, name in phase_names(asked):
                if name not in names:
                    place = f"phase.{phase.name}.{title(asked)}.{parameter}"
                    problems.add(place, f"there is no phase {name!r}{suggestion(name, names)}")
    return tuple(phases)


def _phase(table: object, key: str, context: _Context) -> Phase:
    """Return one phase; its name is empty where it has none that can be used."""
    problems = context.problems
    read = read_table(table, key, readers(context.schema.phase), problems, context.schema.hints)
    if "name" not in read and isinstance(table, dict):
        problems.add(f"{key}.name", "is missing")
    name = read["name"] if isinstance(read.get("name"), str) else ""
    defaults = context.trainer | {setting: read[setting] for setting in context.schema.settings if setting in read}
    shape = _TaskShape(name, read.get("priority", DEFAULT_PRIORITY), defaults)
    tasks = [*_listed(read.get("task", []), f"{key}.task", shape, context)]
    listed = len(tasks)
    if "grid" in read:
        tasks += _grid(read["grid"], f"{key}.grid", shape, context)
    elif not read.get("task") and isinstance(table, dict):
        problems.add(key, "has no task; add a [[phase.task]] or a [phase.grid]")
    _report_duplicates(tasks, problems)
    questions = read.get("questions", ())
    reading = Reading(problems, frozenset(task.trainer.algorithm for _, task in tasks), context.epochs_scale)
    return Phase(
        name=name,
        title=read.get("title", name),
        priority=read.get("priority", DEFAULT_PRIORITY),
        goal=read.get("goal", ""),
        questions=() if questions is INVALID else tuple(read_questions(questions, f"{key}.questions", reading)),
        expected=read.get("expected", ""),
        tasks=tuple(task for _, task in tasks),
        criteria=tuple(read_criteria(read.get("criterion", []), f"{key}.criterion", reading)),
        defaults=_defaults(defaults, context),
        listed=listed,
    )


def _defaults(settings: Settings, context: _Context) -> dict[str, Any]:
    """Return the value of each setting that a task of the phase does not set. What the machine decides is left out."""
    known = {s.name: settings.get(s.name, s.default) for s in context.algorithm.settings}
    if _is_auto(settings):
        known.pop("precision", None)
    scales = {s.name: s.scaled for s in context.algorithm.settings if s.scaled is not None}
    return {
        name: scales[name](value, context.epochs_scale) if name in scales else value
        for name, value in known.items()
        if value not in (REQUIRED, INVALID)
    }


class _TaskShape(Struct, frozen=True):
    """What the tasks of a phase have in common."""

    phase: str
    priority: int
    defaults: Settings = field(default_factory=dict)


Placed = tuple[str, TaskSpec]
"""A task with its key path."""


def _listed(tables: object, key: str, shape: _TaskShape, context: _Context) -> Iterator[Placed]:
    """Yield the [[phase.task]] tables."""
    if not isinstance(tables, list):
        context.problems.expected(key, "[[phase.task]] (a list of tables)", tables)
        return
    context.tasks += len(tables)
    if context.tasks > MAX_TASKS:
        context.problems.add(key, f"has {len(tables):,} tasks; a campaign has at most {MAX_TASKS:,}")
        return
    for index, table in enumerate(tables):
        place = f"{key}[{index}]"
        read = read_table(table, place, readers(context.schema.task), context.problems, context.schema.hints)
        own = {name: value for name, value in read.items() if name in context.schema.settings}
        config = _config(shape.defaults | own, place, context)
        if config is None or INVALID in read.values():
            continue
        description = read.get("description", "")
        title = description or settings_title(own) or f"task {index + 1}"
        yield (
            place,
            TaskSpec(
                shape.phase, title, description, shape.priority, config, read.get("baseline_loss"),
                auto_precision=_is_auto(shape.defaults | own),
            ),
        )  # fmt: skip


def _grid(table: object, key: str, shape: _TaskShape, context: _Context) -> Iterator[Placed]:
    """Yield the [phase.grid] table: one task for each combination."""
    axes = read_table(table, key, readers(context.schema.grid), context.problems, context.schema.hints)
    if not axes and isinstance(table, dict) and not table:
        context.problems.expected(key, "at least one setting with a list of values", table)
    if not axes or any(values is INVALID for values in axes.values()):
        return
    context.tasks += grid.size(axes)
    if context.tasks > MAX_TASKS:
        context.problems.add(key, f"makes {grid.size(axes):,} tasks; a campaign has at most {MAX_TASKS:,}")
        return
    for point in grid.points(axes):
        config = _config(shape.defaults | point, key, context)
        if config is None:
            return  # the same setting is missing for all points
        title, auto = grid.point_title(axes, point), _is_auto(shape.defaults | point)
        yield key, TaskSpec(shape.phase, title, "", shape.priority, config, auto_precision=auto)


def _is_auto(settings: Settings) -> bool:
    """Return whether the machine decides on the precision."""
    return bool(settings.get("precision", "auto") == "auto")


def _config(settings: Mapping[str, Any], place: str, context: _Context) -> TrainerConfig | None:
    """Return a task's settings, complete, or None where one is missing or wrong; "auto" precision is fp32 until a
    machine is known (`Campaign.with_auto_precision`)."""
    missing = [name for name in context.required if name not in settings]
    if missing:
        context.problems.add(place, f"{' and '.join(missing)} missing; give a value here, in the phase or in [trainer]")
    if missing or any(value is INVALID for value in settings.values()):
        return None
    config = context.algorithm.config({**context.defaults, **settings})
    return config if context.epochs_scale == 1.0 else context.algorithm.scaled(config, context.epochs_scale)


def _report_duplicates(tasks: Sequence[Placed], problems: Problems) -> None:
    """Refuse two tasks of a phase that would give the same weights: that is a mistake."""
    first: dict[bytes, Placed] = {}
    for placed in tasks:
        place, task = placed
        identity = str(task.algorithm.identity(task.trainer)).encode()
        other_place, other = first.setdefault(blake2b(identity, digest_size=16).digest(), placed)
        if other is not task:
            problems.add(
                place,
                f"the task {task.title!r} repeats {other.title!r} in {other_place}: remove one, or change a setting",
            )
