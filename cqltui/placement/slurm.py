"""Workers as jobs of Slurm, submitted by sbatch. A job is a worker, never a task: clusters limit their number."""

from collections.abc import Sequence

from cqltui.campaign.model import SlurmConfig
from cqltui.placement import slurmwords
from cqltui.placement.protocol import End, Handle, PlacementError, State, Why
from cqltui.placement.starting import Starting
from cqltui.placement.tools import run_tool


class Slurm:
    """The jobs of one block. It keeps what the last answer said, and nothing that Slurm could tell."""

    def __init__(self, slurm: SlurmConfig, starting: Starting) -> None:
        self._slurm = slurm
        self._starting = starting
        self._states: dict[Handle, State] = {}
        self._ends: dict[Handle, End] = {}
        self._reasons: dict[Handle, str] = {}

    def start(self, slots: Sequence[str]) -> list[Handle]:
        """As of `Placement.start`."""
        self._starting.make_logs()
        started: list[Handle] = []
        for slot in slots:
            words = slurmwords.submit(self._slurm, self._starting, slot)
            try:
                said = _ask(words, slurmwords.script(self._slurm, self._starting, slot))
            except PlacementError:
                if not started:
                    raise
                break
            if (job := slurmwords.job_of(said)) is None:
                raise PlacementError(f"sbatch said {said[:80]!a} in place of a job's number")
            started.append(Handle(slot, job))
        return started

    def list(self) -> dict[Handle, State]:
        """As of `Placement.list`."""
        found = list(slurmwords.jobs(_ask(slurmwords.LIST), self._starting))
        self._states = {handle: state for handle, state, _, _ in found}
        self._ends = {handle: end for handle, _, end, _ in found if end is not None}
        self._reasons = {handle: reason for handle, _, _, reason in found if reason}
        return dict(self._states)

    def why(self, handle: Handle) -> End:
        """As of `Placement.why`."""
        return self._ends.get(handle, End(Why.UNKNOWN))

    def reason(self, handle: Handle) -> str:
        """As of `Placement.reason`."""
        return self._reasons.get(handle, "")

    def stop(self, handle: Handle, grace_s: float) -> None:
        """As of `Placement.stop`."""
        for words in slurmwords.cancel(handle, self._states.get(handle), grace_s):
            try:
                _ask(words)
            except PlacementError as error:
                if not _is_over(error):
                    raise


def _ask(words: Sequence[str], given: str = "") -> str:
    """Return what a program of Slurm's prints. A controller that is away refuses nothing: it may have taken the order
    before."""
    try:
        return run_tool(words, given)
    except PlacementError as error:
        if slurmwords.AWAY.search(str(error)):
            raise PlacementError(str(error)) from None
        raise


def _is_over(error: PlacementError) -> bool:
    """Return whether there is nothing left to stop."""
    said = str(error).lower()
    return "invalid job id" in said or "already completing" in said or "already completed" in said
