"""Games worked out by hand: one for each side, on neutral ground, won, lost and pushed."""

import csv
from math import exp
from pathlib import Path

import numpy as np
import pytest

from trainer.config import STATE_COLUMNS, DataConfig, Split
from trainer.data import load
from trainer.data.bets import Games, to_transitions
from trainer.data.decisions import american_to_net, implied_probability
from trainer.data.margins import (
    MARGINS,
    cover_probabilities,
    draw_margins,
    fair_line,
    fair_prices,
    margin_pmf,
    win_probability,
)
from trainer.data.ratings import fit_logistic
from trainer.data.simulated import simulate
from trainer.data.standardise import fit_standardiser
from trainer.data.table import read_table
from trainer.data.types import Double

HEADER = (
    "game_id,season,week,gameday,gametime,away_team,home_team,result,spread_line,total_line,location,"
    "home_moneyline,away_moneyline,home_spread_odds,away_spread_odds"
)
SEASONS = """\
2001_A,2001,1,2001-09-09,13:00,B,A,12,3,40,Home,-150,130,-105,-115
2002_C,2002,1,2002-09-08,13:00,D,C,-10,1,41,Home,-120,100,-110,-110
2002_E,2002,1,2002-09-08,13:00,F,E,4,1.5,42,Neutral,-120,100,-110,-110
2003_G,2003,2,2003-09-07,13:00,H,G,1,2.5,43,Home,-140,120,-110,-110
2003_I,2003,2,2003-09-07,13:00,J,I,-6,-2.5,44,Neutral,-140,120,-110,-110
2003_K,2003,2,2003-09-07,13:00,L,K,0,2.5,43,Home,-140,120,-110,-110
2004_1,2004,3,2004-09-12,13:00,B,A,7,-4.5,45.5,Home,150,-170,-105,-115
2004_2,2004,3,2004-09-12,13:00,A,B,-3,6,46.5,Home,-300,250,120,-140
2004_3,2004,3,2004-09-12,13:00,B,A,2,2,47.5,Neutral,,,102,-122
2004_0,2004,3,2004-09-12,16:25,A,B,10,6.5,48.5,Home,-300,250,120,-140
"""
"""The first season warms up; the games of 2004 are of one day, so that none moves a feature of another."""


def games(**columns: list[float]) -> Games:
    """Games of one season, by what is given."""
    count = len(columns["margin"])
    arrays: dict[str, Double] = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
    weeks = np.arange(count)
    return Games(
        game_ids=tuple(f"g{n}" for n in range(count)),
        seasons=np.full(count, 2020),
        weeks=weeks,
        days=7 * weeks,
        total=np.full(count, 44.5),
        **arrays,
    )


def test_bets_on_either_side_worked_out_by_hand() -> None:
    rows = to_transitions(
        games(
            #            home wins, loses, pushes; away loses, wins, pushes; no edge
            p_hat=[0.65, 0.65, 0.65, 0.53, 0.53, 0.53, 0.60],
            market_prob=[0.60] * 7,
            margin=[7, -7, 3, 7, -1, 3, 7],
            spread=[3] * 7,
            epa_gap=[0.05] * 7,
            home_odds=[-125] * 7,
            away_odds=[120] * 7,
        ),
        DataConfig(),
    )
    home, away = [3, 44.5, 0.05, 0.60, 0.65, 0.05], [-3, 44.5, -0.05, 0.40, 0.47, 0.07]
    assert STATE_COLUMNS == ("spread_close", "total_close", "epa_gap", "market_prob", "p_hat", "edge")
    assert rows.states == pytest.approx(np.array([home] * 3 + [away] * 3 + [[3, 44.5, 0.05, 0.6, 0.6, 0]]))
    assert rows.decisions is not None
    returns, net_odds = rows.decisions.returns[:, 0], rows.decisions.net_odds[:, 0]
    assert returns.tolist() == pytest.approx([0.8, -1, 0, -1, 1.2, 0, 0.8])
    assert net_odds.tolist() == pytest.approx([0.8] * 3 + [1.2] * 3 + [0.8])
    stakes = np.array([0, 0.2, 0.6, 1])[rows.actions]
    assert rows.rewards == pytest.approx(stakes * returns)
    assert rows.propensities is not None
    preferred = rows.actions == np.array([2, 2, 2, 3, 3, 3, 0])
    assert rows.propensities == pytest.approx(np.where(preferred, 0.85, 0.05))
    assert rows.terminals.all()
    assert not rows.next_states.any()
    assert rows.game_ids == tuple(f"g{n}" for n in range(7))
    assert rows.weeks is not None
    assert rows.weeks.tolist() == list(range(7))


