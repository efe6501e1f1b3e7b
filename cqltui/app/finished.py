"""A run that has ended is shown from its directory, read-only: no server is started, and its figures do not change."""

import json
import sys
import time
from typing import TYPE_CHECKING

from cqltui.broker.server.locks import is_alive
from cqltui.errors import ExitCode, InputError
from cqltui.later import Later
from cqltui.results.left import expect_readable, from_disk
from cqltui.results.rundir import RunDir
from cqltui.state.model import RunState
from cqltui.supervisor.lock import is_supervised

if TYPE_CHECKING:
    from cqltui.app import ending
    from cqltui.reporters import jsonl, wording
    from cqltui.state import still
else:  # for those who are told without a screen
    ending = Later("cqltui.app.ending")
    jsonl, wording = Later("cqltui.reporters.jsonl"), Later("cqltui.reporters.wording")
    still = Later("cqltui.state.still")


def look(run_dir: RunDir) -> RunState | None:
    """Return how a run stands that nobody has open and whose supervisor has left in good order; else None."""
    if not run_dir.campaign_json.is_file() or is_supervised(run_dir) or is_alive(run_dir.server):
        return None
    try:
        state = from_disk(run_dir)
    except InputError:
        return None
    return state if state.finished_ts > 0 else None


def look_or_say(run_dir: RunDir) -> RunState | None:
    """Return what `look` does. Raises InputError if nobody has the run open, and its campaign.json cannot be read."""
    found = look(run_dir)
    if found is None and not is_supervised(run_dir) and not is_alive(run_dir.server):
        expect_readable(run_dir)
    return found


def print_state(run_dir: RunDir, state: RunState, *, as_json: bool) -> ExitCode:
    """Return what there is to say of it without a screen; how it ended."""
    if as_json:
        print(jsonl.to_line(still.snapshot_of(state, time.time())))
        return ending.exit_code(state)
    print(
        f"this run ended at {wording.clock(state.finished_ts)}; it is shown as it is, nothing is started",
        file=sys.stderr,
    )
    return ending.tell(run_dir, state, state.wanted)


def print_again(run_dir: RunDir, state: RunState, *, as_json: bool) -> ExitCode:
    """As a run that ends now would."""
    code = print_state(run_dir, state, as_json=as_json)
    if as_json:
        print(ending.summary_text(run_dir), end="", file=sys.stderr)
        print(json.dumps({"kind": "exit", "code": int(code)}))
    if code is ExitCode.UNFINISHED:
        print("cqltui: run what failed again with: cqltui resubmit --failed, then this command", file=sys.stderr)
    return code
