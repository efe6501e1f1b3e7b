"""Measure how fast this machine trains a campaign's networks, in a process of its own (`cqltui.worker.measure`)."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from subprocess import PIPE
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import Progress

from cqltui.campaign import payload
from cqltui.campaign.model import Campaign, TaskSpec
from cqltui.campaign.payload import DataSummary
from cqltui.campaign.plan import Speeds
from cqltui.child import PYTHON, clean_environment
from cqltui.errors import CqltuiError
from cqltui.reporters.bench import BenchRow

MEASURE_S = 1.0
"""How long each architecture is timed."""


class PackSpec(NamedTuple):
    """What to time: a task (`campaign.payload.task_spec`) as so many members."""

    spec: dict[str, Any]
    members: int = 1


def answers(packs: Sequence[PackSpec], device: str, seconds: float, *, limit: bool = False) -> Iterator[dict[str, Any]]:
    """Yield what a measuring process says of each pack, as it goes; if it dies, the one it died of is the last."""
    asked = [{"spec": pack.spec, "members": pack.members} for pack in packs]
    wanted = json.dumps({"device": device, "seconds": seconds, "limit": limit, "packs": asked})
    command = [*PYTHON, "-m", "cqltui.worker.measure"]
    with tempfile.TemporaryFile("w+") as errors:
        environment = clean_environment()
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=errors, text=True, env=environment) as child:
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


def step_speeds(campaign: Campaign, data: DataSummary, places: Sequence[str]) -> tuple[Speeds, dict[str, str]]:
    """Return a member's seconds per step of every shape of the campaign, in packs as the workers will share them.

    And what could not be trained, with the reason. `places`: the device of each worker.
    """
    shares = payload.fair_members(campaign, data.digest, len(places))
    shapes: dict[str, TaskSpec] = {}
    for task in campaign.tasks:
        shapes.setdefault(task.algorithm.shape(task.trainer), task)
    waiting = list(shapes.items())
    step_s: dict[str, float] = {}
    failures: dict[str, str] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("measuring", total=len(waiting))
        while waiting:  # a process that ends early leaves the rest to the next
            packs = [
                PackSpec(payload.task_spec(campaign, task, data), shares[payload.pack_key(task, data.digest)])
                for _, task in waiting
            ]
            for pack, answer in zip(packs, answers(packs, places[0], MEASURE_S), strict=False):
                shape, task = waiting.pop(0)
                if "step_s" in answer:
                    step_s[shape] = float(answer["step_s"]) / pack.members
                else:
                    failures[task.title] = str(answer["error"])
                progress.advance(bar)
    return Speeds(step_s), failures


def pack_speeds(campaign: Campaign, data: DataSummary, places: Sequence[str], seconds: float) -> list[BenchRow]:
    """Time each network of the campaign, single and in a pack, for so many seconds each."""
    sizes = _packs(campaign, data.digest, len(places))
    rows: list[BenchRow] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("measuring", total=len(sizes))
        for task, members in sizes:
            progress.update(bar, description=f"{task.algorithm.shape_title(task.trainer)}, {members}")
            spec = PackSpec(payload.task_spec(campaign, task, data), members)
            quantity = campaign.quantity(task, data.rows)
            # A process each: what one has held at most is told by its system only as a whole.
            answer = list(answers([spec], places[0], seconds, limit=True))[-1]
            rows.append(
                BenchRow(
                    network=task.algorithm.shape_title(task.trainer),
                    shape=task.algorithm.shape_values(task.trainer),
                    batch_size=task.trainer.batch_size,
                    precision=task.trainer.precision,
                    members=members,
                    epoch_steps=quantity.epoch_steps,
                    step_flops=quantity.step_flops,
                    estimate_bytes=campaign.memory_bytes(task, members, data.rows, data.validation_rows),
                    step_s=answer.get("step_s"),
                    limit_s=answer.get("limit_s"),
                    peak_bytes=answer.get("peak_bytes"),
                    error=str(answer.get("error", "")),
                )
            )
            progress.advance(bar)
    return rows


def _packs(campaign: Campaign, digest: str, workers: int) -> list[tuple[TaskSpec, int]]:
    """Return each architecture of the campaign as a single task and, if it has mates, as one worker's share of them."""
    shares = payload.fair_members(campaign, digest, workers)
    found: dict[str, tuple[TaskSpec, set[int]]] = {}
    for task in campaign.tasks:
        shape = task.algorithm.shape(task.trainer)
        found.setdefault(shape, (task, {1}))[1].add(shares[payload.pack_key(task, digest)])
    return [(task, members) for task, sizes in found.values() for members in sorted(sizes)]
