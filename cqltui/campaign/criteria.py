"""The checks that a success criterion may name, and their parameters. `cqltui.judging` judges by them."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from cqltui.algorithms import ALGORITHMS, DEFAULT
from cqltui.algorithms.base import REQUIRED
from cqltui.fields import INVALID, Problems, Reader, choice, describe, integer, number, text
from trainer.names import suggestion

_ALGORITHM = ALGORITHMS[DEFAULT]
SETTINGS = tuple(setting.name for setting in _ALGORITHM.settings)
LOSSES = _ALGORITHM.metric_names(losses=True)
METRICS = _ALGORITHM.metric_names()
HIGHER_IS_BETTER = frozenset(metric.name for metric in _ALGORITHM.metrics if metric.better == "higher")
"""Of every other metric the lowest value is the best."""
REDUCTIONS = ("best", "worst", "mean", "median", "min", "max")
OPERATORS = ("<", "<=", ">", ">=")


class Param(Struct, frozen=True):
    """A parameter of a check, or of an answer."""

    read: Reader
    help: str
    default: Any = REQUIRED
    counts_epochs: bool = False
    """Whether epochs_scale scales it together with the epochs of the tasks."""
    names_phase: bool = False
    """Whether the value must be the name of a phase."""
    unsaid: bool = False
    """Whether the default stays out of `params`: earlier versions did not know the parameter, and what they
    wrote down of the same file must stay equal."""


class Check(Struct, frozen=True):
    """What a criterion or a question may ask for, and its parameters by name."""

    help: str
    params: Mapping[str, Param] = field(default_factory=dict)
    early: bool = False
    """Whether it has something to say before all tasks have ended."""
    algorithm: str = ""
    """The only algorithm whose tasks have what it looks at; empty: any."""


def _read_settings(value: object, key: str, problems: Problems) -> Any:
    """Return the name of a setting, or a list of names, as a tuple; empty text or an empty list is none."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return problems.expected(key, _settings.expected, value)
    if names == [""]:
        return ()
    for name in names:
        if name == "seed":
            problems.add(key, "'seed' only repeats a configuration: name another setting")
            return INVALID
        if name not in SETTINGS:
            problems.add(key, f"there is no setting {describe(name)}{suggestion(name, SETTINGS)}")
            return INVALID
    return tuple(dict.fromkeys(names))


_settings = Reader(
    _read_settings,
    "the name of a setting, or a list of names",
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"enum": list(SETTINGS)}}]},
)
SHARE = number("a share from 0 to 1", lambda value: 0 <= value <= 1, minimum=0, maximum=1)
FINITE = number("a finite number", lambda value: True)

CHECKS: dict[str, Check] = {
    "all_done": Check("Every task of the phase has a result.", early=True),
    "metric": Check(
        "A metric, each task's last value, reduced over the phase's tasks and compared with a number.",
        {
            "metric": Param(choice(*METRICS), "what is compared"),
            "reduce": Param(choice(*REDUCTIONS), "how the tasks' values become one", "best"),
            "op": Param(choice(*OPERATORS), "how it is compared"),
            "value": Param(FINITE, "what it is compared with"),
        },
    ),
    "still_falling": Check(
        "Training beyond an epoch still lowers every task's loss.",
        {
            "after_epoch": Param(integer(1, 10**9), "the epoch", counts_epochs=True),
            "min_drop": Param(SHARE, "share by which the loss must fall", 0.01),
        },
    ),
    "smooth": Check(
        "Every task's loss falls smoothly: its distance from its running mean is a small share of its whole drop.",
        {
            "max_roughness": Param(SHARE, "largest share", 0.05),
            "window": Param(SHARE, "share of the epochs that the running mean spans", 0.05),
        },
    ),
    "conclusive": Check(
        "The best configuration beats the runner-up by more than the spread over seeds.",
        {
            "metric": Param(choice(*LOSSES), "what is compared", _ALGORITHM.validation),
            "seeds_from": Param(text(), "the phase whose seeds give the spread", names_phase=True),
            "within": Param(
                _settings,
                "the settings of which each value is ranked by itself; empty: all are ranked together",
                (_ALGORITHM.scale,),
                unsaid=True,
            ),
        },
    ),
    "alpha_sensitivity": Check("Tell the losses of each alpha; met when every alpha has figures.", algorithm="cql"),
    "no_overfitting": Check(
        "Every task's validation loss ends close to its minimum.",
        {"max_rise": Param(SHARE, "largest rise above the minimum, as a share of it", 0.1)},
    ),
    "ensemble_diversity": Check(
        "The members disagree: the standard deviation of Q over them is above a number.",
        {"above": Param(FINITE, "the number", 0.0)},
        algorithm="cql",
    ),
    "no_leak": Check("The leak audit of the evaluation finds nothing that forbids believing its figures.", early=True),
    "uncertainty_correlates": Check(
        "The more the members disagree about a bet on the test games, the more often it is lost (rank correlation).",
        {"min_correlation": Param(SHARE, "least correlation", 0.1)},
        early=True,
        algorithm="cql",
    ),
    "deployment_ready": Check(
        "The ensemble's confident bets on the test games: no leak, an edge, calibrated Q, 50 bets, this win rate.",
        {
            "keep_share": Param(SHARE, "share of the bets that is kept", 0.2),
            "min_win_rate": Param(SHARE, "least share of them that wins", 0.53),
        },
        early=True,
    ),
}
