"""Figures of training: what is drawn of which tasks, and that only like is joined with like."""

import numpy as np
import pytest
from msgspec.structs import replace

from cqltui.campaign.model import TaskSpec
from cqltui.report.drawing.draw import draw
from cqltui.report.figure import Band, Figure, Line, Panel, Points
from cqltui.report.figures.pareto import Network, front, pareto
from cqltui.report.figures.parts import spaced
from cqltui.report.figures.settings import scale_sensitivity, sensitivity
from cqltui.report.figures.training import MOST_LINES, learning_curves, training_curves
from cqltui.report.material import Material
from tests.report.materials import CAMPAIGN, Values, falling, material

HEAD = CAMPAIGN.split("[[phase]]")[0]
GRID = (
    HEAD
    + """
[[phase]]
name = "search"
title = "Search"
priority = 1
goal = "a network"
grid = { alpha = [0.2, 0.3], hidden_dims = [[4], [8, 4], [32, 16]], seed = [1, 2] }
"""
)


@pytest.fixture(scope="module")
def small() -> Material:
    return material()


@pytest.fixture(scope="module")
def searched() -> Material:
    return material(GRID, by_size)


def by_size(task: TaskSpec) -> Values:
    """Losses that are larger for wider networks, and with alpha and seed."""
    wide = max(task.trainer.hidden_dims) / 8
    return {name: np.asarray(values) * wide for name, values in falling(task).items()}


def lines(panel: Panel) -> list[Line]:
    """The lines of a panel."""
    return [mark for mark in panel.marks if isinstance(mark, Line)]


def points(panel: Panel) -> list[Points]:
    """The points of a panel."""
    return [mark for mark in panel.marks if isinstance(mark, Points)]


def panel_of(figure: Figure, x: str, y: str) -> Panel:
    """The panel with these labels."""
    return next(panel for panel in figure.panels if panel.x.label == x and panel.y.label == y)


def test_training_curves_have_a_line_a_task_and_a_color_a_phase(small: Material) -> None:
    figure = training_curves(small)
    assert [panel.title for panel in figure.panels] == ["loss", "TD loss", "CQL loss", "Q mean"]
    first = lines(figure.panels[1])
    assert [(line.color, line.group) for line in first] == [(0, "Quality")] * 2 + [(1, "Ensemble")] * 3
    assert first[0].x == (1.0, 2.0, 3.0, 4.0)
    assert first[2].y == pytest.approx([0.5 * 1.01, 0.25 * 1.01, 0.125 * 1.01, 0.0625 * 1.01])
    assert "loss = td_loss + alpha * cql_loss" in figure.caption.lower()
    # In the first epoch 0.808, 0.816 and 0.824 (the seeds), 1.136 and 1.42 (the two alphas of seed 42).
    assert "The median loss over 5 tasks is 0.824 in the first epoch and 0.103 in the last." in figure.alt


def test_training_curves_follow_the_values(small: Material) -> None:
    doubled = material(values=lambda task: {name: 2 * np.asarray(its) for name, its in falling(task).items()})
    figure, other = training_curves(small), training_curves(doubled)
    assert figure.alt != other.alt
    assert lines(other.panels[0])[0].y == pytest.approx([2 * y for y in lines(figure.panels[0])[0].y])


def test_of_many_tasks_some_are_drawn_and_it_is_said() -> None:
    many = (
        HEAD
        + '[[phase]]\nname = "m"\ntitle = "M"\npriority = 1\ngoal = "g"\ngrid = { seed = { from = 1, to = 250 } }\n'
    )
    figure = training_curves(material(many))
    assert len(lines(figure.panels[0])) == MOST_LINES
    assert "Drawn are 200 of 250 tasks" in figure.caption
    assert spaced(range(10), 4) == [0, 3, 6, 9]


def test_a_run_that_diverged_does_not_flatten_the_others() -> None:
    def diverged(task: TaskSpec) -> Values:
        values = dict(falling(task))
        if task.trainer.seed == 3:
            values["td_loss"] = np.array([1.0, 1e20, 1e30, np.nan])
        return values

    figure = training_curves(material(values=diverged))
    assert figure.panels[1].y.high == pytest.approx(1.0)
    assert figure.panels[0].y.high is None
    assert "outside of the axes" in figure.caption
    assert draw(replace(figure, panels=figure.panels[1:2])).panels[0].y.last == pytest.approx(1.0)