def test_american_odds_worked_out_by_hand() -> None:
    odds = np.array([-200.0, -100.0, 100.0, 250.0])
    assert american_to_net(odds).tolist() == [0.5, 1, 1, 2.5]
    assert implied_probability(odds) == pytest.approx([2 / 3, 1 / 2, 1 / 2, 2 / 7])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The games of `SEASONS`, the last row first."""
    path = tmp_path / "games.csv"
    path.write_text("\n".join([HEADER, *reversed(SEASONS.splitlines())]) + "\n", encoding="utf-8")
    return path


def chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))


def test_a_file_worked_out_by_hand(file: Path) -> None:
    data = load(DataConfig(source="games", path=file, split=Split(validation_seasons=1, test_seasons=0)))
    assert data.train.game_ids == ("2002_C", "2002_E", "2003_G", "2003_I", "2003_K")
    held = data.validation
    assert held.game_ids == ("2004_1", "2004_2", "2004_3", "2004_0"), "by kick-off, then by id"
    assert held.seasons is not None
    assert held.weeks is not None
    assert (held.seasons.tolist(), held.weeks.tolist()) == ([2004] * 4, [3] * 4)

    # A beat B by 12 where 2.25 was expected: 8 % of the surprise each, of which 67 % survive each of three summers.
    gap = 2 * 0.08 * (12 - 2.25) * 0.67**3
    won = np.array([True, False, True, True, False])  # 2001 to 2003, but the tie: 2.25 points at home, 0 elsewhere
    a, b = fit_logistic(np.array([2.25, 2.25, 0, 2.25, 0]), won)
    home, away, neutral = (chance(a + b * points) for points in (gap + 2.25, -gap + 2.25, gap))
    market = {
        1: (1 / 2.5) / (1 / 2.5 + 170 / 270),  # +150 against -170
        2: (300 / 400) / (300 / 400 + 1 / 3.5),  # -300 against +250
        3: chance(-0.027 + 0.1426 * 2),  # no moneylines: from the spread
    }
    assert home > market[1]
    assert away < market[2]
    assert neutral < market[3]
    away_side = [-6, 46.5, gap / 62, 1 - market[2], 1 - away, market[2] - away]
    expected = [
        [-4.5, 45.5, gap / 62, market[1], home, home - market[1]],
        away_side,
        [-2, 47.5, -gap / 62, 1 - market[3], 1 - neutral, market[3] - neutral],
        [-6.5, 48.5, *away_side[2:]],
    ]
    assert held.states == pytest.approx(np.array(expected), abs=2e-6)

    assert held.decisions is not None
    assert held.decisions.net_odds[:, 0].tolist() == pytest.approx([100 / 105, 100 / 140, 100 / 122, 100 / 140])
    # A wins by 7 as an underdog; A, away, covers 6; on neutral ground by 2, a push; B wins by 10, more than 6.5.
    assert held.decisions.returns[:, 0].tolist() == pytest.approx([100 / 105, 100 / 140, 0, -1])
    assert data.notes[:-1] == (
        "1 games of the first season (2001) left out: they warm up the ratings",
        "1 of 9 games have no moneylines: their market_prob comes from the spread",
    )


def test_half_a_price_is_no_price(file: Path) -> None:
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    for row in rows:
        if row["game_id"] == "2004_1":
            row["home_moneyline"] = row["away_spread_odds"] = ""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, HEADER.split(","))
        writer.writeheader()
        writer.writerows(rows)
    data = load(DataConfig(source="games", path=file, split=Split(validation_seasons=1, test_seasons=0)))
    assert data.validation.decisions is not None
    assert data.validation.decisions.net_odds[0, 0] == pytest.approx(100 / 110)
    assert float(data.validation.states[0, 3]) == pytest.approx(chance(-0.027 - 0.1426 * 4.5), abs=2e-6)
    assert data.notes[1:-1] == (
        "1 of 9 games have no spread odds: -110 is assumed for both sides",
        "2 of 9 games have no moneylines: their market_prob comes from the spread",
    )


def spike(**chances: float) -> Double:
    """A distribution of one game's margin [1, M]: `m3=0.5` is a win by 3, `l3` a loss."""
    pmf = np.zeros((1, len(MARGINS)))
    for name, share in chances.items():
        pmf[0, np.flatnonzero(int(name[1:]) * (-1 if name[0] == "l" else 1) == MARGINS)] = share
    return pmf


