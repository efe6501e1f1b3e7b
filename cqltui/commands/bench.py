"""`cqltui bench`: how fast this machine trains a campaign's networks, alone and in packs."""

import argparse
import json

from rich.console import Console
from rich.progress import Progress

from cqltui.app import options
from cqltui.app.dataset import load_data
from cqltui.app.measuring import PackSpec, answers
from cqltui.app.placing import settle
from cqltui.campaign import payload
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.errors import ExitCode, InputError
from cqltui.reporters.bench import BenchRow, bench_json, bench_table
from cqltui.reporters.console import console

HELP = "Time each architecture of a campaign on this machine, single and packed, beside its matrix products alone."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui bench`."""
    options.add_campaign(parser)
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="of training for each line (default 1)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the table. 1 if an architecture cannot be trained here."""
    if not 0 < arguments.seconds <= 3600:
        raise InputError(f"--seconds {arguments.seconds:g}: expected more than 0 and at most 3600")
    campaign = options.load(arguments)
    placing = settle(campaign, options.earlier(campaign), test=False)
    places = placing.places
    campaign, data = load_data(campaign.with_auto_precision(placing.precision))
    sizes = _packs(campaign, data.digest, len(places))
    rows: list[BenchRow] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("measuring", total=len(sizes))
        for task, members in sizes:
            progress.update(bar, description=f"{task.algorithm.shape_title(task.trainer)}, {members}")
            spec = PackSpec(payload.task_spec(campaign, task, data), members)
            quantity = campaign.quantity(task, data.rows)
            # A process each: what one has held at most is told by its system only as a whole.
            answer = list(answers([spec], places[0], arguments.seconds, limit=True))[-1]
            rows.append(
                BenchRow(
                    network=task.algorithm.shape_title(task.trainer),
                    shape=task.algorithm.shape_values(task.trainer),
                    batch_size=task.trainer.batch_size,
                    precision=task.trainer.precision,
                    members=members,
                    epoch_steps=quantity.epoch_steps,
                    step_flops=quantity.step_flops,
                    estimate_bytes=campaign.memory_bytes(task, members, data.rows, data.heldout_rows),
                    step_s=answer.get("step_s"),
                    limit_s=answer.get("limit_s"),
                    peak_bytes=answer.get("peak_bytes"),
                    error=str(answer.get("error", "")),
                )
            )
            progress.advance(bar)
    if arguments.json:
        print(json.dumps({"device": places[0], "rows": [bench_json(row) for row in rows]}, indent=1))
    else:
        out = console()
        out.print(bench_table(rows, places[0]))
        if placing.reason:
            out.print(placing.reason, markup=False, highlight=False)
    return ExitCode.UNFINISHED if any(row.error for row in rows) else ExitCode.OK


def _packs(campaign: Campaign, digest: str, workers: int) -> list[tuple[TaskSpec, int]]:
    """Each architecture of the campaign as a single task and, if it has mates, as one worker's share of them."""
    shares = payload.fair_members(campaign, digest, workers)
    found: dict[str, tuple[TaskSpec, set[int]]] = {}
    for task in campaign.tasks:
        shape = task.algorithm.shape(task.trainer)
        found.setdefault(shape, (task, {1}))[1].add(shares[payload.pack_key(task, digest)])
    return [(task, members) for task, sizes in found.values() for members in sorted(sizes)]
