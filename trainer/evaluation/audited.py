"""The leak audit of a data set: its rows as the audit looks at them, and the replay of its features."""

from functools import reduce

import numpy as np

from trainer.config import DataConfig
from trainer.data.games import features_before
from trainer.data.types import Dataset, joined
from trainer.evaluation.leak_findings import Audit, Finding, Log
from trainer.evaluation.leak_replay import as_of_replay
from trainer.evaluation.leaks import audit


def log_of(dataset: Dataset) -> Log:
    """Return all rows of a data set, in order, with the part that each is in."""
    parts = dataset.train, dataset.validation, dataset.test
    rows = reduce(joined, parts)
    return Log(
        states=rows.states,
        names=dataset.state_cols,
        decisions=rows.decisions,
        actions=rows.actions,
        rewards=rows.rewards,
        propensities=rows.propensities,
        parts=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
    )


def audit_data(dataset: Dataset, config: DataConfig) -> Audit:
    """Return the audit of the data that `config` names, which `dataset` was loaded from; of games with the replay.

    Raises:
        DataError: the file has changed, and cannot be used any more.
    """
    log = log_of(dataset)
    return audit(log, _replay(log, config))


def _replay(log: Log, config: DataConfig) -> Finding | None:
    if config.source != "games" or config.path is None or log.decisions is None:
        return None
    return as_of_replay(log.decisions.game_ids, log.states, log.decisions.days, features_before(config.path, config))
