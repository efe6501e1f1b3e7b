"""How the run went: what was queued, how fast it trained, and whether its expected end came."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from cqltui.judging.evaluated import at
from cqltui.report.figure import Axis, Figure, Line, Panel, Values
from cqltui.report.figures.clock import Clock, back_note, clock_of, duration, in_order, stamped
from cqltui.report.figures.parts import thinned, value_scale
from cqltui.report.material import Floats, Material
from cqltui.state import decode
from cqltui.state.events import Kind
from cqltui.state.model import Status

POINTS = 1_000
"""Parts of an axis that a line is thinned to."""
ALWAYS = (Status.QUEUED, Status.RUNNING, Status.DONE)
"""The others are shown where there were any."""
LOOKS: Mapping[Status, tuple[int, Literal["solid", "dashed", "dotted"]]] = {
    Status.QUEUED: (4, "dashed"),
    Status.RUNNING: (1, "solid"),
    Status.DONE: (0, "solid"),
    Status.DELAYED: (1, "dotted"),
    Status.PAUSED: (5, "dashed"),
    Status.DEAD: (2, "solid"),
    Status.CANCELLED: (3, "dashed"),
    Status.WITHDRAWN: (3, "dotted"),
}
"""Place in the palette, and style."""
UNITS = ((3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def queue_and_throughput(material: Material) -> Figure:
    """Return the tasks by status and the training speed over the time of the run."""
    name, title = "queue_throughput", "Queue and throughput"
    caption = "Tasks by status, and transitions per second of all workers together, over the time of the run."
    lines = stamped(material.history)
    if not lines:
        reason = "The run has no history.jsonl with a readable line: the next supervised run of it brings this figure."
        return Figure(name, title, caption, "", reason=reason)
    times, back = in_order([decode.stamp(line, "ts") for line in lines])
    clock = clock_of(times)
    speed = np.array([max(0.0, decode.number(line, "samples_per_s")) for line in lines])
    tasks = [at(line, "tasks") for line in lines]
    counts = {status: np.array([_count(known, status) for known in tasks]) for status in Status}
    queue = tuple(
        Line(str(status), *_over_time(clock, times, counts[status]), color=color, style=style, steps=True)
        for status, (color, style) in LOOKS.items()
        if status in ALWAYS or (counts[status] > 0).any()
    )
    rate = Line("", *_over_time(clock, times, speed), color=0, steps=True)
    trained = speed[speed > 0]
    scale = value_scale(trained)
    panels = (
        Panel("", clock.axis, Axis("tasks", low=0.0), queue),
        Panel("", clock.axis, Axis("transitions per second", scale, low=None if scale == "log" else 0.0), (rate,)),
    )
    caption += f" {len(lines):,} lines of history.jsonl.{clock.note}{back_note(back)}"
    median = f"{np.median(trained):,.0f} transitions per second" if len(trained) else "nothing trained"
    alt = (
        f"Over {duration(float(clock.running(times[-1:])[0]))}: at most {_largest(counts[Status.RUNNING])} tasks at "
        f"once, and {_largest(counts[Status.DONE])} done by the last line; median speed while training: {median}."
    )
    return Figure(name, title, caption, alt, panels, size=(7.5, 5.0))


def _count(tasks: Mapping[str, Any], status: Status) -> float:
    """Return how many tasks have the status; NaN where a line tells of none at all."""
    return max(0.0, decode.number(tasks, status)) if tasks else np.nan


def _largest(values: Floats) -> str:
    known = values[np.isfinite(values)]
    return f"{int(known.max(initial=0)):,}"


def _over_time(clock: Clock, times: Floats, values: Floats) -> tuple[Values, Values]:
    """Return (x, y) of a line, broken where nobody supervised the run."""
    starts = np.searchsorted(times, [begin for begin, _ in clock.gaps], side="right")
    moments = np.insert(clock.at(times), starts, clock.at([begin for begin, _ in clock.gaps]))
    return thinned(moments, np.insert(values, starts, np.nan), POINTS, log=False)


def eta(material: Material) -> Figure:
    """Return the remaining time that was predicted, and what came, over the time of the run."""
    name, title = "eta_predicted", "Expected and actual end"
    caption = "Remaining time as the run predicted it, and as it came, over the time of the run."
    lines = stamped(material.history)
    written = np.array([decode.stamp(line, "ts") for line in lines])
    times, back = in_order(written.tolist())
    clock, moved = clock_of(times), times - written
    ends = _ends(material, written, moved)
    expected = np.array([decode.stamp(line, "finish_ts") for line in lines])
    after = np.searchsorted(ends, times)
    told = (expected > 0) & (after < len(ends))
    if not told.any():
        reason = (
            "No expected end can be compared with what came: that takes a run that has ended, with history.jsonl, and "
            "lasted long enough to be estimated."
        )
        return Figure(name, title, caption, "", reason=reason)
    end = ends[np.minimum(after, len(ends) - 1)][told]
    when = times[told]
    predicted = np.maximum(expected[told] + moved[told] - when, 0.0)
    came = np.maximum(clock.running(end) - clock.running(when), 0.0)
    errors = abs(predicted - came)
    size, unit = next((it for it in UNITS if came.max() >= 2 * it[0]), UNITS[-1])
    scale = value_scale(np.concatenate((predicted, came)).clip(1.0))
    x = clock.at(when)
    foreseen, real = (thinned(x, values.clip(1.0) / size, POINTS, log=False) for values in (predicted, came))
    marks = Line("predicted", *foreseen, color=1), Line("came", *real, color=0, style="dashed")
    panel = Panel("", clock.axis, Axis(f"remaining {unit}", scale), marks)
    share = np.median(errors[came > 0] / came[came > 0]) if (came > 0).any() else 0.0
    figures = (
        f"Over {len(when):,} predictions the median absolute error is {duration(float(np.median(errors)))}, and "
        f"{share:.0%} of what remained."
    )
    alt = f"Two lines. {figures}"
    note = " Time in which nobody supervised the run does not count as remaining." if clock.gaps else ""
    return Figure(name, title, f"{caption} {figures}{note}{back_note(back)}", alt, (panel,), size=(6.0, 4.0))


def _ends(material: Material, written: Floats, moved: Floats) -> Floats:
    """Return when the run ended, each time that it did, by its journal, else by its document; moved on as the lines of
    the history are (`in_order`) that were written before."""
    found = [
        decode.stamp(at(event, "data"), "finished_ts")
        for event in material.events
        if event.get("kind") == Kind.FINISHED
    ]
    known = sorted({end for end in found if end > 0})
    if not known and material.provenance.finished_ts > 0:
        known = [material.provenance.finished_ts]
    before = [np.flatnonzero(written <= end) for end in known]
    return np.array([end + (moved[lines[-1]] if len(lines) else 0.0) for end, lines in zip(known, before, strict=True)])
