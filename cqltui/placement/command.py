"""Workers that programs start, list and stop, by templates of their words."""

from collections.abc import Sequence

from cqltui.campaign.model import CommandConfig
from cqltui.placement import templates
from cqltui.placement.presets import dialect_of
from cqltui.placement.protocol import End, Handle, PlacementError, State, Why
from cqltui.placement.starting import Starting
from cqltui.placement.tools import run_tool


class Command:
    """The jobs of one block of such an engine."""

    def __init__(self, command: CommandConfig, starting: Starting) -> None:
        self._dialect = dialect_of(command)
        self._command = command
        self._starting = starting
        self._ends: dict[Handle, End] = {}
        self._reasons: dict[Handle, str] = {}

    def start(self, slots: Sequence[str]) -> list[Handle]:
        """As of `Placement.start`."""
        self._starting.make_logs()
        started: list[Handle] = []
        for slot in slots:
            try:
                words = start_words(self._dialect, self._command.options, self._starting, slot)
                said = run_tool(words, self._given(slot))
            except PlacementError:
                if not started:
                    raise
                break
            if (job := self._dialect.job(said)) is None:
                raise PlacementError(f"{self._dialect.start[0]} named no job: it said {said[:80]!a}")
            started.append(Handle(slot, job))
        return started

    def list(self) -> dict[Handle, State]:
        """As of `Placement.list`."""
        said = run_tool(templates.fill(self._dialect.list, self._starting, ""))
        found: dict[Handle, State] = {}
        self._ends, self._reasons = {}, {}
        for row in self._dialect.rows(said):
            if (slot := self._starting.slot(row.name)) is not None:
                handle = Handle(slot, row.job)
                found[handle] = row.state
                if row.end is not None:
                    self._ends[handle] = row.end
                if row.reason:
                    self._reasons[handle] = row.reason
        return found

    def why(self, handle: Handle) -> End:
        """As of `Placement.why`."""
        return self._ends.get(handle, End(Why.UNKNOWN))

    def reason(self, handle: Handle) -> str:
        """As of `Placement.reason`."""
        return self._reasons.get(handle, "")

    def stop(self, handle: Handle, grace_s: float) -> None:
        """As of `Placement.stop`: these engines send TERM first, and end a job after a time of their own."""
        run_tool(templates.fill(self._dialect.stop, self._starting, handle.slot, handle.job))

    def _given(self, slot: str) -> str:
        given = self._dialect.given
        return given(self._command, self._starting, slot) if given is not None else ""


def start_words(dialect: templates.Dialect, options: Sequence[str], starting: Starting, slot: str) -> list[str]:
    """Return the words that start a slot's worker."""
    return templates.fill(templates.with_options(dialect.start, options), starting, slot)
