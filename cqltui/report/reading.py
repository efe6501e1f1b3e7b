"""How tables and figures read an evaluation, of which nothing is believed: it may be damaged, somebody else's, or of
another version. Numbers are taken as they are; what is none is None."""

from collections.abc import Iterable, Mapping
from typing import Any

from cqltui.judging.evaluated import NO_OUTCOMES, NOT_YET, at, figure_at, only_estimated
from cqltui.report.material import Material
from cqltui.report.table import Column
from cqltui.state import decode
from cqltui.state.plain import plain
from trainer.evaluation.verdicts import Verdict

Document = Mapping[str, Any]

NAME_LENGTH, SENTENCE_LENGTH = 80, 500
"""Characters of what a file calls something, and of what it says."""
SHORT: Mapping[str, str] = {Verdict.UNDECIDED.value: "undecided"}
"""Verdicts that are too long for a column, and what stands there in their place."""
AGAIN = "run `cqltui evaluate` again"


def objects(value: object, *path: str) -> list[Document]:
    """Return the objects of the list at a path."""
    return list(decode.dicts(at(value, *path[:-1]).get(path[-1])))


def text_at(value: object, *path: str, limit: int = NAME_LENGTH) -> str:
    """Return the text at a path as one printable line; empty where there is none."""
    found = at(value, *path[:-1]).get(path[-1])
    return plain(found, limit) if isinstance(found, str) else ""


def texts_at(value: object, *path: str, limit: int = SENTENCE_LENGTH) -> list[str]:
    """Return the texts of the list at a path."""
    found = at(value, *path[:-1]).get(path[-1])
    return [plain(text, limit) for text in found[:100] if isinstance(text, str)] if isinstance(found, list) else []


def whole_at(value: object, *path: str) -> int | None:
    """Return the whole number at a path, or None."""
    found = figure_at(value, *path)
    return int(found) if found is not None and found == int(found) else None


def ends_at(value: object, *path: str) -> tuple[float | None, float | None, float | None]:
    """Return the value of the estimate at a path, and the ends of its interval."""
    found = at(value, *path)
    return figure_at(found, "value"), figure_at(found, "lower"), figure_at(found, "upper")


def seasons_of(value: object) -> list[tuple[str, Document]]:
    """Return the figures of each season that an object has, by season."""
    return sorted((plain(season, 10), its) for season, its in decode.items(at(value).get("seasons")))


def policies(material: Material) -> list[Document]:
    """Return the policies of the evaluation, in its order: an empty list where it has none."""
    return objects(material.evaluation, "policies")


def record_of(figures: object) -> tuple[int, int, int] | None:
    """Return wins, losses and pushes; None where one of them is not known."""
    wins, losses, pushes = (whole_at(figures, "record", name) for name in ("wins", "losses", "pushes"))
    return None if wins is None or losses is None or pushes is None else (wins, losses, pushes)


def record_text(figures: object) -> str | None:
    """Return a record as `55-41-3`."""
    record = record_of(figures)
    return None if record is None else "-".join(map(str, record))


def bets_of(figures: object) -> int | None:
    """Return the number of bets."""
    record = record_of(figures)
    return None if record is None else sum(record)


def bankroll_of(figures: object) -> Document:
    """Return what became of the bankroll with the largest stakes; an empty object where there is none."""
    return max(objects(figures, "bankrolls"), key=lambda it: figure_at(it, "largest_stake") or 0.0, default={})


def rows_said(material: Material) -> str:
    """Return which rows the evaluation is of, as `570 test rows`. What flatters says so."""
    part = material.part or "unknown"
    count = figure_at(material.evaluation, "provenance", "rows", part)
    said = f"{part} rows" if count is None else f"{count:,.0f} {part} rows"
    return f"{said}, by which the networks were chosen, which flatters them" if part == "validation" else said


def method_said(material: Material, estimates: Iterable[object]) -> str:
    """Return how the intervals of these estimates were computed, as a sentence."""
    methods = list(dict.fromkeys(filter(None, (text_at(estimate, "method") for estimate in estimates))))
    if not methods:
        return "There are no intervals."
    resamples = figure_at(material.evaluation, "provenance", "settings", "resamples")
    drawn = "" if resamples is None else f" ({resamples:,.0f} resamples)"
    return f"95 % intervals: {' or '.join(methods)}{drawn}."


def no_policies(material: Material) -> str:
    """Return why there are no figures of policies, as a sentence; empty where there are some."""
    if policies(material):
        return ""
    if material.evaluation is None:
        if material.provenance.rows.get("test", 0) == 0:
            return (
                "The run has no test rows, so that nothing was evaluated: `split` in [data] spares some, and "
                "`cqltui evaluate --validation` gives figures of the validation rows."
            )
        return sentence(NOT_YET)
    if only_estimated(material.evaluation):
        return sentence(NO_OUTCOMES)
    return f"The evaluation has no policies that can be read: {AGAIN}."


def sentence(text: str) -> str:
    """Return a text as a sentence: a capital letter first, a full stop last."""
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def verdict_text(document: object, *path: str) -> str | None:
    """Return a verdict as tables have it, in a word; None where there is none."""
    said = text_at(document, *path)
    return SHORT.get(said, said) or None


def verdict_notes(shown: Iterable[object]) -> list[str]:
    """Return what the words that `verdict_text` has put in place of longer ones mean, of those that are shown."""
    words = set(shown)
    return [f"{short.capitalize()}: {said}." for said, short in SHORT.items() if short in words]


def share(name: str, label: str, *, digits: int = 1, signed: bool = False, help_text: str = "") -> Column:
    """Return a column of shares, which people read as percentages."""
    return Column(name, label, "percent", digits, signed, help_text)