def test_margins_worked_out_by_hand() -> None:
    pmf = spike(l7=0.2, l1=0.1, m0=0.1, m1=0.2, m3=0.3, m10=0.1)
    assert win_probability(pmf) == pytest.approx([0.6 / 0.9])  # the tie is left out
    above, below = cover_probabilities(pmf, np.array([3.0]))
    assert np.concatenate([above, below]) == pytest.approx([0.1, 0.6])  # 0.3 push
    above, below = cover_probabilities(pmf, np.array([2.5]))
    assert np.concatenate([above, below]) == pytest.approx([0.4, 0.6])
    assert draw_margins(spike(m3=1.0).repeat(5, axis=0), np.random.default_rng(0)).tolist() == [3.0] * 5
    few = draw_margins(spike(l7=0.25, m3=0.75).repeat(4000, axis=0), np.random.default_rng(0))
    assert set(few.tolist()) == {-7.0, 3.0}
    assert float((few < 0).mean()) == pytest.approx(0.25, abs=0.02)


def test_lines_and_prices_worked_out_by_hand() -> None:
    even = spike(l7=0.4, m3=0.2, m10=0.4)
    assert fair_line(even).tolist() == [3.0]  # 40 % on each side of a push
    # 0.4 against 0.4 is even: each side pays what half of 1.0245 breaks even at.
    assert [price.tolist() for price in fair_prices(even, np.array([3.0]))] == [[-105.0], [-105.0]]
    # At 2.5 it is 0.6 against 0.4: implied 0.6147 and 0.4098.
    home, away = fair_prices(even, np.array([2.5]))
    assert (home.tolist(), away.tolist()) == ([-160.0], [144.0])


def test_a_side_that_covers_more_often_pays_less() -> None:
    market = simulate((400,), 0.0, np.random.default_rng(5))
    above, below = cover_probabilities(margin_pmf(market.true_expected), market.games.spread)
    clear = np.abs(above - below) > 0.01
    assert clear.sum() > 50
    home, away = implied_probability(market.games.home_odds), implied_probability(market.games.away_odds)
    assert ((home > away) == (above > below))[clear].all()
    assert np.abs(home + away - 1.0245).max() < 0.006


def test_the_calendar_worked_out_by_hand() -> None:
    games = simulate((22, 3), 0.5, np.random.default_rng(0)).games
    assert games.seasons.tolist() == [2015] * 22 + [2016] * 3
    assert games.weeks.tolist() == [*range(1, 23), 1, 8, 15]
    assert games.game_ids[:2] + games.game_ids[-1:] == ("2015_001", "2015_002", "2016_003")


def test_the_simulated_data_are_those_of_finished_campaigns() -> None:
    """Their digest is in the ids of tasks: other bytes would train everything anew."""
    assert load(DataConfig()).digest() == "27bfe8a835e34d0e0b44d9f489d90c7d5628e336df502f418e995334e9a26996"


def test_standardising_worked_out_by_hand() -> None:
    states = np.array([[1, 5, 100], [3, 5, 300]], dtype=np.float32)
    fitted = fit_standardiser(states)
    assert (fitted.mean.tolist(), fitted.std.tolist()) == ([2, 5, 200], [1, 1, 100])  # of the population
    assert fitted.apply(states).tolist() == [[-1, 0, -1], [1, 0, 1]]


def test_a_constant_feature_beside_others_is_left_in_place() -> None:
    """Its deviation is rounding, 1e-17 or so."""
    states = np.stack([np.full(1_000, 0.1), np.linspace(-3, 3, 1_000)], axis=1).astype(np.float32)
    assert fit_standardiser(states).std[0] == 1


@pytest.mark.parametrize("cell", ["", "NA", "N/A", "NULL", "null", "None"])
def test_cells_that_say_nothing(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"a,b\n1,x\n{cell},y\n", encoding="utf-8")
    assert read_table(path, ("a", "b")).numbers("a").tolist() == pytest.approx([1, np.nan], nan_ok=True)
