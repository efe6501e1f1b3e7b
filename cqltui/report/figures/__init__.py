"""The figures of a report, each made from the material by a pure function."""

from collections.abc import Callable

from cqltui.report.figure import Figure
from cqltui.report.figures import bankroll, betting, calibration, coverage, lanes, night, pareto, settings, training
from cqltui.report.material import Material

FIGURES: tuple[Callable[[Material], Figure], ...] = (
    training.training_curves,
    training.learning_curves,
    settings.sensitivity,
    settings.scale_sensitivity,
    pareto.pareto,
    calibration.reliability,
    betting.roi_forest,
    betting.leak_auc,
    calibration.q_calibration,
    calibration.q_distribution,
    bankroll.trajectories,
    bankroll.finals,
    coverage.risk_coverage,
    night.queue_and_throughput,
    lanes.worker_lanes,
    night.eta,
)
"""In the order of the report."""