def test_learning_curves_are_median_and_quartiles_over_the_seeds(small: Material) -> None:
    figure = learning_curves(small)
    panel = figure.panels[1]
    assert panel.title == "TD loss"
    band, line = panel.marks[0], panel.marks[1]
    assert isinstance(band, Band)
    assert isinstance(line, Line)
    # TD losses of the first epoch are 0.5 times 1.01, 1.02 and 1.03.
    assert (band.low[0], line.y[0], band.high[0]) == pytest.approx((0.5075, 0.51, 0.5125))
    validation = lines(panel)[1]
    assert (validation.label, validation.style, validation.x) == ("validation rows", "dashed", (2.0, 4.0))
    assert validation.y[0] == pytest.approx(2 * 0.25 * 1.02)
    assert "over 3 seeds" in figure.caption
    assert "phase Ensemble" in figure.caption


def test_seeds_that_have_not_come_so_far_are_left_out_of_the_quartiles() -> None:
    def some(task: TaskSpec) -> Values:
        length = {1: 4, 2: 3, 3: 1}.get(task.trainer.seed, 4)
        return {name: np.asarray(its)[:length] for name, its in falling(task).items()}

    line = lines(learning_curves(material(values=some)).panels[1])[0]
    assert line.x == (1.0, 2.0, 3.0), "two of three seeds at least"
    assert line.y[2] == pytest.approx(0.125 * 1.015)


def test_settings_are_compared_like_with_like(searched: Material) -> None:
    figure = sensitivity(searched)
    assert [panel.x.label for panel in figure.panels[::2]] == ["alpha", "hidden layers", "seed"]
    panel = panel_of(figure, "hidden layers", "Loss")
    assert panel.x.categories == ("[4]", "[8,4]", "[32,16]"), "from small to large"
    joined = lines(panel)
    assert len(joined) == 2, "one for each alpha: those are not mixed"
    # alpha 0.2 in epoch 4: 0.0625 * (1 + 2 * 0.2) * width / 8, the mean of seeds 1 and 2 is 1.015.
    assert joined[0].y == pytest.approx([0.0625 * 1.4 * 1.015 * wide for wide in (0.5, 1.0, 4.0)])
    assert len(points(panel)[0].x) == 12, "a point a task"
    assert {panel.y.label for panel in figure.panels if panel.x.label == "alpha"} == {"Validation TD", "TD loss"}
    assert not lines(panel_of(figure, "seed", "Loss")), "seeds are in no order that a line could tell of"


def test_only_comparable_metrics_stand_against_the_scale_setting(searched: Material) -> None:
    figure = scale_sensitivity(searched)
    assert [panel.y.label for panel in figure.panels] == [
        "TD loss",
        "CQL loss",
        "Q mean",
        "Validation TD",
        "Validation CQL",
    ]
    assert "Not shown: loss and val_loss, since" in figure.caption
    assert figure.name == "alpha_sensitivity_panel"
    assert len(lines(figure.panels[0])) == 3, "one for each network"
    mean = 0.0625 * 1.015 * (0.5 + 1 + 4) / 3
    assert f"TD loss: {mean:.4g} at 0.2, {mean:.4g} at 0.3" in figure.alt


def test_the_front_has_what_no_other_beats(searched: Material) -> None:
    figure = pareto(searched)
    assert "12 tasks of 4 epochs" in figure.caption
    line = lines(figure.panels[0])[0]
    assert len(line.x) == 1, "the smallest network is the best in both"
    assert points(figure.panels[0])[0].texts == ("[4]", "", "")

    def network(title: str, params: float, value: float) -> Network:
        return Network(title, "", params, 1.0, value, 1)

    some = [
        network("c", 3, 1.0),
        network("a", 1, 3.0),
        network("worse", 2, 3.0),
        network("b", 2, 2.0),
        network("d", 9, 1.0),
    ]
    assert [each.title for each in front(some, "params")] == ["a", "b", "c"]


def test_without_what_they_need_the_figures_say_what_would_bring_them(small: Material) -> None:
    nothing = material(waiting=range(5))
    for make in (training_curves, learning_curves, sensitivity, scale_sensitivity, pareto):
        figure = make(nothing)
        assert not figure.panels
        assert "brings this figure" in figure.reason or "bring this figure" in figure.reason
    assert pareto(small).reason, "one network only"
    one = material(CAMPAIGN, waiting=range(1, 5))
    assert training_curves(one).panels
    assert learning_curves(one).reason
