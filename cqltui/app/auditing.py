"""The leak audit before a run begins: it is told with the plan, and at a start what it finds needs a yes.

Looked at are the training and validation rows; the test rows stay closed. What was found and agreed to is kept in the
run directory, and a run that goes on with the same data is not audited again. Simulated data is known by construction:
a start leaves its audit to the evaluation.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

import cqltui
from cqltui.app import question
from cqltui.app.question import DeclinedError
from cqltui.errors import InputError
from cqltui.judging.evaluated import FORBIDS
from cqltui.reporters.steps import Step, silent
from cqltui.results.rundir import AUDIT_FORMAT, RunDir, read_json, write_json
from cqltui.state import decode
from cqltui.state.plain import plain, word
from cqltui.supervisor.lock import unusable
from trainer import data
from trainer.config import DataConfig
from trainer.data.types import DataError
from trainer.files import open_regular

GRADES = ("UNTESTED", "CLEAN", "SUSPECT", "WRONG", "LEAK")
"""From good to bad."""
TOLD = GRADES[2:]
"""Those that a user is told of."""
TOLD_BY_LOADER = "constant"
"""A check whose findings are among the data's own warnings."""
BLOCK = 1 << 20


class Audited(Struct, frozen=True):
    """What the audit says of a campaign's data."""

    grade: str
    """The worst, by its name; empty where no audit was made."""
    lines: tuple[str, ...]
    """The findings that a user is told of, the worst first: grade, place and sentence."""
    trusted: bool
    fix: str = ""
    document: Mapping[str, Any] | None = None
    """audit.json; None where there is nothing to keep."""
    known: bool = False
    """Whether the run directory had it: the run was started with this data before."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the lines as they stand among other warnings."""
        return tuple(f"leak audit: {line}" for line in self.lines)


class LeakError(InputError):
    """The data cannot be trusted, and nobody has said yes to training on it."""

    def __init__(self, found: Audited) -> None:
        super().__init__(*found.lines, f"{found.fix}; --yes trains on it all the same")
        self.found = found


def look(config: DataConfig, run_dir: RunDir, step: Step = silent) -> Audited:
    """Return the audit of the data, as the run directory has it or made now. Raises InputError for the data."""
    key = _key(config)
    if (known := _known(run_dir, key, config)) is not None:
        return known
    step("reading the data")
    audited = importlib.import_module("trainer.evaluation.audited")  # which a start without it has no use for
    try:
        dataset = data.load(config).without_test()
        step("auditing the data for leaks")
        found: dict[str, Any] = audited.audit_data(dataset, config).to_document()
    except DataError as error:
        raise InputError(str(error)) from error
    return _audited({"format": AUDIT_FORMAT, "key": key, "rows": _rows(dataset), "leak_audit": found}, config)


def at_start(config: DataConfig, run_dir: RunDir, step: Step = silent) -> Audited:
    """Return the same for data from outside; of simulated data nothing is looked at, and there is nothing to say."""
    return Audited("", (), trusted=True) if config.source == "simulated" else look(config, run_dir, step)


def expect_agreed(found: Audited, *, yes: bool, can_ask: bool = False) -> None:
    """Return if the data can be trusted, if there is a yes, or if the run has been started with it before.

    Else ask where somebody can be asked, and raise LeakError where nobody can.
    """
    if found.trusted or found.known or yes:
        return
    if not can_ask:
        raise LeakError(found)
    ask(found)


def ask(found: Audited) -> None:
    """Show what was found, and ask. Raises DeclinedError but for a yes."""
    for line in (*found.lines, found.fix):
        print(line, file=sys.stderr)
    if not question.ask("Train on it all the same?"):
        raise DeclinedError("nothing was started")


def keep(run_dir: RunDir, found: Audited) -> None:
    """Write it into the run directory, which is there, for the next start. Raises InputError if that cannot be."""
    if found.document is None or (found.known and run_dir.audit_json.is_file()):
        return
    try:
        write_json(run_dir.audit_json, found.document)
    except OSError as error:
        raise unusable(run_dir, error) from error


def _key(config: DataConfig) -> str:
    """Return what stands for the data: the settings of [data] and the bytes of the file, whatever its name."""
    settings = json.dumps([cqltui.__version__, to_builtins(replace(config, path=None))], sort_keys=True)
    total = hashlib.sha256(settings.encode())
    if config.path is not None:
        try:
            with open_regular(config.path) as file:
                while block := file.read(BLOCK):
                    total.update(block)
        except OSError as error:
            raise InputError(f"{plain(str(config.path))}: cannot be read: {error.strerror or error}") from error
    return total.hexdigest()


def _known(run_dir: RunDir, key: str, config: DataConfig) -> Audited | None:
    """Return what an earlier start has kept of the same data; None where it is of another, or damaged."""
    said = read_json(run_dir.audit_json)
    if said is None or (said.get("format"), said.get("key")) != (AUDIT_FORMAT, key):
        return None
    if not isinstance(said.get("leak_audit"), dict):
        return None
    return replace(_audited(said, config), known=True)


def _audited(document: Mapping[str, Any], config: DataConfig) -> Audited:
    findings = [
        finding
        for finding in decode.dicts(document["leak_audit"].get("findings"))
        if finding.get("grade") in GRADES and finding.get("check") != TOLD_BY_LOADER
    ]
    file = "" if config.path is None else f"`cqltui data check {word(str(config.path))}` shows every finding"
    fix = "leave out what was not known before the game (trainer.state_cols), or correct the data"
    return Audited(
        grade=max((finding["grade"] for finding in findings), key=GRADES.index, default=GRADES[0]).lower(),
        lines=tuple(_lines(findings, config)),
        trusted=not any(finding["grade"] in FORBIDS for finding in findings),
        fix=f"{fix}; {file}" if file else fix,
        document=document,
    )


def _lines(findings: list[Mapping[str, Any]], config: DataConfig) -> Iterator[str]:
    told = [finding for finding in findings if finding["grade"] in TOLD]
    for finding in sorted(told, key=lambda it: -TOLD.index(it["grade"])):
        sentence = plain(decode.text(finding, "sentence"), 500)
        yield f"{finding['grade']}: {_place(plain(decode.text(finding, 'subject')), config)}: {sentence}"


def _place(subject: str, config: DataConfig) -> str:
    """Return the file, and which column of it or what else was looked at."""
    file = "the simulated data" if config.path is None else plain(str(config.path))
    column = dict(config.state_cols).get(subject)
    if column is None:
        return f"{file}, {subject}"
    return f"{file}, column {plain(column)!r}" if config.source == "logged" else f"{file}, feature {subject!r}"


def _rows(dataset: data.Dataset) -> dict[str, int]:
    return {"train": len(dataset.train), "validation": len(dataset.validation)}
