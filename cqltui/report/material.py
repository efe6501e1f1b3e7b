"""What a report is made of: everything that a run directory tells, read once. Whoever makes a table or a figure takes
it from here, and touches no file."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from cqltui.campaign.model import Campaign, Phase
from cqltui.results.record import TaskRecord
from cqltui.results.summary import Summary
from cqltui.state.model import Status

Floats = npt.NDArray[np.float64]


class Curves(Struct, frozen=True, eq=False):
    """The metrics of one task's training run by epoch: of its accepted result, or of its newest checkpoint."""

    epochs: Floats
    """[E], from 1."""
    metrics: Mapping[str, Floats]
    """Metric -> [E]; NaN in epochs in which it was not measured."""

    def measured(self, metric: str) -> tuple[Floats, Floats]:
        """Return (epochs, values) of the epochs in which the metric was measured and is finite."""
        values = self.metrics.get(metric, np.full(len(self.epochs), np.nan))
        known = np.isfinite(values)
        return self.epochs[known], values[known]


class Provenance(Struct, frozen=True):
    """Where a run's figures come from."""

    run: str
    """Name of the run directory, without the way to it."""
    command: tuple[str, ...]
    git_commit: str
    """Empty: not known."""
    git_dirty: bool | None
    """Whether files differed from that commit; None: not known."""
    versions: Mapping[str, str]
    platform: str
    data_source: str
    data_path: str
    """Name of the file, without the way to it; empty for simulated data."""
    data_digest: str
    rows: Mapping[str, int]
    """"train", "validation" and "test" -> decisions."""
    started_ts: float
    finished_ts: float
    """0 while it is still going."""
    placing: Mapping[str, Any]
    """Where it trains, as campaign.json has it."""
    data_notes: tuple[str, ...] = ()
    """What was left out or assumed as the data was read."""


class Material(Struct, frozen=True, eq=False):
    """A run as the report sees it. Documents come from files that may be somebody else's: `cqltui.judging.evaluated.at`
    and `figure_at` read them without believing their shape."""

    campaign: Campaign
    records: tuple[TaskRecord, ...]
    """Every task in the order of the file."""
    summary: Summary
    """Criteria judged, questions answered, phase by phase."""
    provenance: Provenance
    curves: Mapping[str, Curves] = field(default_factory=dict)
    """Task id -> its metrics; of tasks that have trained."""
    evaluation: Mapping[str, Any] | None = None
    """evaluation.json of exactly these results, on the test rows; of an interim report validation.json."""
    bets: tuple[Mapping[str, str], ...] = ()
    """The rows of its bets.csv."""
    audit: Mapping[str, Any] | None = None
    """The leak audit: the evaluation's, else audit.json's."""
    opened: tuple[Mapping[str, Any], ...] = ()
    """test_opened.jsonl."""
    history: tuple[Mapping[str, Any], ...] = ()
    """history.jsonl, as `cqltui.state.sample` writes it."""
    events: tuple[Mapping[str, Any], ...] = ()
    """journal.jsonl without progress."""
    ledger: Mapping[str, Any] | None = None
    """The bets that were really taken, as `cqltui.ledger.export.told` has them; None where there is no ledger."""
    price_per_hour: float | None = None
    """Of a cloud machine, in whatever currency `[evaluate] price_per_hour` is given in."""
    notes: tuple[str, ...] = ()
    """What could not be read, a sentence each."""

    @property
    def is_interim(self) -> bool:
        """Whether tasks are still to come, so that what is shown will change."""
        ended = {Status.DONE, Status.DEAD, Status.CANCELLED, Status.WITHDRAWN}
        return any(record.standing.status not in ended for record in self.records)

    @property
    def part(self) -> str:
        """The rows that the evaluation is of: "test", "validation", or "" without one."""
        found = self.evaluation.get("part") if self.evaluation else ""
        return found if found in ("test", "validation") else ""

    def of_phase(self, phase: Phase) -> tuple[TaskRecord, ...]:
        """Return the tasks of a phase in the order of the file."""
        return tuple(record for record in self.records if record.task.phase == phase.name)
