"""Which workers an engine is to start, and which are given up, by what it has told so far. Pure: time is an argument.

An engine that does not answer is waited out: nobody takes the place of a worker of whom it is not known that it ended.
Starts are rate-limited, since whoever submits without end is locked out of a cluster.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec import Struct

from cqltui.placement.protocol import End, Handle, State, Why
from cqltui.placement.restart import Restart

UNKNOWN_S = 600.0
"""So long a worker of which nobody knows whether it lives keeps its place."""
ABSENCES = 2
"""Answers in a row that do not name a worker: it has ended, and the engine has forgotten it."""
FIRST_S, LONGEST_S, HEALTHY_S = 5.0, 600.0, 60.0
"""Before a worker is replaced: the first pause, the longest, and the life after which pauses begin anew."""
REFILL_S = 10.0
"""Beyond as many starts at once as there are slots, one is allowed in so many seconds."""

Ended = tuple[str, End]
"""A slot, and how its worker ended."""


class _Place(Struct):
    restart: Restart
    handle: Handle | None = None
    state: State = State.UNKNOWN
    is_asked: bool = False
    """Its start is under way."""
    asked_ts: float = 0.0
    """When the start was answered."""
    unknown_since: float | None = None
    absences: int = 0
    has_worked: bool = False
    """Its worker has told the server that it is there."""

    @property
    def is_free(self) -> bool:
        return self.handle is None and not self.is_asked


class Roster:
    """The slots of one block, and who has them."""

    def __init__(self, slots: Sequence[str]) -> None:
        self._places = {slot: _Place(Restart((FIRST_S, LONGEST_S), HEALTHY_S)) for slot in slots}
        self._done: set[Handle] = set()
        """Given up, or signed off: the engine may name them for a while."""
        self._tokens, self._tokens_at = float(len(slots)), 0.0
        self.is_known = False
        """Whether the engine has told who is there since the beginning, and since a start that may have failed."""
        self.surplus: list[Handle] = []
        """Workers that are to be stopped: two of one slot, and those that were given up."""

    def __contains__(self, slot: object) -> bool:
        """Return whether the slot has a worker, or is getting one."""
        place = self._places.get(slot) if isinstance(slot, str) else None
        return place is not None and not place.is_free

    @property
    def slots(self) -> Collection[str]:
        """All of them."""
        return self._places.keys()

    @property
    def alive(self) -> int:
        """Slots that have a worker, or are getting one."""
        return sum(not place.is_free for place in self._places.values())

    def handles(self) -> dict[Handle, State]:
        """Return the workers there are, and how they stood last."""
        return {place.handle: place.state for place in self._places.values() if place.handle is not None}

    def handle(self, slot: str) -> Handle | None:
        """Return the worker of a slot."""
        place = self._places.get(slot)
        return place.handle if place is not None else None

    def due(self, wanted: int, now: float) -> list[str]:
        """Return the slots to start now, so that there are `wanted` workers at most; they count as being started."""
        if not self.is_known:
            return []
        self._tokens = min(len(self._places), self._tokens + max(0.0, now - self._tokens_at) / REFILL_S)
        self._tokens_at = now
        found: list[str] = []
        room = wanted - self.alive
        for slot, place in self._places.items():
            if len(found) >= room or self._tokens < 1:
                break
            if place.is_free and place.restart.ready(now):
                place.is_asked = True
                self._tokens -= 1
                found.append(slot)
        return found

    def started(self, handle: Handle, now: float) -> None:
        """Note that the engine has taken an order."""
        place = self._places[handle.slot]
        place.is_asked = False
        self._take_in(place, handle, State.PENDING, now)

    def not_started(self, slot: str, now: float, *, refused: bool) -> None:
        """Note that an order has failed, or may have: then the engine is asked before the next one."""
        place = self._places[slot]
        place.is_asked = False
        if place.handle is None:
            place.restart.died(now)
        self.is_known = self.is_known and refused

    def told(
        self, found: Mapping[Handle, State], why: Callable[[Handle], End], asked_ts: float, now: float
    ) -> list[Ended]:
        """Take the engine's answer to a question of `asked_ts`; who has ended."""
        ended: list[Ended] = []
        self._done &= found.keys()
        for slot, place in self._places.items():
            if place.handle is None or (place.handle not in found and place.asked_ts >= asked_ts):
                continue  # nobody, or ordered after the question
            if (end := self._judge(place, found.get(place.handle), why, now)) is not None:
                ended.append((slot, self._ends(place, end, now)))
        for handle, state in found.items():
            self._meet(handle, state, now)
        self.is_known = True
        return ended

    def silent(self, now: float) -> list[Ended]:
        """Note that the engine did not answer; who is given up."""
        ended: list[Ended] = []
        for slot, place in self._places.items():
            if place.handle is not None and self._is_unknown_long(place, now):
                self.is_known = False
                ended.append((slot, self._ends(place, End(Why.UNKNOWN), now)))
        return ended

    def signed_on(self, slot: str) -> None:
        """Note that the slot's worker is registered at the server."""
        if (place := self._places.get(slot)) is not None and place.handle is not None:
            place.has_worked = True

    def signed_off(self, slot: str, now: float) -> bool:
        """Note that it has told the server that it leaves, which is sooner known than from the engine; return whether
        this is news."""
        place = self._places.get(slot)
        if place is None or place.handle is None or not place.has_worked:
            return False
        self._done.add(place.handle)
        self._ends(place, End(Why.EXIT), now)
        return True

    def cancelled(self, handle: Handle, now: float) -> bool:
        """Note that a worker was ended at our word; return whether it was there."""
        place = self._places.get(handle.slot)
        if place is None or place.handle != handle:
            return False
        self._done.add(handle)
        self._ends(place, End(Why.CANCELLED), now)
        return True

    def _judge(self, place: _Place, state: State | None, why: Callable[[Handle], End], now: float) -> End | None:
        """Return how a worker ended, by what the engine says of it; None while it may live."""
        handle = place.handle
        assert handle is not None
        place.absences = place.absences + 1 if state is None else 0
        if state is State.ENDED:
            return why(handle)
        if place.absences >= ABSENCES:
            return End(Why.UNKNOWN)
        if state in (None, State.UNKNOWN):
            if self._is_unknown_long(place, now):
                self._done.add(handle)
                self.surplus.append(handle)
                return End(Why.UNKNOWN)
            return None
        if state is State.RUNNING and place.state is not State.RUNNING:
            place.restart.started(now)  # what it has waited for its turn is no life
        place.state, place.unknown_since = state or State.UNKNOWN, None
        return None

    def _is_unknown_long(self, place: _Place, now: float) -> bool:
        place.state = State.UNKNOWN
        place.unknown_since = now if place.unknown_since is None else place.unknown_since
        return now - place.unknown_since >= UNKNOWN_S

    def _meet(self, handle: Handle, state: State, now: float) -> None:
        """Take in a worker that a former supervisor has ordered, or whose order seemed to fail."""
        if state is State.ENDED or handle in self._done:
            return
        place = self._places.get(handle.slot)
        if place is not None and place.handle is None:
            self._take_in(place, handle, state, now)
        elif place is None or place.handle != handle:
            self._done.add(handle)
            self.surplus.append(handle)

    @staticmethod
    def _take_in(place: _Place, handle: Handle, state: State, now: float) -> None:
        place.handle, place.state, place.asked_ts = handle, state, now
        place.unknown_since, place.absences, place.has_worked = None, 0, False
        place.restart.started(now)

    @staticmethod
    def _ends(place: _Place, end: End, now: float) -> End:
        place.handle, place.state = None, State.UNKNOWN
        place.restart.died(now)
        return end
