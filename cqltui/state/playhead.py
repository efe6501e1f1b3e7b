"""Where a replay is: a clock of the run that goes faster than the wall's, stands still, and is moved. Pure."""

from msgspec import Struct
from msgspec.structs import replace

SPEEDS = (1.0, 10.0, 60.0, 300.0, 1800.0)
"""Seconds of the run in one of the wall's, as keys choose them; at the start it may be another."""


class Playhead(Struct, frozen=True):
    """A moment of the run, and how fast the next ones come. Times of the run are since 1970, `wall_s` of any clock
    that only goes forward."""

    begin_ts: float
    end_ts: float
    """What is recorded lies between."""
    at_ts: float
    """Where it was at `wall_s`."""
    wall_s: float = 0.0
    speed: float = 60.0
    paused: bool = False

    def ts(self, wall_s: float) -> float:
        """Return the moment of the run."""
        passed = 0.0 if self.paused else (wall_s - self.wall_s) * self.speed
        return self._within(self.at_ts + max(0.0, passed))

    def goes(self, wall_s: float) -> bool:
        """Return whether it goes on by itself."""
        return not self.paused and self.ts(wall_s) < self.end_ts

    def share(self, ts: float) -> float:
        """Return how far into what is recorded a moment is, 0 to 1."""
        length = self.end_ts - self.begin_ts
        return (self._within(ts) - self.begin_ts) / length if length > 0 else 1.0

    def toggled(self, wall_s: float) -> "Playhead":
        """Return it paused, or going on; from the end it begins anew."""
        ts = self.ts(wall_s)
        if not self.paused and ts >= self.end_ts:
            return replace(self, at_ts=self.begin_ts, wall_s=wall_s)
        at_ts = self.begin_ts if self.paused and ts >= self.end_ts else ts
        return replace(self, at_ts=at_ts, wall_s=wall_s, paused=not self.paused)

    def faster(self, wall_s: float, step: int) -> "Playhead":
        """Return it at the next speed of `SPEEDS`, or the one before."""
        others = [one for one in SPEEDS if (one > self.speed if step > 0 else one < self.speed)]
        chosen = self.speed if not others else others[0] if step > 0 else others[-1]
        return replace(self, at_ts=self.ts(wall_s), wall_s=wall_s, speed=chosen)

    def sought(self, wall_s: float, ts: float) -> "Playhead":
        """Return it at another moment, the nearest that there is."""
        return replace(self, at_ts=self._within(ts), wall_s=wall_s)

    def _within(self, ts: float) -> float:
        return min(max(ts, self.begin_ts), self.end_ts)
