"""A state as the event that tells all of it: for readers of a run that has ended, whose server is gone. Pure."""

from msgspec import to_builtins

from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState


def snapshot_of(state: RunState, now: float) -> Event:
    """Return what a server would have answered that holds just this; workers, which have left, are not in it."""
    tasks = {}
    for task in state.tasks.values():
        life = to_builtins(task.life)
        del life["version"]
        tasks[task.id] = {"info": to_builtins(task.info), "life": life, "seq": task.life.version[1], "progress": None}
    campaign = to_builtins(state.campaign)
    campaign["notify"]["on"] = sorted(state.campaign.notify.on)  # a list, as JSON has it: `decode` takes no set
    meta = {
        "seq": state.seq,
        "wanted": state.wanted.value,
        "campaign": campaign,
        "finished_ts": state.finished_ts,
    }
    return Event(Kind.SNAPSHOT, now, state.epoch, state.seq, data={"meta": meta, "tasks": tasks, "workers": {}})
