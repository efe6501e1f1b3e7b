"""Figures of betting: what lies where, and a reason where nothing can be drawn."""

import math
from typing import Any

import pytest

from cqltui.judging.evaluated import CONFIDENT, ENSEMBLE
from cqltui.report.figure import Bars, Figure, Line, Points, Rule
from cqltui.report.figures import betting, calibration
from tests.report.evaluations import HOSTILE, audit, evaluated, evaluation, finding, policy, span
from tests.report.materials import material
from tests.report.test_betting_tables import BROKEN

FIGURES = (
    calibration.reliability,
    betting.roi_forest,
    betting.leak_auc,
    calibration.q_calibration,
    calibration.q_distribution,
)


NAMES = ("reliability_diagram", "roi_forest", "leak_auc", "q_calibration", "ensemble_q_distribution")
"""Of their files."""


def points(figure: Figure, label: str, panel: int = 0) -> Points:
    """Return the points of that label."""
    marks = figure.panels[panel].marks
    return next(mark for mark in marks if isinstance(mark, Points) and mark.label == label)


def test_the_forest_has_intervals_adjusted_bounds_and_break_even() -> None:
    never = policy("never bet", record=(0, 0, 0), roi=None, raw_p=None)
    figure = betting.roi_forest(evaluated(evaluation(policy(HOSTILE, roi=-0.02), never, policy(CONFIDENT, roi=0.3))))
    roi = points(figure, "ROI, 95 % interval")
    assert (roi.x, roi.y, roi.across) == ((-0.02, 0.3), (0.0, 1.0), True)
    assert (roi.low, roi.high) == ((-0.02 - 0.1, 0.3 - 0.1), (-0.02 + 0.1, 0.3 + 0.1))
    bounds = points(figure, betting.ADJUSTED)
    assert (bounds.x, bounds.marker) == ((-0.3, -0.3), "triangle")
    assert bounds.color != roi.color
    assert figure.panels[0].x.format == "percent"
    assert Rule("break-even", 0.0, vertical=True) in figure.panels[0].marks
    assert figure.panels[0].y.categories == (HOSTILE, CONFIDENT)
    assert "Without an ROI: never bet." in figure.caption
    assert f"{CONFIDENT} +30.0 % (+20.0 to +40.0)" in figure.alt


def test_a_policy_without_an_interval_has_a_point_alone() -> None:
    lone = policy(ENSEMBLE)
    lone["whole"]["roi"] = {"value": 0.1, "lower": None, "upper": None, "reason": "bets in too few weeks"}
    lone["compared"] = {"value": 0.1, "reason": "bets in too few weeks"}
    figure = betting.roi_forest(evaluated(evaluation(lone)))
    roi = points(figure, "ROI, 95 % interval")
    assert roi.x == (0.1,)
    assert math.isnan(roi.low[0])
    assert len(figure.panels[0].marks) == 2  # no bounds, no triangles
    assert "CQL ensemble +10.0 %." in figure.alt


def test_many_policies_make_the_forest_higher() -> None:
    assert betting.roi_forest(evaluated()).size == (6.0, 4.0)
    assert betting.roi_forest(evaluated(evaluation(*(policy(str(n)) for n in range(24))))).size == (6.0, 8.0)


def test_aucs_lie_in_their_permitted_ranges_by_grade() -> None:
    found = audit(
        finding("edge", 0.956, 0.56, "LEAK"),
        finding("total", 0.47, 0.42),
        finding("spread", None, None, "UNTESTED"),
        {**finding("rewards", 0.3, 0.1), "check": "payouts"},
    )
    figure = betting.leak_auc(material(audit=found))
    permitted = points(figure, "0.5 with the permitted range")
    assert permitted.across
    assert permitted.low == pytest.approx((0.44, 0.42))
    assert permitted.high == pytest.approx((0.56, 0.58))
    leak, clean = points(figure, "AUC, leak"), points(figure, "AUC, clean")
    assert (leak.x, leak.y, leak.names) == ((0.956,), (0.0,), ("edge",))
    assert (clean.x, clean.y) == ((0.47,), (1.0,))
    suspect = points(betting.leak_auc(material(audit=audit(finding("a", 0.6, 0.62, "SUSPECT")))), "AUC, suspect")
    assert len({leak.color, clean.color, suspect.color, permitted.color}) == 4
    assert Rule("knows nothing", 0.5, vertical=True) in figure.panels[0].marks
    assert figure.panels[0].y.categories == ("edge", "total")


def test_without_a_measured_auc_it_is_told_why() -> None:
    untested = audit(finding("spread", None, None, "UNTESTED"))
    assert "AUC None of spread" in betting.leak_auc(material(audit=untested)).reason
    assert "no leak audit" in betting.leak_auc(material()).reason


