"""How many tasks there are of what, for a reader of very many: told long before they are all read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import redis
from msgspec import Struct

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.bounded import parts
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.snapshot import CHUNK, meta_named, run_meta
from cqltui.state import decode
from cqltui.state.events import Event, Kind
from cqltui.state.forms import Form

MANY = 20_000
"""Tasks; fewer are read whole within a second."""
MOST_GROUPS = 5_000
"""Of tasks with so little in common a summary would take as long as all of them."""


class Groups(Struct, frozen=True):
    """Tasks by kind, status and priority."""

    meta: Mapping[str, str]
    """Of the run, at the beginning."""
    told: Sequence[Mapping[str, Any]]
    """{info, status, priority, count}, as `state.paging` takes them."""
    changed: Sequence[str]
    """The ids of those that have changed since, which are in no group."""
    parts: Sequence[tuple[int, int]]
    """The last submission number of each part that was counted at once, and the newest event then."""


def read_summary(client: redis.Redis, keys: Keys, scripts: Scripts, now: float) -> Event | None:
    """Return how many tasks there are of which kind, status and priority, as `state.reduce` takes it; None where it is
    of no use. The parts need not be of one moment: a whole reading is to follow."""
    if int(client.execute_command("ZCARD", keys.tasks)) < MANY or (found := read_groups(scripts)) is None:
        return None
    return event(Kind.SUMMARY, found, now, {"groups": found.told})


def event(kind: Kind, found: Groups, now: float, data: Mapping[str, Any]) -> Event:
    """Return an event of the moment at which the groups were begun to be read."""
    epoch, seq = decode.whole(found.meta, "epoch"), decode.whole(found.meta, "seq")
    return Event(kind, now, epoch, seq, data={"meta": run_meta(found.meta), **data})


def read_groups(scripts: Scripts, *, since_begun: bool = False) -> Groups | None:
    """Return the groups; None where tasks have so little in common that they are of no use. `since_begun`: tell apart
    what changes after the beginning: the groups are then of that moment, but for the tasks that have changed."""
    behind, found, changed = b"-1", Counter[tuple[bytes, bytes, bytes]](), dict[str, None]()
    forms: dict[bytes, bytes] = {}
    read: list[tuple[int, int]] = []
    last = b""
    meta: dict[str, str] = meta_named(scripts.run("about")[0]) if since_begun else {}
    for _ in parts("its tasks"):
        told = scripts.run("summary", behind, CHUNK, meta.get("seq", "") if since_begun else "", last)
        about, behind, own, groups, ids, last = told
        now = meta_named(about)
        meta = meta or now
        read.append((codec.whole(behind or last), decode.whole(now, "seq")))
        forms |= dict(zip(own[::2], own[1::2], strict=True))
        changed |= dict.fromkeys(task_id.decode(errors="replace") for task_id in ids)
        for kept, status, priority, count in zip(*(groups[place::4] for place in range(4)), strict=True):
            found[kept, status, priority] += int(count)
        if not behind or len(found) > MOST_GROUPS:
            break
    if len(found) > MOST_GROUPS:
        return None
    infos = {name: _example(Form(text)) for name, text in forms.items()}
    alike = [
        {
            "info": infos[kept] if kept in infos else codec.decode_object(kept),
            "status": status.decode(errors="replace"),
            "priority": codec.number(priority.decode(errors="replace")),
            "count": count,
        }
        for (kept, status, priority), count in found.items()
    ]
    return Groups(meta, alike, tuple(changed), read)


def _example(form: Form) -> dict[str, Any] | None:
    """Return what is fixed about the tasks of a form, without what is each one's own."""
    return form.object([None] * len(form.paths))
