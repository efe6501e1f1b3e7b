"""What a run says about who is told what happens. What there is to tell, `alerts` decides."""

from msgspec import Struct

from cqltui.campaign.occasion import Occasion


class NotifyInfo(Struct, frozen=True):
    """What is told of the run to those who do not look, and how a screen tells it."""

    bell: bool = True
    late_ts: float = 0.0
    """The moment that the run ought to be done by; 0: none."""
    on: frozenset[Occasion] = frozenset(Occasion)