def test_calibration_has_a_panel_a_season_with_equal_axes() -> None:
    figure = calibration.reliability(evaluated())
    assert [panel.title for panel in figure.panels] == ["2023, 282 games", "2024, 283 games"]
    seen = points(figure, "share that covered", 1)
    assert (seen.x, seen.y) == ((0.463, 0.521), (0.571, 0.401))
    assert (seen.low, seen.high) == ((0.441, 0.301), (0.692, 0.511))
    assert seen.names == ("56 games", "57 games")
    first, second = figure.panels
    assert first.x == second.x
    assert [first.x.low, first.x.high] == pytest.approx([0.46, 0.54])
    assert [first.y.low, first.y.high] == pytest.approx([0.30, 0.70])
    (diagonal,) = (mark for mark in first.marks if isinstance(mark, Line))
    assert diagonal.x == diagonal.y
    assert "2023: 282 games, Brier score 0.2498" in figure.alt
    assert (figure.columns, figure.size) == (2, (7.5, 5.0))
    five = {"whole": span(), "seasons": {str(year): span() for year in range(2020, 2025)}}
    higher = calibration.reliability(evaluated(evaluation(cover=five)))
    assert (len(higher.panels), higher.columns, higher.size) == (5, 2, (7.5, 7.5))


def test_without_seasons_calibration_is_of_all_and_without_bins_it_is_told_why() -> None:
    whole = {"whole": span(), "seasons": {}, "reason": None}
    figure = calibration.reliability(evaluated(evaluation(cover=whole)))
    assert [panel.title for panel in figure.panels] == ["all seasons, 565 games"]
    assert (figure.columns, figure.size) == (1, (6.0, 4.0))
    none: dict[str, Any] = {"whole": None, "seasons": {}, "reason": "no game with a probability was decided"}
    assert "no game with a probability was decided" in calibration.reliability(evaluated(evaluation(cover=none))).reason


def bets(count: int) -> tuple[dict[str, str], ...]:
    """Return the ensemble's bets with Q from 0 on, each of which returns twice its Q less or more than it."""
    rows = [
        {"policy": ENSEMBLE, "q_mean": str(place / 100), "profit": str(place / 50 + (0.1 if place % 2 else -0.1))}
        for place in range(count)
    ]
    other = {"policy": CONFIDENT, "q_mean": "9", "profit": "9"}
    return (*reversed(rows), other, {"policy": ENSEMBLE, "q_mean": "", "profit": "1"}, {"policy": ENSEMBLE})


def test_q_is_set_against_the_profit_of_its_bets_in_bins() -> None:
    figure = calibration.q_calibration(evaluated(bets=bets(100)))
    mean = points(figure, "mean profit")
    assert mean.x == pytest.approx([0.045 + place / 10 for place in range(10)])
    assert mean.y == pytest.approx([2 * x for x in mean.x])
    # Ten bets: standard deviation of 2 (q - mean q) and ± .1, and t of nine degrees.
    deviations = [2 * (place - 4.5) / 100 + (0.1 if place % 2 else -0.1) for place in range(10)]
    reach = 2.262 * math.sqrt(sum(it**2 for it in deviations) / 9 / 10)
    assert mean.high[3] - mean.y[3] == pytest.approx(reach, rel=0.002)
    assert mean.y[3] - mean.low[3] == pytest.approx(reach, rel=0.002)
    assert set(mean.names) == {"10 bets"}
    assert "0.10, standard error 0.10" in figure.caption
    without = evaluation(ensemble={"uncertainty": {"q_slope": 0.1, "q_slope_error": None}})
    assert "Slope" not in calibration.q_calibration(evaluated(without, bets=bets(100))).caption
    assert "has 49 bets" in calibration.q_calibration(evaluated(bets=bets(49))).reason
    assert calibration.q_calibration(evaluated(bets=bets(50))).panels


def test_q_values_have_a_row_of_panels_an_action() -> None:
    figure = calibration.q_distribution(evaluated())
    assert [panel.title for panel in figure.panels] == ["no-bet"] * 2 + ["small"] * 2 + ["medium"] * 2 + ["large"] * 2
    (bars,) = figure.panels[0].marks
    assert isinstance(bars, Bars)
    assert (bars.x, bars.values, bars.width) == ((0.5, 1.5), (3.0, 5.0), 1.0)
    assert (figure.panels[0].x.low, figure.panels[0].x.high) == (0.0, 2.0)
    assert figure.panels[0].y.low == 0.0
    assert (figure.columns, figure.size) == (2, (7.5, 4 * 1.9))
    assert [panel.x.label for panel in figure.panels[:2]] == ["mean Q", "std of Q"]
    assert "20 networks" in figure.caption
    assert "-0.4085" in figure.alt
    odd = {"mean": [{"edges": [0, 1], "counts": [1, 2]}] * 3, "std": [{"edges": [0, 1], "counts": [2]}] * 3}
    shown = calibration.q_distribution(evaluated(evaluation(ensemble={"distribution": odd})))
    assert [panel.title for panel in shown.panels] == ["action 0", "action 1", "action 2"]


@pytest.mark.parametrize("make", FIGURES)
def test_a_run_without_an_evaluation_says_what_would_bring_each_figure(make: Any) -> None:
    figure, drawn = make(material()), make(evaluated(bets=bets(100)))
    assert (figure.name, figure.title) == (drawn.name, drawn.title)
    assert drawn.name in NAMES
    assert not figure.panels
    assert figure.reason.endswith(".")


@pytest.mark.parametrize("make", FIGURES)
def test_nothing_of_an_evaluation_is_believed(make: Any) -> None:
    for found in BROKEN:
        figure = make(evaluated(found, bets=({"policy": ENSEMBLE, "q_mean": "nan", "profit": "x"},) * 99))
        assert figure.panels or figure.reason
        for panel in figure.panels:
            for end in (panel.x.low, panel.x.high, panel.y.low, panel.y.high):
                assert end is None or math.isfinite(end)
