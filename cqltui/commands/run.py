"""`cqltui CAMPAIGN.toml`: run a campaign, or go on with it, on the screen or without one."""

import argparse
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cqltui import streams
from cqltui.app import difference, finished, options
from cqltui.app.dataset import load_data
from cqltui.app.difference import Agreement
from cqltui.app.ending import summary_text
from cqltui.app.options import RunOptions
from cqltui.app.placing import settle
from cqltui.broker.server.ownership import take
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.child import PYTHON
from cqltui.commands.supervise import start_fresh, supervise
from cqltui.errors import CqltuiError, ExitCode, InputError
from cqltui.reporters.jsonl import JsonReporter
from cqltui.reporters.lines import LineReporter
from cqltui.results.rundir import RunDir, read_json
from cqltui.supervisor import manifest
from cqltui.supervisor.lastwords import last_lines
from cqltui.supervisor.lock import is_supervised, place, unusable
from cqltui.supervisor.telling import Reporter
from trainer.files import plain_file

HELP = "Run a campaign, or go on with it: the queue is filled, workers train, results are written."
START_S = 300.0
"""A supervisor may test devices first, which takes `commands.selftest.LIMIT_S` at most for each."""
POLL_S = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of a run."""
    options.add_campaign(parser)
    options.add_place(parser)
    parser.add_argument("--no-ui", action="store_true", help="lines instead of the screen (default without a terminal)")
    parser.add_argument("--json", action="store_true", help="without a screen: one event a line on standard output")
    options.add_verbose(parser)
    parser.add_argument("--fresh", action="store_true", help="begin anew; an earlier run is moved aside")
    options.add_yes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the campaign; how it ended."""
    chosen = options.run_options(arguments)
    on_screen = not (arguments.no_ui or arguments.json) and sys.stdin.isatty() and sys.stderr.isatty()
    if arguments.fresh:
        load_data(chosen.campaign)  # wrong input moves nothing
        start_fresh(chosen.run_dir)
    ended = finished.has_nothing_left(chosen.run_dir, chosen.campaign)
    if ended is not None and not on_screen:
        return finished.print_again(chosen.run_dir, ended, as_json=arguments.json)
    if on_screen:
        screen = importlib.import_module("cqltui.commands.attach")  # Textual is loaded by those who see it
        if ended is not None:
            return int(screen.show_ended(chosen.run_dir, ended))
        agreed = ""
        if chosen.run_dir.campaign_json.is_file():  # of a new run the screen is drawn first
            agreed = _agreed(chosen, yes=arguments.yes)
        given = [*forwarded(arguments, chosen.campaign.redis.namespace), "--agreed", agreed]
        return int(screen.show(chosen, partial(_check, chosen), partial(ensure_supervisor, chosen, given)))
    return headless(chosen, as_json=arguments.json, yes=arguments.yes, verbose=arguments.verbose)


def _check(chosen: RunOptions) -> None:
    load_data(chosen.campaign)  # wrong input leaves nothing behind
    _make(chosen.run_dir)


def _agreed(chosen: RunOptions, *, yes: bool) -> str:
    """Ask whether the file may change the run that is there, unless it goes on; what was agreed to.

    Raises DeclinedError.
    """
    campaign, data = load_data(chosen.campaign)
    if is_supervised(chosen.run_dir):  # it is joined, or refused: nothing is changed
        return ""
    found = difference.find(chosen.run_dir, finished.as_begun(campaign, data, chosen.run_dir), data)
    if found.changes and any(task.auto_precision for task in campaign.tasks):  # then it is worth asking the devices
        placing = settle(campaign, read_json(chosen.run_dir.campaign_json), test=False)
        exact = campaign.with_auto_precision(placing.precision).identified(data.digest)
        found = difference.find(chosen.run_dir, exact, data)
    difference.ask(found, chosen.run_dir, yes=yes)
    return found.fingerprint


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
    if as_json:
        print(json.dumps({"kind": "exit", "code": int(code)}))
    if code in (ExitCode.INTERRUPTED, ExitCode.STOPPED):
        print("cqltui: stopped; the same command goes on where it stopped", file=sys.stderr)
    return code


def forwarded(arguments: argparse.Namespace, namespace: str = "") -> list[str]:
    """The options of a run as the supervisor takes them; a server's URL travels in the environment."""
    given = [str(arguments.campaign.absolute())]
    for setting in arguments.settings:
        if setting.partition("=")[0].strip().partition(".")[0] != "redis":
            given += ["--set", setting]
    if namespace:
        given += ["--set", f'redis.namespace="{namespace}"']
    for name in ("workers", "device", "run_dir"):
        if (value := getattr(arguments, name)) is not None:
            given += [f"--{name.replace('_', '-')}", str(value)]
    return given


def ensure_supervisor(chosen: RunOptions, arguments: Sequence[str]) -> None:
    """Start a supervisor in a session of its own unless the run has one; returns when the run can be attached to."""
    campaign, data = load_data(chosen.campaign)  # wrong input is told here, not in a log
    if is_supervised(chosen.run_dir):
        _join(chosen.run_dir, campaign, data)
        return
    _make(chosen.run_dir)
    with open(chosen.run_dir.logs / "supervisor.log", "ab", opener=plain_file) as log:
        child = subprocess.Popen(
            [*PYTHON, "-m", "cqltui", "supervise", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=options.environment_with(chosen.redis_url),
        )
    try:
        _wait_ready(chosen.run_dir, child)
    except CqltuiError:
        if child.poll() is None or not is_supervised(chosen.run_dir):
            raise
        _join(chosen.run_dir, campaign, data)  # another start, at the same moment, was first


def _join(run_dir: RunDir, campaign: Campaign, data: DataSummary) -> None:
    """Wait until the run that another process supervises can be attached to; expect it to be of this campaign."""
    _wait_ready(run_dir, None)
    _expect_same(run_dir, manifest.known(run_dir), manifest.resolved(finished.as_begun(campaign, data, run_dir)))


def _make(run_dir: RunDir) -> None:
    try:
        run_dir.path.mkdir(parents=True, exist_ok=True)
        take(run_dir.path)
        run_dir.logs.mkdir(exist_ok=True)
    except OSError as error:
        raise unusable(run_dir, error) from error


def _expect_same(run_dir: RunDir, known: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    """Raise InputError if the run that goes on is of another version of the file, or of other options."""
    other = [key for key in ("data", "phases", "workers") if known.get(key) != mine[key]]
    if other:
        raise InputError(
            f"{run_dir.path}: the run that goes on has other settings ({', '.join(other)}). See it with "
            f"`cqltui attach {place(run_dir)}`; to change it: `cqltui stop {place(run_dir)}`, then this command again"
        )


def _wait_ready(run_dir: RunDir, child: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        said = read_json(run_dir.path / "supervisor.json")
        if said is not None and said.get("ready") and (child is None or said.get("pid") == child.pid):
            return
        code = child.poll() if child is not None else None if is_supervised(run_dir) else 0
        if code is not None:
            raise _failure(run_dir, code)
        time.sleep(POLL_S)
    raise CqltuiError(f"the supervisor is not ready after {START_S:.0f} s: see {run_dir.logs / 'supervisor.log'}")


def _failure(run_dir: RunDir, code: int) -> CqltuiError:
    log = run_dir.logs / "supervisor.log"
    text = "\n".join(["the supervisor did not start:", *(f"  {line}" for line in last_lines(log)[-5:]), f"see {log}"])
    return InputError(text) if code == ExitCode.INPUT else CqltuiError(text)
