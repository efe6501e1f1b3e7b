"""How a run stands at one moment, as history.jsonl keeps it: what the events of the journal do not tell. Pure."""

from typing import Any

from cqltui.state import select
from cqltui.state.counting import tally
from cqltui.state.eta import estimate
from cqltui.state.live import live_workers, samples_per_s
from cqltui.state.model import RunState


def sample(state: RunState, now: float) -> dict[str, Any]:
    """Return one line of the history; times in seconds since 1970, memory in bytes, `null` where it is not known."""
    expected = estimate(state, now)
    return {
        "ts": round(now, 3),
        "online": state.online,
        "tasks": {str(status): count for status, count in select.counts(state).items() if count},
        "queued": {f"{priority:g}": count for priority, count in select.queue_depth(state).items()},
        "running": {
            task.id: {"epoch": task.epochs_done, "worker": task.life.worker, task.algorithm.headline: task.headline}
            for task in map(state.tasks.__getitem__, tally(state).running)
        },
        "samples_per_s": round(samples_per_s(state, now), 1),
        "finish_ts": None if expected.finish_ts is None else round(expected.finish_ts, 1),
        "workers": {worker.id: worker.memory_bytes for worker in live_workers(state, now)},
    }
