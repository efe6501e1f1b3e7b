"""Which process it is, told so that it holds on every machine. Pure."""

from enum import StrEnum

from msgspec import Struct

START_TOLERANCE_S = 0.05
"""Clocks count ticks of a hundredth of a second, and figures travel as decimals."""


class Life(StrEnum):
    """What can be said of a process."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"
    """It is another machine's, boot's, container's or user's: nothing that is seen here tells about it."""


class ProcessIdentity(Struct, frozen=True):
    """A process, and where its number means it."""

    machine: str = ""
    """As of `machine.machine_id`; empty if it was not told, as by earlier versions."""
    boot: str = ""
    """The machine's boot; empty if processes could not be looked at there."""
    pid_namespace: int = 0
    """Containers number their processes on their own; 0 where there is no such thing."""
    uid: int = -1
    pid: int = 0
    started: float = 0.0
    """When it started, in seconds on the clock of its machine that `machine.start_time` reads."""

    def shares_numbers(self, other: "ProcessIdentity") -> bool:
        """Return whether a pid means the same process to both, so that what one sees tells about the other."""
        return (
            bool(self.machine and self.boot)
            and self.uid >= 0
            and (self.machine, self.boot, self.pid_namespace, self.uid)
            == (other.machine, other.boot, other.pid_namespace, other.uid)
        )


def judge(said: ProcessIdentity, here: ProcessIdentity, started: float | None) -> Life:
    """Return whether the process lives. `started`: when the process of its pid that is seen `here` started; None if
    there is none."""
    if said.pid <= 0 or said.started <= 0 or not said.shares_numbers(here):
        return Life.UNKNOWN
    if started is None:
        return Life.DEAD
    return Life.ALIVE if abs(started - said.started) <= START_TOLERANCE_S else Life.DEAD
