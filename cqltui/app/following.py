"""Follow a run that goes on by its lines, without a screen."""

import sys
import time

from cqltui import streams
from cqltui.app.ending import exit_code
from cqltui.broker.server.access import Server
from cqltui.errors import ExitCode
from cqltui.reporters.jsonl import JsonReporter
from cqltui.reporters.lines import LineReporter
from cqltui.results.rundir import RunDir
from cqltui.state.model import RunState
from cqltui.state.reduce import reduce
from cqltui.supervisor.hooks import Reporter
from cqltui.supervisor.lock import is_supervised

POLL_S = 0.2
MISSING_S = 3.0
"""For a moment there is no supervisor while a run gets another."""


def follow(server: Server, run_dir: RunDir | None, *, as_json: bool, verbose: bool = False) -> int:
    """Tell what happens until the run has ended, or nobody listens any more; how it ended.

    `run_dir`: None if the run may be another machine's.
    """
    lines = LineReporter(sys.stderr, verbose=verbose)
    reporters: list[Reporter] = [JsonReporter(sys.stdout)] if as_json else [lines]
    feed, state = server.feed(), RunState()
    supervision = Supervision(run_dir)
    try:
        while not state.finished_ts:
            if streams.is_gone(sys.stdout if as_json else sys.stderr):
                return ExitCode.OK
            for event in feed.poll(POLL_S):
                before, state = state, reduce(state, event)
                for reporter in reporters:
                    reporter.handle(before, event, state)
            for reporter in reporters:
                reporter.tick(state, time.time())
            if said := supervision.look():
                lines.say(said, time.time())
        return exit_code(state)
    finally:
        lines.close()
        feed.close()


class Supervision:
    """Notices when a run has lost its supervisor, and when it has another."""

    def __init__(self, run_dir: RunDir | None) -> None:
        self._run_dir = run_dir
        self._seen_at = self._look_at = time.monotonic()
        self._told = False

    def look(self) -> str:
        """Look, about once a second; what there is to say, or nothing."""
        now = time.monotonic()
        if self._run_dir is None or now < self._look_at:
            return ""
        self._look_at = now + 1.0
        if is_supervised(self._run_dir):
            self._seen_at = now
        missing = now - self._seen_at > MISSING_S
        if missing == self._told:
            return ""
        self._told = missing
        return "no supervisor runs: start the same campaign command again to go on" if missing else "supervised again"
