"""Weeks as blocks, and how they are drawn."""

import numpy as np
import pytest

from trainer.evaluation.blocks import resample, week_blocks

SEASONS = np.array([2021, 2020, 2020, 2021, 2020, 2021])
WEEKS = np.array([1, 2, 1, 2, 2, 1])


def test_blocks_are_the_weeks_of_each_season_in_order_whatever_the_rows_order() -> None:
    blocks = week_blocks(SEASONS, WEEKS)
    assert list(zip(blocks.seasons.tolist(), blocks.weeks.tolist(), strict=True)) == [
        (2020, 1), (2020, 2), (2021, 1), (2021, 2),
    ]  # fmt: skip
    assert blocks.of_decision.tolist() == [2, 1, 0, 3, 1, 2]
    assert blocks.strata == (slice(0, 2), slice(2, 4))
    assert blocks.weeks_a_season == 2


def test_sums_are_of_each_week_and_column() -> None:
    values = np.array([1.0, 2, 4, 8, 16, 32])
    blocks = week_blocks(SEASONS, WEEKS)
    assert blocks.sums(values).tolist() == [4, 18, 33, 8]
    assert blocks.sums(np.stack([values, -values], axis=1)).tolist() == [[4, -4], [18, -18], [33, -33], [8, -8]]


def test_each_resample_has_as_many_weeks_of_each_season_as_there_were() -> None:
    blocks = week_blocks(np.repeat([2020, 2021], [3, 5]), np.array([1, 2, 3, 1, 2, 3, 4, 5]))
    drawn = resample(blocks, np.random.default_rng(0), 4_000)
    assert len(drawn) == 4_000
    assert (drawn.counts[:, :3].sum(axis=1) == 3).all()
    assert (drawn.counts[:, 3:].sum(axis=1) == 5).all()
    assert drawn.counts.mean(axis=0).tolist() == pytest.approx([1] * 8, abs=0.06)
    assert drawn.counts.var(axis=0)[[0, -1]].tolist() == pytest.approx([2 / 3, 4 / 5], abs=0.06)  # with replacement
    counted = np.stack([np.bincount(row, minlength=8) for row in drawn.draws[:20]])
    assert (counted == drawn.counts[:20]).all()


@pytest.mark.parametrize(
    ("sizes", "strata"),
    [
        ([1, 3, 2], [(0, 4), (4, 6)]),
        ([3, 1, 2], [(0, 4), (4, 6)]),
        ([3, 2, 1], [(0, 3), (3, 6)]),
        ([1, 1, 1, 1], [(0, 4)]),
        ([1], [(0, 1)]),
    ],
)
def test_a_season_of_one_week_is_drawn_together_with_its_neighbour(
    sizes: list[int], strata: list[tuple[int, int]]
) -> None:
    seasons = np.repeat(2000 + np.arange(len(sizes)), sizes)
    weeks = np.concatenate([np.arange(size) for size in sizes])
    assert week_blocks(seasons, weeks).strata == tuple(slice(*them) for them in strata)


def test_the_same_seed_draws_the_same_weeks_and_another_one_others() -> None:
    blocks = week_blocks(SEASONS, WEEKS)
    one, same, other = (resample(blocks, np.random.default_rng(seed), 50).draws for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_no_decisions_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing to evaluate"):
        week_blocks(np.array([], dtype=np.int64), np.array([], dtype=np.int64))
