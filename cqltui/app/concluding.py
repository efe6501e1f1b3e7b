"""What an evaluation by hand changes of a run's results: its lines in the summary, and the criteria judged by it."""

import sys

from cqltui.app.started import recorded_campaign
from cqltui.errors import InputError
from cqltui.results.left import from_disk
from cqltui.results.rundir import RunDir, read_json
from cqltui.results.standings import standings
from cqltui.results.study import Study
from cqltui.results.tables import write_results
from cqltui.state import decode
from cqltui.supervisor.lock import RunLock, is_supervised

SUPERVISED = (
    "the run is supervised: summary and criteria are its supervisor's, which takes the evaluation in if it is of all "
    "results"
)


def take_evaluation(run_dir: RunDir) -> None:
    """Write the results anew with the evaluation that is there. Of a run that is supervised its supervisor does so.

    The evaluation itself is written by then: what cannot be done is told on standard error. Raises OSError.
    """
    if is_supervised(run_dir):
        print(SUPERVISED, file=sys.stderr)
        return
    try:
        campaign = recorded_campaign(run_dir)
        lock = RunLock(run_dir)
    except InputError as error:  # of an earlier version, or a supervisor has come at this very moment
        print(f"the summary and the criteria stay as they are: {error}", file=sys.stderr)
        return
    try:
        known = standings(from_disk(run_dir))
        rows = decode.whole((read_json(run_dir.campaign_json) or {}).get("data"), "validation_rows")
        write_results(run_dir, campaign, known, Study(run_dir, campaign, rows))
    finally:
        lock.free()
