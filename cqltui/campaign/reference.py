"""The campaign file described from its tables: as JSON Schema for editors, and as a reference for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from cqltui.algorithms import ALGORITHMS, DEFAULT
from cqltui.algorithms.base import REQUIRED, setting_text
from cqltui.campaign import blocks, schema
from cqltui.campaign.answers import ANSWERS
from cqltui.campaign.criteria import CHECKS, Check
from cqltui.campaign.key import Key, Table
from cqltui.campaign.notifying import NOTIFY
from cqltui.campaign.schema import MAX_TASKS, TrainingSchema
from cqltui.campaign.storing import STORE
from cqltui.fields import anything

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The version that editors' TOML plugins (taplo, Even Better TOML) understand."""
TITLES = {
    "campaign": "`[campaign]`: what it is called",
    "data": "`[data]`: where the transitions come from",
    "trainer": "`[trainer]`: how a network is trained",
    "phase": "`[[phase]]`: tasks that answer questions together",
    "task": "`[[phase.task]]`: one task",
    "grid": "`[phase.grid]`: a task for each combination",
    "workers": "`[workers]`: how many, and how they are supervised",
    "blocks": "`[[workers]]`: workers here and elsewhere ([machines](machines.md))",
    "slurm": '`[[workers]]` with `kind = "slurm"`',
    "ssh": '`[[workers]]` with `kind = "ssh"`: machines that `ssh` reaches',
    "command": '`[[workers]]` with `kind = "command"`: programs start, list and stop workers',
    "queue": "`[queue]`: the queue's own settings, wherever its workers are",
    "redis": "`[redis]`: the queue's server",
    "store": "`[store]`: files of workers elsewhere ([workers elsewhere](servers.md))",
    "evaluate": "`[evaluate]`: how it is told whether there is an edge",
    "report": "`[report]`: the report of the run",
    "notify": "`[notify]`: who is told what happens ([notices](notify.md))",
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a campaign file."""
    training = TrainingSchema.of(ALGORITHMS[DEFAULT])
    phase = _table(training.phase)
    phase["properties"] |= {
        "task": {"type": "array", "items": _table(training.task)},
        "grid": _table(training.grid),
        "criterion": {"type": "array", "items": {"anyOf": list(_asked("check", CHECKS))}},
    }
    phase["properties"]["questions"]["items"] = {"anyOf": [dict(schema.LINE.schema), *_asked("answer", ANSWERS)]}
    tables = {name: _table(table) for name, table in schema.TABLES.items()}
    several = {"type": "array", "minItems": 1, "items": _block()}
    tables["workers"] = {"if": {"type": "array"}, "then": several, "else": tables["workers"]}
    return {
        "$schema": DRAFT,
        "title": "Campaign file of cqltui",
        "type": "object",
        "properties": {
            **tables,
            "trainer": _table(training.trainer),
            "phase": {"type": "array", "minItems": 1, "items": phase},
        },
        "required": ["campaign", "phase"],
        "additionalProperties": False,
    }


def _block() -> dict[str, Any]:
    """Return the schema of a block of workers."""
    kinds = {"local": blocks.LOCAL} | {kind: {**blocks.COMMON, **table} for kind, table in blocks.OF_KIND.items()}
    choices = []
    for kind, table in kinds.items():
        required = ["kind"] if kind == "local" else ["kind", "count"]
        is_it = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
        choices.append({"if": is_it, "then": _table(table) | {"required": required}})
    return {"type": "object", "required": ["kind"], "allOf": choices}


def _table(table: Table) -> dict[str, Any]:
    # Settings may also stand in a table around this one: what a task lacks, only the whole file can tell.
    required = [name for name, key in table.items() if key.default is REQUIRED and name == "name"]
    return {
        "type": "object",
        "properties": {name: _key(key) for name, key in table.items()},
        "additionalProperties": False,
    } | ({"required": required} if required else {})


def _key(key: Key) -> dict[str, Any]:
    described = {**key.read.schema, "description": key.help}
    return described if key.default is REQUIRED or key.default is None else described | {"default": key.default}


def _asked(kind: str, known: Mapping[str, Check]) -> Iterator[dict[str, Any]]:
    """Yield the schema of each check, or answer, with its parameters."""
    for name, check in known.items():
        properties: dict[str, Any] = {"text": {"type": "string"}, kind: {"const": name}}
        properties |= {param: dict(spec.read.schema) for param, spec in check.params.items()}
        required = [param for param, spec in check.params.items() if spec.default is REQUIRED]
        named = [] if name == "metric" else [kind]  # a criterion with a metric and no check is a comparison
        yield {
            "type": "object",
            "properties": properties,
            "required": ["text", *named, *required],
            "additionalProperties": False,
        }


def markdown() -> str:
    """Return the reference of the campaign file."""
    training = TrainingSchema.of(ALGORITHMS[DEFAULT])
    lines = [
        "# The campaign file",
        "A TOML file. Wrong values and unknown keys are refused, all at once: file, line, key and what is expected.",
        "`--set trainer.lr=5e-5` changes a key for one run; `cqltui schema` prints the JSON Schema for editors.",
        "This page is made from the tables that the file is read with (`make docs`).",
    ]
    tables: Mapping[str, Table] = {
        "campaign": schema.CAMPAIGN,
        "data": schema.DATA,
        "trainer": training.trainer,
        "phase": {
            name: key
            for name, key in training.phase.items()
            if name not in training.settings and key.read is not anything  # those have a section each
        },
        "task": {name: key for name, key in training.task.items() if name not in training.settings},
        "workers": schema.WORKERS,
        "blocks": blocks.COMMON,
        "slurm": blocks.SLURM,
        "ssh": blocks.SSH,
        "command": blocks.COMMAND,
        "queue": schema.QUEUE,
        "redis": schema.REDIS,
        "store": STORE,
        "evaluate": schema.EVALUATE,
        "report": schema.REPORT,
        "notify": NOTIFY,
    }
    for name, table in tables.items():
        lines += ["", f"## {TITLES[name]}"]
        if name == "blocks":
            lines += [*_BLOCKS, ""]
        if name in ("phase", "task"):
            lines += ["And every setting of `[trainer]`: the one nearest to the task holds.", ""]
        lines += ["| key | value | default | what it is |", "| --- | --- | --- | --- |"]
        lines += [_row(key, entry) for key, entry in table.items()]
        if name == "task":
            lines += ["", f"## {TITLES['grid']}", *_GRID]
    lines += ["", "## `[[phase.criterion]]`: when a phase has succeeded", *_CRITERION]
    lines += map(_declared, CHECKS, CHECKS.values())
    lines += ["", "## `questions`: what a phase is to answer", *_QUESTION]
    lines += map(_declared, ANSWERS, ANSWERS.values())
    return "\n".join(lines) + "\n"


_BLOCKS = (
    "Several blocks in place of the table `[workers]`. `--workers` and the screen's `w` mean the one whose kind is",
    "local, which has the keys of `[workers]` but for the queue's. A block of another kind starts programs, which",
    "`cqltui plan` shows.",
)
_GRID = (
    "A list of values for any setting; `seed` may be `{ from = 42, to = 61 }`, both ends included. The first key",
    f"varies slowest, the last fastest. A campaign has at most {MAX_TASKS:,} tasks.",
)
_CRITERION = (
    "`text` says it for people; `check` names how it is judged. With a `metric` and no `check` it is `metric`.",
    "",
    "| check | met when | parameters |",
    "| --- | --- | --- |",
)


_QUESTION = (
    "A question is a text, or a table with the figures that answer it:",
    '`{ text = "Does it converge?", answer = "convergence" }`. The figures stand in the summary below the phase and in',
    "`results/answers.json` ([results](results.md)); where they compare by validation rows, they say so.",
    "",
    "| answer | figures | parameters |",
    "| --- | --- | --- |",
)


def _declared(name: str, check: Check) -> str:
    """Return the row of a check or an answer."""
    params = "; ".join(_parameter(param, spec.read.expected, spec.default) for param, spec in check.params.items())
    return f"| `{name}` | {check.help} | {params or 'none'} |"


def _row(name: str, key: Key) -> str:
    return f"| `{name}` | {_cell(key.read.expected)} | {_default(key.default)} | {_cell(key.help)} |"


def _parameter(name: str, expected: str, default: Any) -> str:
    said = "required" if default is REQUIRED else f"default {_default(default)}"
    return f"`{name}`: {_cell(expected)} ({said})"


def _default(value: Any) -> str:
    if value is REQUIRED:
        return "required"
    return "" if value is None else f"`{setting_text(value)}`" if value not in ("", ()) else "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
