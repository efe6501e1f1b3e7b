"""The report of a run: its material read, an interim one judged on validation, and the folder written."""

import errno
import importlib
import os
import signal
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from cqltui.app.evaluating import Asked, evaluate_run
from cqltui.app.material import read_material
from cqltui.broker.server.ownership import expect_ours
from cqltui.errors import InputError
from cqltui.report.material import Material
from cqltui.reporters.steps import Step, silent
from cqltui.results.reported import INSTALL, missing_packages
from cqltui.results.rundir import RunDir, is_writable, read_json, within
from cqltui.state.model import Status

FULL = (errno.ENOSPC, errno.EDQUOT)
NICE = 10
"""By how much a report that nobody waits for gives way."""


class Given(Struct, frozen=True):
    """What the user adds to what the run tells."""

    price_per_hour: float | None = None
    """In place of the campaign's."""
    ledger: Path | None = None
    """Of the bets that were really taken."""


NOTHING = Given()


class Written(Struct, frozen=True):
    """A report as it was written."""

    page: Path
    material: Material
    said: dict[str, Any]
    """Its report.json."""


def material_of(run_dir: RunDir, step: Step = silent, given: Given = NOTHING) -> Material:
    """Return what there is to report. A run that goes on is judged on its validation rows, unless it is another user's;
    the test rows are never opened for it. Raises InputError."""
    step("reading the run")
    material = read_material(run_dir, step, given.ledger)
    done = any(record.standing.status is Status.DONE for record in material.records)
    if material.is_interim and material.evaluation is None and done and is_writable(run_dir):
        try:
            expect_ours(run_dir.path)
            evaluate_run(run_dir, Asked("an interim report", "validation"), step)
            material = read_material(run_dir, step, given.ledger)
        except (InputError, OSError) as error:
            note = f"The run was not evaluated on its validation rows: {error}"
            material = replace(material, notes=(*material.notes, note))
    return material if given.price_per_hour is None else replace(material, price_per_hour=given.price_per_hour)


def write_report(run_dir: RunDir, folder: Path | None = None, step: Step = silent, given: Given = NOTHING) -> Written:
    """Write the report into `folder`, by default the run's own. Raises InputError: what it needs is not installed, the
    run cannot be read, the folder must stay as it is or cannot be written to."""
    if missing := missing_packages():
        raise InputError(
            f"the report needs {' and '.join(missing)}: {INSTALL}; cqltui report --text prints its core without"
        )
    if folder is None:
        expect_ours(run_dir.path)
    material = material_of(run_dir, step, given)
    building = importlib.import_module("cqltui.report.build")  # with all that draws, which few commands need
    try:
        target = within(run_dir, run_dir.report) if folder is None else folder.absolute()
        page: Path = building.build(material, target, step)
    except OSError as error:
        if error.errno in FULL:  # which is told as of any command
            raise
        why = error.strerror or str(error)
        raise InputError(f"the report cannot be written: {why}; to write it elsewhere: -o DIR") from error
    return Written(page, material, read_json(page.with_name("report.json")) or {})


def give_way() -> None:
    """Be the process that nobody waits for: others come first, and a signal to end removes what was begun."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.nice(NICE)
