"""Scales, ticks and windows of the charts."""

import math
from itertools import product

import pytest

from cqltui.ui.chart.draw import draw
from cqltui.ui.chart.model import Chart, Options, Series
from cqltui.ui.chart.scale import Scale, Window, epoch_ticks, scale, showing, value_ticks, within, zoomed
from tests.ui.test_chart import of, texts

NAN = math.nan


def test_a_scale_goes_from_end_to_end() -> None:
    linear = Scale(10, 20, 11)
    assert [linear.dot(value) for value in (10, 15, 20, 30)] == [0, 5, 10, 20]
    assert [linear.value(dot) for dot in (0, 5, 10)] == [10, 15, 20]
    log = Scale(0.01, 100, 5, log=True)
    assert [round(log.dot(value), 9) for value in (0.01, 0.1, 1, 100)] == [0, 1, 2, 4]
    assert log.value(3) == pytest.approx(10)


@pytest.mark.parametrize("value", [0.0, 1.0, -5.0, 1e300, 5e-324])
def test_one_value_has_a_scale_too(value: float) -> None:
    for log in (False, True)[: 1 + (value > 1e-300)]:
        found = scale(value, value, 40, log=log)
        assert found.low < value < found.high
        assert 0 < found.dot(value) < 39


def test_the_ends_may_be_as_far_apart_as_numbers_go() -> None:
    assert scale(-1.7e308, 1.7e308, 11).dot(0.0) == 5
    assert all(texts(draw(Chart((Series("", of(-1.7e308, 0, 1.7e308, 1e-320)),)), 60, 12, Options())))


def test_values_have_ticks_at_1_2_5_or_round_steps() -> None:
    log = value_ticks(scale(0.05, 2.0, 80, log=True))
    assert [text for _, text in log.values()] == ["2", "1", "0.5", "0.2", "0.1", "0.05"][::-1]
    linear = value_ticks(scale(0.0, 1.0, 41))
    assert sorted((row, dot, text) for row, (dot, text) in linear.items()) == [
        (0, 0, "1"),
        (5, 20, "0.5"),
        (10, 40, "0"),
    ]


@pytest.mark.parametrize(("low", "high"), [(0.12, 1.2), (0.06, 0.09), (1e-7, 3e4)])
def test_a_scale_has_two_ticks_at_least(low: float, high: float) -> None:
    for rows, log in product(range(3, 60), (False, True)):
        found = value_ticks(scale(low, high, 4 * rows, log=log))
        assert 2 <= len(found) <= max(4, rows // 2)


def test_epochs_have_ticks_at_whole_round_numbers() -> None:
    assert epoch_ticks(Scale(1, 2_001, 101)) == {25: "500", 50: "1,000", 75: "1,500", 100: "2,000"}
    assert set(epoch_ticks(Scale(1, 4, 200)).values()) <= {"1", "2", "3", "4"}


WHOLE = Window(1, 1_001)


def test_zooming_keeps_an_epoch_where_it_is() -> None:
    half = zoomed(WHOLE, WHOLE, 2, 251)
    assert half == Window(126, 626)  # a quarter from the left, as before
    assert zoomed(half, WHOLE, 0.5, 251) is None
    assert zoomed(WHOLE, WHOLE, 2, 5_000) == Window(501, 1_001)
    assert zoomed(Window(1, 6), WHOLE, 100, 3) == Window(1.4, 5.4)  # the least
    assert zoomed(Window(1, 3), Window(1, 3), 2, 2) is None


def test_a_window_is_moved_as_little_as_is_needed() -> None:
    assert showing(Window(10, 20), 15) == Window(10, 20)
    assert showing(Window(10, 20), 23) == Window(13, 23)
    assert showing(Window(10, 20), 4) == Window(4, 14)
    assert within(Window(-5, 5), WHOLE) == Window(1, 11)
    assert within(Window(995, 1_005), WHOLE) == Window(991, 1_001)
    assert within(Window(0, 5_000), WHOLE) == WHOLE


# Dots
