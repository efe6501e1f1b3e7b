"""How a campaign file says what time spares for validation and test: three pairs of keys, and those of before."""

from collections.abc import Mapping
from typing import Any

from cqltui.fields import INVALID, Problems, Reader, integer, number, read_table
from trainer.config import Split


def _read_split(value: object, key: str, problems: Problems) -> Any:
    """Read one of the pairs of keys of `SPLITS` as the field `split` of DataConfig, or a key of earlier versions, which
    spares nothing for test."""
    if not isinstance(value, dict):
        return problems.expected(key, split.expected, value)
    for old, (new, part) in _FORMER.items():
        if value.keys() == {old}:
            read = read_table(value, key, {old: part}, problems)
            return INVALID if INVALID in read.values() else {"split": Split(**{new[0]: read[old], new[1]: 0})}
    keys = next((keys for keys in SPLITS if value.keys() <= keys.keys()), None)
    if not value or keys is None or value.keys() != keys.keys():
        return problems.expected(key, split.expected, value)
    read = read_table(value, key, keys, problems)
    if INVALID in read.values():
        return INVALID
    found = Split(**read)
    if sum(share or 0.0 for share in (found.validation_fraction, found.test_fraction)) >= 1:
        return problems.expected(key, "shares that leave something to train on", value)
    if found.train_until is not None and read["validate_until"] < found.train_until:
        return problems.expected(key, "a validate_until that is not before train_until", value)
    return {"split": found}


_YEAR, _SEASONS = integer(1900, 2200), integer(0, 100)
_SHARE = number("a share from 0 to below 1", lambda share: 0 <= share < 1, minimum=0, exclusiveMaximum=1)
SPLITS: tuple[dict[str, Reader], ...] = (
    {"validation_seasons": _SEASONS, "test_seasons": _SEASONS},
    {"train_until": _YEAR, "validate_until": _YEAR},
    {"validation_fraction": _SHARE, "test_fraction": _SHARE},
)
"""The ways to split by time, each with both of its keys."""
_FORMER: dict[str, tuple[tuple[str, str], Reader]] = {
    "seasons": (("validation_seasons", "test_seasons"), integer(1, 100)),
    "fraction": (
        ("validation_fraction", "test_fraction"),
        number("a share above 0 and below 1", lambda share: 0 < share < 1, exclusiveMinimum=0, exclusiveMaximum=1),
    ),
}


def _object(keys: Mapping[str, Reader]) -> dict[str, Any]:
    properties = {name: part.schema for name, part in keys.items()}
    return {"type": "object", "properties": properties, "required": list(keys), "additionalProperties": False}


split = Reader(
    _read_split,
    "{validation_seasons = N, test_seasons = N}, {train_until = YEAR, validate_until = YEAR} or "
    "{validation_fraction = F, test_fraction = F}",
    {"anyOf": [*map(_object, SPLITS), *(_object({name: part}) for name, (_, part) in _FORMER.items())]},
)
