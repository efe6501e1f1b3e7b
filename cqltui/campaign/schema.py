"""The keys of a campaign file, each with what its value must be. `load` puts the values together."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from cqltui.algorithms.base import MAX_SEED, REQUIRED, Algorithm
from cqltui.campaign.key import Key, Table
from cqltui.campaign.model import EvaluateConfig, ReportConfig, WorkersConfig
from cqltui.campaign.notifying import NOTIFY
from cqltui.campaign.splits import split
from cqltui.campaign.storing import STORE
from cqltui.fields import (
    INVALID,
    Problems,
    Reader,
    accepting,
    anything,
    boolean,
    choice,
    integer,
    list_of,
    matching,
    number,
    positive,
    read_table,
    text,
)
from trainer.config import LARGEST_EDGE_SIZE, STATE_COLUMNS, DataConfig

MAX_TASKS = 1_000_000
"""Of a campaign, and of values of a setting."""
MAX_SECONDS = 7 * 86_400.0
NOT_FEATURES = frozenset({"action", "r", "game_id", "season", "week", "b_prob", "home_score", "away_score", "result"})
"""Columns of a `logged` file that are no features; most of them would tell the network the answer."""

NAME = matching(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}",
    "a name of letters, digits, - and _, 1 to 64 characters, the first a letter or digit",
)
LINE = text(limit=200)
SEED = integer(0, MAX_SEED)
SECONDS = positive(MAX_SECONDS)
PRIORITY = integer(0, 1_000_000)


_DATA, _WORKERS, _EVALUATE, _REPORT = DataConfig(), WorkersConfig(), EvaluateConfig(), ReportConfig()
"""Their defaults."""


def _read_state_cols(value: object, key: str, problems: Problems) -> Any:
    """Read `["edge", "p_hat"]`, which chooses columns, or `{edge = "my_edge"}`, which chooses features and says in
    which columns they are."""
    if isinstance(value, dict):
        if not value:
            return problems.expected(key, "at least one feature", value)
        pairs: Any = tuple(read_table(value, key, dict.fromkeys(STATE_COLUMNS, LINE), problems).items())
    else:
        names = list_of(LINE, "columns", high=1000, unique=True)(value, key, problems)
        pairs = INVALID if names is INVALID else tuple((name, name) for name in names)
    if pairs is INVALID or any(column is INVALID for _, column in pairs):
        return INVALID
    if forbidden := [column for _, column in pairs if column in NOT_FEATURES]:
        return problems.expected(key, "columns that are known before the bet and may be features", forbidden[0])
    return pairs


_state_cols = Reader(
    _read_state_cols,
    "a list of columns, or {feature = column}",
    {
        "anyOf": [
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
            {
                "type": "object",
                "propertyNames": {"enum": list(STATE_COLUMNS)},
                "additionalProperties": {"type": "string"},
            },
        ]
    },
)


def _read_url(value: object, key: str, problems: Problems) -> Any:
    """Unlike other texts it is not quoted in a message: it may hold a password."""
    if isinstance(value, str) and re.fullmatch(r"(redis|rediss|unix)://[!-~]+", value):
        return value
    problems.add(key, "expected redis://..., rediss://... or unix://..., without spaces")
    return INVALID


_url = Reader(
    _read_url,
    "redis://..., rediss://... or unix://..., without spaces",
    {"type": "string", "pattern": "^(redis|rediss|unix)://"},
)


def _accept_count(value: object) -> Any:
    if value == "auto":
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1024 else INVALID


_worker_count = accepting(
    '"auto" or an integer from 0 to 1,024',
    {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 0, "maximum": 1024}]},
    _accept_count,
)


def _read_seeds(value: object, key: str, problems: Problems) -> Any:
    """Of a grid: a list of seeds, or {from = 42, to = 61} with both ends included."""
    if not isinstance(value, dict):
        return list_of(SEED, "seeds", high=MAX_TASKS, unique=True)(value, key, problems)
    ends = read_table(value, key, {"from": SEED, "to": SEED}, problems)
    if len(value) != 2 or len(ends) != 2:
        return problems.expected(key, "{from = FIRST, to = LAST}, or a list of seeds", value)
    if INVALID in ends.values():
        return INVALID
    if ends["from"] > ends["to"]:
        problems.add(key, f"the range runs backwards: from {ends['from']} to {ends['to']}")
        return INVALID
    return range(ends["from"], ends["to"] + 1)


seeds = Reader(
    _read_seeds,
    "a list of seeds, or {from = FIRST, to = LAST}",
    {
        "anyOf": [
            {"type": "array", "items": SEED.schema, "minItems": 1, "uniqueItems": True},
            {"type": "object", "properties": {"from": SEED.schema, "to": SEED.schema}, "required": ["from", "to"]},
        ]
    },
)


CAMPAIGN: Table = {
    "name": Key(NAME, "Names the run directory, `runs/<name>`.", REQUIRED),
    "title": Key(LINE, "The campaign's name for people; by default its name."),
    "description": Key(text(multiline=True), "What the campaign is for."),
}
DATA: Table = {
    "source": Key(
        choice("simulated", "logged", "games"),
        "Where transitions come from: a simulated market, a log of bets, or games from which bets are simulated.",
        "simulated",
    ),
    "path": Key(LINE, "The CSV file of `logged` and `games`; a relative path starts at the campaign file's folder."),
    "split": Key(
        split,
        "What time spares for validation, by which all choices are made, and after it for test, which the evaluation "
        "alone opens: seasons, or for a log without seasons shares of its rows. A part may be 0. By default two "
        "seasons each for `simulated`, two seasons for validation alone for the others, or a fifth.",
    ),
    "seed": Key(SEED, "Seed of the simulated market and of the simulated bets.", _DATA.seed),
    "edge_size": Key(
        number(
            f"a number from 0 to {LARGEST_EDGE_SIZE:g}",
            lambda value: 0 <= value <= LARGEST_EDGE_SIZE,
            minimum=0,
            maximum=LARGEST_EDGE_SIZE,
        ),
        "`simulated`: points of margin per standard deviation of the signal that the market overlooks; 0 is an "
        "efficient market.",
        _DATA.edge_size,
    ),
}
SOURCE_KEYS = {
    "simulated": {"source", "split", "seed", "edge_size"},
    "logged": {"source", "path", "split"},
    "games": {"source", "path", "split", "seed"},
}
"""The keys of [data] that each source uses."""

DEFAULT_PRIORITY = 5


class TrainingSchema(Struct, frozen=True):
    """The tables that hold settings of an algorithm. A setting is allowed in [trainer], in a phase and in a task; the
    nearest to the task wins."""

    settings: Table
    aliases: Mapping[str, str]
    """What people call a setting elsewhere, and what its name is."""

    @classmethod
    def of(cls, algorithm: Algorithm) -> "TrainingSchema":
        """Return the schema of an algorithm."""
        return cls(
            {setting.name: Key(setting.read, setting.help, setting.default) for setting in algorithm.settings},
            {alias: setting.name for setting in algorithm.settings for alias in setting.aliases},
        )

    @property
    def required(self) -> tuple[str, ...]:
        """Settings without a default."""
        return tuple(name for name, key in self.settings.items() if key.default is REQUIRED)

    @property
    def hints(self) -> dict[str, str]:
        """The ends of messages about keys that people look for in the wrong place, or under another name."""
        return MISPLACED | {alias: f"; did you mean {name}?" for alias, name in self.aliases.items()}

    @property
    def trainer(self) -> Table:
        """The keys of [trainer]."""
        return {
            **self.settings,
            "state_cols": Key(
                _state_cols,
                "The features of the state, in order; {feature = column} says which column of the file each is in.",
                "all",
            ),
        }

    @property
    def grid(self) -> Table:
        """The keys of [phase.grid]: a list of values for each setting."""
        lists = {
            name: Key(list_of(key.read, "values", high=MAX_TASKS, unique=True), f"Values to combine: {key.help}")
            for name, key in self.settings.items()
        }
        return {**lists, "seed": Key(seeds, lists["seed"].help)} if "seed" in lists else lists

    @property
    def task(self) -> Table:
        """The keys of [[phase.task]]."""
        return {
            **self.settings,
            "description": Key(LINE, "What lists show; by default the task's own settings."),
            "baseline_loss": Key(
                number("a number >= 0", lambda value: value >= 0, minimum=0),
                "The loss that an earlier training run ended with, to compare with.",
            ),
        }

    @property
    def phase(self) -> Table:
        """The keys of [[phase]]."""
        return {
            "name": Key(NAME, "Names the phase in commands and files.", REQUIRED),
            "title": Key(LINE, "The phase's name for people; by default its name."),
            "priority": Key(PRIORITY, "Tasks of a higher priority are trained first.", DEFAULT_PRIORITY),
            "goal": Key(text(multiline=True), "What the phase is for."),
            "questions": Key(
                list_of(anything, "questions, each a text or a table", high=100),
                "What it is to answer; a table names the figures that do, see below.",
            ),
            "expected": Key(text(multiline=True), "What is expected, written down before it runs."),
            "task": Key(anything, "[[phase.task]]: tasks one by one."),
            "grid": Key(anything, "[phase.grid]: a task for each combination of values."),
            "criterion": Key(anything, "[[phase.criterion]]: when the phase has succeeded."),
            **self.settings,
        }


WORKERS: Table = {
    "count": Key(_worker_count, "Worker processes; auto: one per core, or one per GPU; 0: none, others join.", "auto"),
    "device": Key(
        choice("auto", "cuda", "mps", "cpu"),
        "Where to train; auto: a GPU that has passed its self test and is faster, else the CPU.",
        "auto",
    ),
    "min_priority": Key(PRIORITY, "Workers leave tasks of a lower priority alone."),
    "poll_interval_s": Key(SECONDS, "Seconds between two looks at an empty queue.", _WORKERS.poll_interval_s),
    "checkpoint_s": Key(SECONDS, "Least seconds between two checkpoints of a task.", _WORKERS.checkpoint_s),
    "lease_s": Key(SECONDS, "Seconds without a heartbeat after which a worker has lost its tasks.", _WORKERS.lease_s),
    "stall_s": Key(SECONDS, "Seconds without a new epoch after which a task counts as stalled.", _WORKERS.stall_s),
    "max_deaths": Key(
        integer(1, 1000),
        "A task whose worker dies so many times without a new checkpoint is dead.",
        _WORKERS.max_deaths,
    ),
    "retry_s": Key(SECONDS, "Seconds before the first retry of a failed task; doubled with each.", _WORKERS.retry_s),
    "keep_awake": Key(
        boolean,
        "Keep the machine from falling asleep by itself while the campaign runs; a closed lid is another matter.",
        _WORKERS.keep_awake,
    ),
}
QUEUE: Table = {
    **{name: WORKERS[name] for name in ("checkpoint_s", "lease_s", "stall_s", "max_deaths", "retry_s")},
    "weight": Key(
        integer(1, 1000),
        "The campaign's part of shared workers beside other campaigns on its server ([machines](machines.md)).",
        _WORKERS.weight,
    ),
}
"""The queue's own settings, wherever its workers are; `[workers]` takes all but the weight too."""
REDIS: Table = {
    "url": Key(_url, "A server of your own; by default an embedded one is started."),
    "namespace": Key(
        matching(r"(?!cq\Z)[A-Za-z0-9_-]{0,32}", "at most 32 letters, digits, - and _, not cq, or nothing"),
        "Prefix of the campaign's keys, for several campaigns on one server.",
        "",
    ),
}
EVALUATE: Table = {
    "automatic": Key(
        boolean, "Evaluate the run by itself once every task is done; else `cqltui evaluate` does.", _EVALUATE.automatic
    ),
    "confident": Key(
        number("a share above 0, at most 1", lambda share: 0 < share <= 1, exclusiveMinimum=0, maximum=1),
        "Share of the ensemble's bets on validation that count as confident.",
        _EVALUATE.confident,
    ),
    "resamples": Key(
        integer(200, 100_000), "Resamples of the weeks, for intervals and comparisons.", _EVALUATE.resamples
    ),
    "seed": Key(SEED, "Seed of the resamples and of the random policy.", _EVALUATE.seed),
    "price_per_hour": Key(
        positive(1e6), "Price of a cloud machine for an hour, in any currency: the report says what the run would cost."
    ),
}
REPORT: Table = {
    "auto": Key(
        boolean,
        "Write `report/` by itself once every task has ended, where the extra `report` is installed; else "
        "`cqltui report` does.",
        _REPORT.auto,
    ),
}
TABLES: Mapping[str, Table] = {
    "campaign": CAMPAIGN,
    "data": DATA,
    "workers": WORKERS,
    "queue": QUEUE,
    "redis": REDIS,
    "store": STORE,
    "evaluate": EVALUATE,
    "report": REPORT,
    "notify": NOTIFY,
}
"""Those that hold no settings of an algorithm."""
FILE: dict[str, Reader] = dict.fromkeys((*TABLES, "trainer", "phase"), anything)

MISPLACED = {
    "epochs_scale": "; it is a setting of the command line: --set epochs_scale=0.01",
    "state_cols": "; the state is the same for all tasks: put it in [trainer]",
}
"""Keys that people look for in the wrong place, and where they belong."""
