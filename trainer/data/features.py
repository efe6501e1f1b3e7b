"""Names of columns and features that are checked against what there is, with the nearest name suggested."""

from collections.abc import Sequence

from trainer.config import STATE_COLUMNS
from trainer.data.types import DataError
from trainer.names import listed, suggestion


def check_features(state_cols: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return the features of a state vector, at least one and each once.

    Raises:
        DataError: no feature is chosen, or one is chosen twice.
    """
    features = tuple(feature for feature, _ in state_cols)
    if not features:
        raise DataError("state_cols is empty: choose at least one feature")
    twice = sorted({name for name in features if features.count(name) > 1})
    if twice:
        raise DataError(f"state_cols names {listed(twice)} more than once: name every feature once")
    return features


def known_features(state_cols: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return the features chosen of a source that computes STATE_COLUMNS itself.

    Raises:
        DataError: as `check_features`, or a feature is none of STATE_COLUMNS.
    """
    features = check_features(state_cols)
    for name in features:
        if name not in STATE_COLUMNS:
            raise DataError(f"state_cols: this source has no feature {name!r}{suggestion(name, STATE_COLUMNS)}")
    return features
