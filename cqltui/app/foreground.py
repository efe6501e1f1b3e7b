"""Run a campaign in the foreground, with lines and without a screen."""

import json
import sys

from cqltui import streams
from cqltui.app.difference import Agreement
from cqltui.app.ending import summary_text, tell_report
from cqltui.app.options import RunOptions
from cqltui.app.supervising import supervise
from cqltui.errors import ExitCode
from cqltui.reporters.jsonl import JsonReporter
from cqltui.reporters.lines import LineReporter
from cqltui.supervisor.hooks import Reporter


def headless(chosen: RunOptions, *, as_json: bool, yes: bool, verbose: bool = False) -> int:
    """Supervise in the foreground, and print how it ended."""
    with streams.never_waiting():
        lines = LineReporter(sys.stderr, verbose=verbose)
        reporters: list[Reporter] = [lines, JsonReporter(sys.stdout)] if as_json else [lines]
        try:
            code = supervise(chosen, reporters, Agreement(yes))
        finally:
            lines.close()
    if chosen.run_dir.summary_txt.is_file():
        print(summary_text(chosen.run_dir), end="", file=sys.stderr if as_json else sys.stdout)
    if code in (ExitCode.OK, ExitCode.UNFINISHED):
        tell_report(chosen.run_dir)
    if as_json:
        print(json.dumps({"kind": "exit", "code": int(code)}))
    if code in (ExitCode.INTERRUPTED, ExitCode.STOPPED):
        print("cqltui: stopped; the same command goes on where it stopped", file=sys.stderr)
    return code
