"""`cqltui ls`: the runs of this folder, or the campaigns on a server."""

import argparse
import json
import sys
import time

from msgspec import to_builtins
from rich.table import Table
from rich.text import Text

from cqltui.app import options
from cqltui.errors import ExitCode, InputError
from cqltui.later import load
from cqltui.reporters.console import console
from cqltui.reporters.wording import day_and_time, span
from cqltui.results.overview import RunOverview, overview
from cqltui.results.rundir import RunDir
from cqltui.state.plain import plain
from cqltui.supervisor.lock import is_supervised

HELP = (
    "List the runs of this folder: state, progress, best validation, age; with --redis-url the campaigns on a server: "
    "whose each is, its state, tasks, workers, weight, and when it ends."
)
COLUMNS = ("run", "state", "done", "failed", "best validation", "started", "age")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui ls`."""
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument(
        "--redis-url", nargs="?", const="", metavar="URL", help="the campaigns on this server (default: REDIS_URL's)"
    )
    parser.add_argument(
        "--namespace", type=options.namespace, metavar="NAME", help="with --redis-url: this campaign alone"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print a line a run, the newest first; or a line a campaign of a server, by name."""
    if arguments.redis_url is not None:
        return _on_server(arguments)
    if arguments.namespace is not None:
        raise InputError("--namespace names a campaign on a server: give --redis-url, too")
    runs = [RunDir(path.parent) for path in options.run_files()]
    found = [overview(one, is_supervised(one)) for one in runs]
    found.sort(key=lambda one: -one.started_ts)
    if arguments.json:
        print(json.dumps([to_builtins(one) for one in found], indent=1))
    elif not found:
        print(f"there is no run in {options.RUNS.absolute()}; `cqltui CAMPAIGN.toml` starts one")
    else:
        console().print(_table(found, time.time()))
        for one in found:
            if one.why:
                print(f"cqltui: {plain(one.path)}/campaign.json {one.why}", file=sys.stderr)
    return ExitCode.OK


def _on_server(arguments: argparse.Namespace) -> int:
    found, quotas = load("cqltui.app.campaigns").on_server(arguments)
    table = load("cqltui.reporters.campaigns")  # a list of runs needs neither
    if arguments.json:
        print(json.dumps(table.as_json(found), indent=1))
    elif not found:
        print("there is no campaign on this server; `cqltui CAMPAIGN.toml --redis-url URL` starts one")
    else:
        out = console()
        out.print(table.campaign_table(found, time.time()))
        for line in load("cqltui.reporters.quotas").quota_lines(quotas):
            out.print(line)
    return ExitCode.OK


def _table(runs: list[RunOverview], now: float) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(COLUMNS):
        table.add_column(column, no_wrap=True, justify="left" if number < 2 or number > 4 else "right")
    for one in runs:
        table.add_row(
            Text(plain(one.name)),
            one.state,
            "" if one.why and not one.tasks else f"{one.done}/{one.tasks}",
            str(one.failed or ""),
            "" if one.best is None else f"{one.best:.4f}",
            day_and_time(one.started_ts),
            span(now - one.started_ts) if one.started_ts else "",
        )
    return table
