"""What somebody may want to be told of, without looking at the screen."""

from enum import StrEnum


class Occasion(StrEnum):
    """What happens, by its name in campaign files."""

    FINISHED = "campaign.finished"
    DEAD = "task.dead"
    CRITERION = "criterion.failed"
    LATE = "eta.late"
