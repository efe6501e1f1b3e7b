"""How many tasks there are of what, for a reader of very many: told long before they are all read."""

from collections import Counter
from typing import Any

import redis

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


def read_summary(client: redis.Redis, keys: Keys, scripts: Scripts, now: float) -> Event | None:
    """Return how many tasks there are of which kind, status and priority, as `state.reduce` takes it; None where it is
    of no use. The parts need not be of one moment: a whole reading is to follow."""
    if int(client.execute_command("ZCARD", keys.tasks)) < MANY:
        return None
    cursor, through, found = b"0", b"", Counter[tuple[bytes, bytes, bytes]]()
    forms: dict[bytes, bytes] = {}
    first: dict[str, str] = {}
    for _ in parts("its tasks"):
        meta, cursor, own, groups, through = scripts.run("summary", cursor, CHUNK, through)
        first = first or meta_named(meta)
        forms |= dict(zip(own[::2], own[1::2], strict=True))
        for kept, status, priority, count in zip(*(groups[place::4] for place in range(4)), strict=True):
            found[kept, status, priority] += int(count)
        if cursor == b"0" or len(found) > MOST_GROUPS:
            break
    if len(found) > MOST_GROUPS:
        return None
    infos = {name: _example(Form(text)) for name, text in forms.items()}
    told = [
        {
            "info": infos[kept] if kept in infos else codec.decode_object(kept),
            "status": status.decode(errors="replace"),
            "priority": codec.number(priority.decode(errors="replace")),
            "count": count,
        }
        for (kept, status, priority), count in found.items()
    ]
    data = {"meta": run_meta(first), "groups": told}
    return Event(Kind.SUMMARY, now, decode.whole(first, "epoch"), decode.whole(first, "seq"), data=data)


def _example(form: Form) -> dict[str, Any] | None:
    """Return what is fixed about the tasks of a form, without what is each one's own."""
    return form.object([None] * len(form.paths))
