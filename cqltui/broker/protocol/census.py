"""Which campaigns a server holds, and how each of them stands: the answers of a server that need not be ours."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import redis
from msgspec import Struct, field

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.bounded import parts
from cqltui.broker.protocol.keys import NAMESPACE, Keys
from cqltui.broker.protocol.records import RefusedError
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.trouble import sensible
from cqltui.state import decode
from cqltui.state.model import ENDED, Status, Wanted

MOST_CAMPAIGNS = 1000
"""That are listed."""
PAGE = 1000
"""Keys, or tasks, a call: a millisecond or two of the server's time."""
PRESENT_S = 5.0
"""A supervisor says so often that it is there."""
ABSENT_S = 30.0
"""One that has not said so for as long is gone, or cut off."""
_END = "cq:meta"
"""How the key ends that each campaign has."""
_STATES = {
    Wanted.RUNNING: "running",
    Wanted.PAUSED: "paused",
    Wanted.DRAINING: "draining",
    Wanted.STOPPED: "stopping",
}


class Standing(Struct, frozen=True):
    """A campaign on a server. Texts are foreign."""

    namespace: str
    title: str = ""
    name: str = ""
    owner: str = ""
    """Who started its supervisor, "anna@host"; empty if it has not told, as by earlier versions."""
    host: str = ""
    state: str = ""
    """running, paused, draining, stopping, ended, stopped (with tasks left), no supervisor, or unreadable."""
    counts: Mapping[Status, int] = field(default_factory=dict)
    workers: int = 0
    """That spoke within half a minute."""
    weight: int = 1
    started_ts: float = 0.0
    expected_ts: float = 0.0
    """When it is expected to end; 0 if that is not known."""
    finished_ts: float = 0.0
    trouble: str = ""
    """Why it cannot be read."""


def namespaces(client: redis.Redis) -> list[str]:
    """Return the namespaces of all campaigns on the server, in order, at most `MOST_CAMPAIGNS`; "" is the one without.

    Looks at all names of keys, a page at a time. Raises RedisError, and RefusedError for a server without an end.
    """
    found: set[str] = set()
    cursor = 0
    with sensible():
        for _ in parts("its keys"):
            cursor, names = client.execute_command("SCAN", cursor, "MATCH", f"*{_END}", "COUNT", PAGE)
            found.update(one for name in names if (one := _namespace(name)) is not None)
            if cursor == 0 or len(found) >= MOST_CAMPAIGNS:
                break
    return sorted(found)[:MOST_CAMPAIGNS]


def _namespace(key: bytes) -> str | None:
    prefix = key.decode(errors="replace").removesuffix(_END)
    namespace = prefix.removesuffix(":")
    is_one = NAMESPACE.fullmatch(namespace) is not None and Keys(namespace).prefix == prefix
    return namespace if is_one else None


def standing(client: redis.Redis, namespace: str) -> Standing:
    """Return how a campaign stands; as unreadable where the server refuses or answers nonsense. Raises RedisError and
    ServerError where it does not answer."""
    try:
        with sensible():
            return _read(Scripts(client, Keys(namespace)), namespace)
    except RefusedError as error:
        return Standing(namespace, state="unreadable", trouble=str(error))


def _read(scripts: Scripts, namespace: str) -> Standing:
    counted: Counter[Status] = Counter()
    about: list[Any] = []
    try:
        for told, found in _pages(scripts):
            about = about or told
            counted.update(found)
    finally:
        scripts.close()
    wanted, campaign, *stamps = about
    finished_ts, supervised_ts, expected_ts, weight, now, workers = map(_number, stamps)
    said = codec.decode_object(campaign) or {}
    ended = bool(counted) and all(status in ENDED for status in counted)
    state = _STATES[codec.wanted(wanted)]
    if finished_ts > 0 or ended:
        state = "ended" if ended else "stopped"
    elif supervised_ts and now - supervised_ts > ABSENT_S:  # earlier versions do not tell
        state = "no supervisor"
    return Standing(
        namespace=namespace,
        title=decode.text(said, "title"),
        name=decode.text(said, "name"),
        owner=decode.text(said, "owner"),
        host=decode.text(said, "host"),
        state=state,
        counts={status: counted[status] for status in Status if counted[status]},
        workers=int(workers),
        weight=max(1, int(weight)),
        started_ts=decode.stamp(said, "started_ts"),
        expected_ts=expected_ts if state == "running" else 0.0,
        finished_ts=finished_ts,
    )


def _pages(scripts: Scripts) -> Iterator[tuple[list[Any], Counter[Status]]]:
    cursor = b"0"
    known = frozenset(Status)
    for _ in parts("its tasks"):
        about, cursor, flat = scripts.run("stand", cursor, PAGE)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        counts = {name.decode(errors="replace"): int(count) for name, count in pairs}
        yield about, Counter({Status(name): count for name, count in counts.items() if name in known})
        if cursor == b"0":
            return


def _number(raw: bytes | int) -> float:
    return decode.stamp({"": raw if isinstance(raw, int) else raw.decode(errors="replace")}, "")
