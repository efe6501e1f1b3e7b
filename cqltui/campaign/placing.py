"""Where "auto" trains a campaign: on a device that has passed its self test and is faster for this campaign than the
CPU's cores, else on the CPU. Pure.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from cqltui.campaign.model import Campaign


class ShapeSpeed(Struct, frozen=True):
    """Seconds of a member's training step on one network."""

    step_flops: float
    device_step_s: float
    cores_step_s: float
    """Of all cores of the CPU together."""


class Verdict(Struct, frozen=True):
    """What a device's self test found."""

    device: str
    description: str
    passed: bool
    said: str
    """In words."""
    shapes: tuple[ShapeSpeed, ...] = ()
    cores: int = 1
    """Cores that it was compared with."""
    tested_ts: float = 0.0


class Choice(Struct, frozen=True):
    """Where a campaign is trained."""

    devices: tuple[str, ...]
    """Of one kind; workers have them in turn."""
    reason: str = ""
    """Why "auto" came to it; empty where there was nothing to choose."""


def read_verdict(raw: Mapping[str, Any], device: str, description: str) -> Verdict:
    """Return a verdict as `trainer.selftest` prints it. Raises KeyError, TypeError or ValueError on something else."""
    shapes = tuple(
        ShapeSpeed(float(shape["step_flops"]), float(shape["device_step_s"]), float(shape["cores_step_s"]))
        for shape in raw["shapes"]
    )
    if any(min(shape.step_flops, shape.device_step_s, shape.cores_step_s) <= 0 for shape in shapes):
        raise ValueError("a step takes no time")
    passed = bool(raw["passed"]) and bool(shapes)
    return Verdict(
        device, description, passed, str(raw["said"]), shapes, int(raw["cores"]), float(raw.get("tested_ts", 0.0))
    )


def choose(campaign: Campaign, verdicts: Sequence[Verdict], workers: int) -> Choice:
    """Return where "auto" trains the campaign, given the verdicts on the devices beside the CPU.

    `workers`: how many there would be on the CPU.
    """
    if not verdicts:
        return Choice(("cpu",))
    passed = [verdict for verdict in verdicts if verdict.passed]
    if not passed:
        return Choice(("cpu",), f"auto is the CPU: {_failures(verdicts)}")
    # Devices share the work as far as there is more than one pack; the CPU's workers likewise.
    together = 1 / sum(1 / _seconds(campaign, verdict, on_device=True) for verdict in passed)
    on_cpu = min(_seconds(campaign, verdict, on_device=False) * verdict.cores / workers for verdict in passed)
    names = ", ".join(verdict.device for verdict in passed)
    beside = f"{workers} worker{'s' * (workers != 1)} on the CPU"
    failed = [verdict for verdict in verdicts if not verdict.passed]
    left_out = f"; {_failures(failed)}" if failed else ""
    if together < on_cpu:
        reason = f"auto is {names}: some {on_cpu / together:.1f} times as fast here as {beside}{left_out}"
        return Choice(tuple(verdict.device for verdict in passed), reason)
    reason = f"auto is the CPU: {names} would take some {together / on_cpu:.1f} times as long as {beside}{left_out}"
    return Choice(("cpu",), reason)


def _failures(verdicts: Sequence[Verdict]) -> str:
    return "; ".join(f"{verdict.device} did not pass its self test: {verdict.said}" for verdict in verdicts)


def _seconds(campaign: Campaign, verdict: Verdict, *, on_device: bool) -> float:
    """Of the whole campaign, but for a factor that is the same for every device: the steps of an epoch, which are as
    the data's rows by the batch."""
    total = 0.0
    for task in campaign.tasks:
        trainer = task.trainer
        flops = campaign.quantity(task, 0).step_flops
        total += trainer.epochs / trainer.batch_size * _step_s(verdict.shapes, flops, on_device=on_device)
    return total


def _step_s(shapes: Sequence[ShapeSpeed], flops: float, *, on_device: bool) -> float:
    """Return the seconds of a step of so much work: in between by a straight line, beyond the largest in proportion,
    below the smallest the same, since there it is calls that take the time."""
    points = sorted((shape.step_flops, shape.device_step_s if on_device else shape.cores_step_s) for shape in shapes)
    (low, low_s), (high, high_s) = points[0], points[-1]
    if flops <= low:
        return low_s if on_device else low_s * flops / low
    if flops >= high:
        return high_s * flops / high
    (left, left_s), (right, right_s) = next(pair for pair in pairwise(points) if flops <= pair[1][0])
    return left_s + (right_s - left_s) * (flops - left) / (right - left)
