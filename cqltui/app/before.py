"""What comes before a run begins: an earlier one is moved aside, or may be changed."""

import sys

from cqltui.app import auditing, difference, rerun
from cqltui.app.dataset import load_data
from cqltui.app.options import RunOptions
from cqltui.app.placing import settle
from cqltui.app.starting import make
from cqltui.broker.server.handle import is_missed
from cqltui.broker.server.server import EmbeddedServer
from cqltui.campaign.difference import Difference
from cqltui.errors import InputError
from cqltui.reporters.steps import Steps
from cqltui.results.rundir import read_json
from cqltui.state.plain import word
from cqltui.supervisor.lock import RunLock, is_supervised, place
from cqltui.supervisor.records import set_aside


def start_fresh(chosen: RunOptions, *, yes: bool, can_ask: bool) -> None:
    """Move an earlier run out of the way. Raise InputError if it goes on, or for wrong input, which moves nothing.

    `can_ask`: somebody is there who can say yes to data that the leak audit finds wrong.
    """
    run_dir = chosen.run_dir
    load_data(chosen.campaign)
    if not run_dir.path.exists():
        return
    with Steps() as step:
        audited = auditing.at_start(chosen.campaign.data, run_dir, step)
    auditing.expect_agreed(audited, yes=yes, can_ask=can_ask)
    lock = RunLock(run_dir)
    try:
        if EmbeddedServer(run_dir.path).alive() or is_missed(run_dir.server):
            raise InputError(
                f"{run_dir.path}: workers of this run are still at work: run it once more without --fresh, or end it "
                f"with `cqltui stop {place(run_dir)}`"
            )
        aside = set_aside(run_dir.path)
    finally:
        lock.free()
    make(run_dir)
    auditing.keep(run_dir, audited)  # it is not asked for twice
    print(f"cqltui: the earlier run is kept in {word(str(aside))}", file=sys.stderr)


def agreed_changes(chosen: RunOptions, *, yes: bool) -> str:
    """Ask whether the file may change the run that is there, unless it goes on; what was agreed to.

    Raises DeclinedError.
    """
    if not chosen.run_dir.campaign_json.is_file():  # of a new run the screen is drawn first
        return ""
    load_data(chosen.campaign)
    if is_supervised(chosen.run_dir):  # it is joined, or refused: nothing is changed
        return ""
    found = changes_of(chosen)
    difference.ask(found, chosen.run_dir, yes=yes)
    return found.fingerprint


def changes_of(chosen: RunOptions) -> Difference:
    """Return what the file changes of the run that is there. Raises InputError."""
    campaign, data = load_data(chosen.campaign)
    found = difference.find(chosen.run_dir, rerun.as_begun(campaign, data, chosen.run_dir), data)
    if found.changes and any(task.auto_precision for task in campaign.tasks):  # then it is worth asking the devices
        placing = settle(campaign, read_json(chosen.run_dir.campaign_json), test=False)
        exact = campaign.with_auto_precision(placing.precision).identified(data.digest)
        found = difference.find(chosen.run_dir, exact, data)
    return found
