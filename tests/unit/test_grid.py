"""The product of lists: order, size, titles."""

import math

from hypothesis import given
from hypothesis import strategies as st

from cqltui.algorithms.base import settings_title
from cqltui.campaign.grid import Axes, point_title, points, size

AXES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4), st.lists(st.integers(), min_size=1, max_size=4, unique=True), max_size=4
)


def test_the_first_key_varies_slowest() -> None:
    axes: Axes = {"alpha": [0.2, 0.3], "seed": [1, 2]}
    assert list(points(axes)) == [
        {"alpha": 0.2, "seed": 1},
        {"alpha": 0.2, "seed": 2},
        {"alpha": 0.3, "seed": 1},
        {"alpha": 0.3, "seed": 2},
    ]


@given(AXES)
def test_every_combination_comes_once_in_lexicographic_order_of_positions(axes: dict[str, list[int]]) -> None:
    made = list(points(axes))
    positions = [tuple(axes[key].index(point[key]) for key in axes) for point in made]
    assert positions == sorted(set(positions))
    assert len(made) == size(axes) == math.prod(map(len, axes.values()))
    assert all(list(point) == list(axes) for point in made)


def test_a_range_of_seeds_is_not_spread_out_to_be_counted() -> None:
    assert size({"seed": range(2**32), "alpha": [0.1, 0.2]}) == 2**33


def test_a_title_tells_what_varies() -> None:
    axes: Axes = {"alpha": [0.2, 0.3], "hidden_dims": [(512, 256), (64,)], "lr": [1e-4]}
    assert point_title(axes, {"alpha": 0.2, "hidden_dims": (512, 256), "lr": 1e-4}) == "alpha 0.2, [512,256]"
    assert point_title({"seed": range(42, 44)}, {"seed": 43}) == "seed 43"


def test_a_grid_of_one_point_is_titled_by_all_it_says() -> None:
    assert point_title({"alpha": [0.2], "lr": [5e-5]}, {"alpha": 0.2, "lr": 5e-5}) == "alpha 0.2, lr 5e-05"
    assert settings_title({}) == ""
