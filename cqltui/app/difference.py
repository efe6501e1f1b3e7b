"""Whether a campaign file may change the run that is there: asked at the terminal, told where nobody can be asked."""

import sys
from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from cqltui.app import question
from cqltui.campaign.difference import Difference, difference
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.errors import InputError
from cqltui.reporters.difference import difference_lines, withdrawn_lines
from cqltui.results.known import data_digest, read_known
from cqltui.results.rundir import RunDir
from cqltui.supervisor.lock import unusable


class Agreement(Struct, frozen=True):
    """What the user has said yes to."""

    yes: bool = False
    """Whatever it is."""
    fingerprint: str | None = None
    """That of the difference that was shown."""


def find(run_dir: RunDir, campaign: Campaign, data: DataSummary, done: Collection[str] = ()) -> Difference:
    """Between the run in its directory and the campaign, its tasks identified. `done`: tasks that the server says are
    done, though the directory may have yet to hear of it. Raises InputError if it cannot be read."""
    try:
        known = read_known(run_dir, {task.id for task in campaign.tasks})
    except OSError as error:
        raise unusable(run_dir, error) from error
    known |= {task_id: replace(known[task_id], done=True) for task_id in done if task_id in known}
    former = data_digest(run_dir)
    other_data = bool(known) and former not in ("", data.digest)
    return difference(campaign, data.digest, known, validation=data.validation_rows > 0, other_data=other_data)


def show(found: Difference, run_dir: RunDir) -> None:
    """Say what changes, if anything does."""
    for line in difference_lines(found, str(run_dir.path)) if found.changes else ():
        print("".join(char if char.isprintable() else " " for char in line), file=sys.stderr)


def ask(found: Difference, run_dir: RunDir, *, yes: bool) -> None:
    """Show what changes and ask, if anything does. Raises DeclinedError but for a yes. `yes`: it is given."""
    show(found, run_dir)
    if yes or not found.changes:
        return
    if found.leaving:
        print("The results of tasks that leave the file stay in tasks/, and come back with them.", file=sys.stderr)
    if not question.ask("Go on with this file?"):
        raise question.DeclinedError(
            "nothing was changed; to keep both, give the campaign another name, or --run-dir DIR"
        )


def find_agreed(
    run_dir: RunDir, campaign: Campaign, data: DataSummary, agreement: Agreement, done: Collection[str] = ()
) -> Difference:
    """As `find`. Raises InputError if trained tasks would be withdrawn unasked."""
    found = find(run_dir, campaign, data, done)
    if not found.lost or agreement.yes or agreement.fingerprint == found.fingerprint:
        return found
    raise InputError(
        f"{run_dir.path}: this file would withdraw what the run has trained, {len(found.lost)} "
        f"task{'s' * (len(found.lost) != 1)}:",
        *withdrawn_lines(found.lost),
        "--yes withdraws them (their results stay in tasks/, and come back with the former file); to keep both, give "
        "the campaign another name, or --run-dir DIR. `cqltui plan` shows the whole difference",
    )
