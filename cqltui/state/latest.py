"""Which reports of a batch still say something: a worker tells its whole pack several times a second, and what is read
several times a second needs the last of these reports only. Pure."""

from collections.abc import Iterable

from cqltui.state import decode
from cqltui.state.events import Event, Kind


def latest(events: Iterable[Event]) -> list[Event]:
    """Return the events, each report that later ones make void replaced by a tick of its time.

    It is void if, before anything else happens, its worker reports again, and each task that it names is reported at a
    later step of the same attempt: the reducer would end where it does without it, after decoding all of it.
    """
    kept: list[Event] = []
    workers: dict[str, tuple[int, int, int]] = {}
    steps: dict[tuple[str, str], int] = {}
    for event in reversed(tuple(events)):
        if event.kind is not Kind.PROGRESS:
            workers.clear()
            steps.clear()
            kept.append(event)
            continue
        version = decode.worker_version(event.data, event.epoch)
        members = [
            ((decode.text(member, "task"), decode.text(member, "token")), decode.whole(member, "step"))
            for member in decode.few(event.data.get("members"))
        ]
        known = workers.get(event.worker)
        if known is not None and known >= version and all(steps.get(of, step) > step for of, step in members):
            kept.append(Event(Kind.TICK, event.ts))
            continue
        kept.append(event)
        if known is None or known < version:
            workers[event.worker] = version
        for of, step in members:
            steps[of] = max(step, steps.get(of, step))
    kept.reverse()
    return kept
