"""`cqltui clean`: give back the room of what a run does not need any more."""

import argparse
import json
import sys

from rich.table import Table
from rich.text import Text

from cqltui.app import options
from cqltui.app.question import expect_yes
from cqltui.errors import ExitCode
from cqltui.reporters.console import console
from cqltui.results.rundir import RunDir
from cqltui.results.waste import LAST_CHECKPOINTS, Waste, find_waste, remove
from cqltui.state.units import size
from cqltui.supervisor.idle import expect_idle
from cqltui.supervisor.lock import RunLock, unusable

HELP = "Remove what nothing needs any more from a run that rests: attempts of finished tasks, server data set aside."
ANEW = "tasks of more epochs will be trained anew, since no checkpoint is left to go on from"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui clean`."""
    options.add_run(parser)
    parser.add_argument(
        "--all",
        action="store_true",
        help="also the last checkpoints of finished tasks, from which more epochs go on, and former results of tasks "
        "that were submitted again",
    )
    parser.add_argument("--yes", action="store_true", help="remove it unasked")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Say how much there is, ask, and remove it."""
    run_dir = options.existing_run(arguments.run_dir)
    options.expect_run(run_dir)
    lock = RunLock(run_dir)
    try:
        expect_idle(run_dir)
        found = find_waste(run_dir, everything=arguments.all)
        if not arguments.json:
            _show(run_dir, found)
        if found:
            _agree(found, yes=arguments.yes)
            remove(run_dir, found)
        if arguments.json:
            print(json.dumps(_as_json(run_dir, found), indent=1))
        elif found:
            print(f"{size(_total(found))} were freed", file=sys.stderr)
    except OSError as error:
        raise unusable(run_dir, error) from error
    finally:
        lock.free()
    return ExitCode.OK


def _agree(found: list[Waste], *, yes: bool) -> None:
    """Raise InputError without a yes."""
    if any(one.kind == LAST_CHECKPOINTS for one in found):
        print(f"cqltui: {ANEW}", file=sys.stderr)
    expect_yes("Remove it?", yes=yes, nothing="nothing was removed")


def _show(run_dir: RunDir, found: list[Waste]) -> None:
    if not found:
        print(f"{run_dir.path}: there is nothing to remove")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("what nothing needs", "files and folders", "room"):
        table.add_column(column, no_wrap=True, justify="left" if column.startswith("what") else "right")
    for one in found:
        table.add_row(Text(one.kind), f"{len(one.paths):,}", size(one.freed_bytes))
    table.add_row("together", f"{sum(len(one.paths) for one in found):,}", size(_total(found)))
    console().print(table)


def _as_json(run_dir: RunDir, found: list[Waste]) -> dict[str, object]:
    kinds = [{"kind": one.kind, "paths": len(one.paths), "freed_bytes": one.freed_bytes} for one in found]
    return {"run_dir": str(run_dir.path), "freed_bytes": _total(found), "kinds": kinds}


def _total(found: list[Waste]) -> int:
    return sum(one.freed_bytes for one in found)
