"""The keys of a campaign file, each with what its value has to be. `load` puts the values together."""

import re
from typing import Any

from cqltui.campaign.fields import (
    INVALID,
    Problems,
    Reader,
    anything,
    choice,
    integer,
    list_of,
    matching,
    number,
    positive,
    read_table,
    text,
)
from trainer.config import LARGEST_EDGE_SIZE, MAX_LAYERS, MAX_WIDTH, STATE_COLUMNS

MAX_SEED = 2**32 - 1
"""What every random generator that a seed is handed to accepts."""
MAX_SECONDS = 7 * 86_400.0
NOT_FEATURES = frozenset({"action", "r", "game_id", "season", "week", "b_prob"})
"""Columns of a `logged` file that are no features; the first two would tell the network the answer."""

NAME = matching(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}",
    "a name of letters, digits, - and _, 1 to 64 characters, the first a letter or digit",
)
LINE = text(limit=200)
SEED = integer(0, MAX_SEED)
SECONDS = positive(MAX_SECONDS)
PRIORITY = integer(0, 1_000_000)


def _state_cols(value: object, key: str, problems: Problems) -> Any:
    """`["edge", "p_hat"]` chooses columns; `{edge = "my_edge"}` chooses features and says in which columns they are."""
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


def _url(value: object, key: str, problems: Problems) -> Any:
    """Unlike other texts it is not quoted in a message: it may hold a password."""
    if isinstance(value, str) and re.fullmatch(r"(redis|rediss|unix)://[!-~]+", value):
        return value
    problems.add(key, "expected redis://..., rediss://... or unix://..., without spaces")
    return INVALID


def _worker_count(value: object, key: str, problems: Problems) -> Any:
    if value == "auto":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1024:
        return value
    return problems.expected(key, '"auto" or an integer from 1 to 1,024', value)


def _split(value: object, key: str, problems: Problems) -> Any:
    """{seasons = N} or {fraction = F} as the fields of DataConfig."""
    schema: dict[str, Reader] = {
        "seasons": integer(1, 100),
        "fraction": number("a share above 0 and below 1", lambda share: 0 < share < 1),
    }
    if not isinstance(value, dict) or len(value) != 1:
        return problems.expected(key, "{seasons = N} or {fraction = F}", value)
    read = read_table(value, key, schema, problems)
    if not read or INVALID in read.values():
        return INVALID
    return {f"holdout_{name}": part for name, part in read.items()}


def seeds(value: object, key: str, problems: Problems) -> Any:
    """Of a grid: a list of seeds, or {from = 42, to = 61} with both ends included."""
    if not isinstance(value, dict):
        return list_of(SEED, "seeds", high=100_000, unique=True)(value, key, problems)
    ends = read_table(value, key, {"from": SEED, "to": SEED}, problems)
    if len(value) != 2 or len(ends) != 2:
        return problems.expected(key, "{from = FIRST, to = LAST}, or a list of seeds", value)
    if INVALID in ends.values():
        return INVALID
    if ends["from"] > ends["to"]:
        problems.add(key, f"the range runs backwards: from {ends['from']} to {ends['to']}")
        return INVALID
    return range(ends["from"], ends["to"] + 1)


CAMPAIGN: dict[str, Reader] = {"name": NAME, "title": LINE, "description": text(multiline=True)}
DATA: dict[str, Reader] = {
    "source": choice("simulated", "logged", "games"),
    "path": LINE,
    "split": _split,
    "seed": SEED,
    "edge_size": number(f"a number from 0 to {LARGEST_EDGE_SIZE:g}", lambda value: 0 <= value <= LARGEST_EDGE_SIZE),
}
SOURCE_KEYS = {
    "simulated": {"source", "split", "seed", "edge_size"},
    "logged": {"source", "path", "split"},
    "games": {"source", "path", "split", "seed"},
}
"""The keys of [data] that each source uses."""

SETTINGS: dict[str, Reader] = {
    "algorithm": choice("cql"),
    "epochs": integer(1, 10_000_000),
    "batch_size": integer(1, 1_000_000),
    "lr": positive(),
    "alpha": number("a number >= 0", lambda value: value >= 0),
    "gamma": number("a number from 0 to 1", lambda value: 0 <= value <= 1),
    "hidden_dims": list_of(integer(1, MAX_WIDTH), "layer widths", high=MAX_LAYERS),
    "seed": SEED,
    "precision": choice("auto", "fp32", "bf16"),
    "target_update_steps": integer(1, 10**9),
    "grad_clip": positive(),
    "validate_every": integer(1, 10_000_000),
}
"""What a training is; allowed in [trainer], in a phase and in a task, the nearest to the task wins."""
REQUIRED_SETTINGS = ("epochs", "lr", "alpha", "hidden_dims", "seed")

TRAINER: dict[str, Reader] = {**SETTINGS, "state_cols": _state_cols}
GRID: dict[str, Reader] = {
    **{name: list_of(reader, "values", high=100_000, unique=True) for name, reader in SETTINGS.items()},
    "seed": seeds,
}
TASK: dict[str, Reader] = {
    **SETTINGS,
    "description": LINE,
    "baseline_loss": number("a number >= 0", lambda value: value >= 0),
}
PHASE: dict[str, Reader] = {
    **SETTINGS,
    "name": NAME,
    "title": LINE,
    "priority": PRIORITY,
    "goal": text(multiline=True),
    "questions": list_of(LINE, "questions", high=100),
    "expected": text(multiline=True),
    "task": anything,
    "grid": anything,
    "criterion": anything,
}
WORKERS: dict[str, Reader] = {
    "count": _worker_count,
    "device": choice("auto", "cuda", "mps", "cpu"),
    "min_priority": PRIORITY,
    "poll_interval_s": SECONDS,
    "checkpoint_s": SECONDS,
    "lease_s": SECONDS,
    "stall_s": SECONDS,
    "max_deaths": integer(1, 1000),
    "retry_s": SECONDS,
}
REDIS: dict[str, Reader] = {
    "url": _url,
    "namespace": matching(r"(?!cq\Z)[A-Za-z0-9_-]{0,32}", "at most 32 letters, digits, - and _, not cq, or nothing"),
}
FILE: dict[str, Reader] = dict.fromkeys(("campaign", "data", "trainer", "workers", "redis", "phase"), anything)

MISPLACED = {
    "epochs_scale": "; it is a setting of the command line: --set epochs_scale=0.01",
    "state_cols": "; the state is the same for all tasks: put it in [trainer]",
}
"""Keys that people look for in the wrong place, and where they belong."""
