"""`cqltui plan`: tasks, order, work and time of a campaign. Nothing is started."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from subprocess import PIPE
from typing import Any

from rich.console import Console
from rich.progress import Progress

from cqltui.campaign import payload
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.campaign.plan import Shape, Speeds, plan
from cqltui.commands import devices, options
from cqltui.commands.dataset import load_data
from cqltui.errors import CqltuiError, ExitCode
from cqltui.reporters.plan import plan_json, plan_table

HELP = "Tasks, order, FLOPs and estimated time of a campaign. Nothing is started."
PIPE_WIDTH = 120
"""Columns where there is no terminal to ask."""
MEASURE_S = 1.0
"""How long each architecture is timed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui plan`."""
    options.add_campaign(parser)
    parser.add_argument("--measure", action="store_true", help="time every architecture on this machine for a moment")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan. 1 if an architecture cannot be trained here."""
    campaign = options.load(arguments)
    campaign, data = load_data(campaign)
    places = devices.spread(campaign.workers.device, campaign.workers.count)
    speeds, failures = Speeds(), dict[str, str]()
    if arguments.measure:
        speeds, failures = measure(campaign, data.rows, data.digest, places[0])
    planned = plan(campaign, data.rows, speeds, heldout_rows=data.heldout_rows, workers=len(places))
    if arguments.json:
        print(json.dumps(plan_json(planned) | {"device": places[0], "failures": failures}, indent=1))
    else:
        console = Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)
        console.print(plan_table(planned))
        for title, reason in failures.items():
            console.print(f"cannot be trained here: {title}: {reason}", markup=False, style="bold red")
    return ExitCode.UNFINISHED if failures else ExitCode.OK


def measure(campaign: Campaign, rows: int, data_digest: str, device: str) -> tuple[Speeds, dict[str, str]]:
    """Seconds per step of every shape of the campaign on this machine; what could not be trained, with the reason."""
    shapes: dict[Shape, TaskSpec] = {}
    for task in campaign.tasks:
        shapes.setdefault(Shape.of(task.trainer), task)
    waiting = list(shapes.items())
    step_s: dict[Shape, float] = {}
    failures: dict[str, str] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("measuring", total=len(waiting))
        while waiting:  # a process that ends early leaves the rest to the next
            specs = [payload.task_spec(campaign, task, rows, data_digest) for _, task in waiting]
            for answer in _answers(specs, device):
                shape, task = waiting.pop(0)
                if "step_s" in answer:
                    step_s[shape] = float(answer["step_s"])
                else:
                    failures[task.title] = str(answer["error"])
                progress.advance(bar)
    return Speeds(step_s), failures


def _answers(specs: list[dict[str, Any]], device: str) -> Iterator[dict[str, Any]]:
    """What a measuring process says of each task, as it goes; if it dies, the one it died of is the last."""
    wanted = json.dumps({"device": device, "seconds": MEASURE_S, "tasks": specs})
    command = [sys.executable, "-m", "cqltui.worker.measure"]
    with tempfile.TemporaryFile("w+") as errors:
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=errors, text=True) as child:
            if child.stdin is None or child.stdout is None:
                raise CqltuiError("the measuring process has no pipes")
            with child.stdin:
                child.stdin.write(wanted)
            for line in child.stdout:
                yield json.loads(line)
        errors.seek(0)
        last = (errors.read().strip().splitlines() or ["it said nothing"])[-1]
    if child.returncode > 0:
        raise CqltuiError(f"the measurement failed: {last}")
    if child.returncode < 0:
        yield {"error": f"the measuring process was ended by signal {-child.returncode}: it does not fit in memory"}
