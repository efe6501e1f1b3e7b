"""For how long a worker claims from its campaign's queue."""


class Turn:
    """To the end of its life, which is what a worker of one campaign has."""

    @property
    def is_stopped(self) -> bool:
        """Whether the process was told to leave before its worker was there to hear it."""
        return False

    @property
    def user(self) -> str | None:
        """Whose worker quotas take it for; None: whose the connection is."""
        return None

    def session_ended(self) -> bool:
        """Return whether the turn is over, now that what was claimed has ended."""
        return False

    def found_nothing(self) -> bool:
        """Return whether the turn is over, since there is nothing to claim."""
        return False

    def beat(self) -> None:
        """Tell that it goes on. Called by the heartbeat's thread."""

    def stop(self) -> None:
        """Hear that the process was told to leave. Called by a signal's handler."""
