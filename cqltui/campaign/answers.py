"""The figures that a question of a phase may ask for, and their parameters. `cqltui.judging` computes them."""

from typing import Any

from cqltui.algorithms import ALGORITHMS, DEFAULT
from cqltui.campaign.criteria import METRICS, Check, Param
from cqltui.fields import INVALID, Problems, Reader, choice, describe, integer, list_of, text
from trainer.config import MAX_LAYERS, MAX_WIDTH
from trainer.names import suggestion

_ALGORITHM = ALGORITHMS[DEFAULT]
_COMPARED = tuple(
    setting.name
    for setting in _ALGORITHM.settings
    if setting.identity != "never" and setting.name not in ("seed", "epochs")
)
"""Settings whose values are compared: a seed only repeats a configuration, and epochs are what `convergence` tells."""
COMPARISONS = ("reference", "depth", "width", "best")
MAX_SHOWN_EPOCHS = 20


def _read_setting(value: object, key: str, problems: Problems) -> Any:
    if not isinstance(value, str):
        return problems.expected(key, _setting.expected, value)
    if value not in _COMPARED:
        problems.add(key, f"there is no setting {describe(value)} to compare{suggestion(value, _COMPARED)}")
        return INVALID
    return value


_setting = Reader(_read_setting, "the name of a setting", {"enum": list(_COMPARED)})
_comparison = choice(*COMPARISONS)
_comparisons = list_of(_comparison, "comparisons", high=len(COMPARISONS), unique=True)


def _read_compare(value: object, key: str, problems: Problems) -> Any:
    """Return one comparison, or a list of them, as a tuple."""
    if isinstance(value, list):
        return _comparisons(value, key, problems)
    read = _comparison(value, key, problems)
    return INVALID if read is INVALID else (read,)


_compare = Reader(
    _read_compare,
    f"{_comparison.expected}, or a list of them",
    {"anyOf": [dict(_comparison.schema), dict(_comparisons.schema)]},
)
EPOCH = integer(1, 10**9)
_SEEDS_FROM = Param(text(), "the phase whose seeds give the spread", "", names_phase=True, unsaid=True)

ANSWERS: dict[str, Check] = {
    "convergence": Check(
        "What each task's training had reached after so many epochs, and after how many seconds.",
        {
            "metric": Param(choice(*METRICS), "what is told of training", _ALGORITHM.headline),
            "validation": Param(choice(*METRICS), "what is told beside it", _ALGORITHM.validation),
            "epochs": Param(
                list_of(EPOCH, "epochs", high=MAX_SHOWN_EPOCHS, unique=True),
                "the epochs, as far as a task has them; its last one is always told",
                (50, 200, 500, 1000, 2000),
                counts_epochs=True,
            ),
            "reference": Param(EPOCH, "the epoch that the last one is compared with", 200, counts_epochs=True),
        },
    ),
    "best_loss": Check(
        "The best value of a metric, of the last epoch and of any, the task that has it, and its baseline.",
        {"metric": Param(choice(*METRICS), "what is compared", _ALGORITHM.headline)},
    ),
    "setting": Check(
        "Best, mean and worst of a metric by the values of a setting, and the differences between tasks that differ in "
        "that setting alone, beside the spread over seeds.",
        {
            "setting": Param(_setting, "whose values are compared"),
            "metric": Param(choice(*METRICS), "what is compared", _ALGORITHM.validation),
            "seeds_from": _SEEDS_FROM,
        },
    ),
    "architectures": Check(
        "Each architecture with its parameters and its metric, and differences between tasks that differ in the "
        "architecture alone, beside the spread over seeds: to a reference, by one more layer of the same network "
        "(depth), to the next larger of equal depth (width), or which are within that spread of the best.",
        {
            "compare": Param(_compare, "what is compared", ("reference",)),
            "metric": Param(choice(*METRICS), "by what", _ALGORITHM.validation),
            "reference": Param(
                list_of(integer(1, MAX_WIDTH), "layer widths", high=MAX_LAYERS),
                "the architecture that the others are compared with; else that of the seeds, else the first",
                (),
                unsaid=True,
            ),
            "seeds_from": _SEEDS_FROM,
        },
    ),
    "q_spread": Check(
        "How far Q values differ between the seeds of one configuration: the members' mean Q, and the standard "
        "deviation over members by action; and best, mean, worst and standard deviation of a metric.",
        {"metric": Param(choice(*METRICS), "which metric", _ALGORITHM.headline)},
        algorithm="cql",
    ),
    "uncertainty": Check(
        "Whether the members' disagreement tells which bets on the test games are lost: AUC, rank correlation, and the "
        "area under risk against coverage beside that of random abstention.",
        early=True,
        algorithm="cql",
    ),
    "confident": Check(
        "Win rate and ROI on the test games of the ensemble's confident bets, of all its bets, and of those that the "
        "cut leaves out, and the difference.",
        early=True,
        algorithm="cql",
    ),
}
"""By the name that a question gives as `answer`."""
