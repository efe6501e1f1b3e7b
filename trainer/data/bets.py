"""From games to decisions: the side that the model prefers, at its price, with features seen from that side."""

import numpy as np

from trainer.config import STAKES, STATE_COLUMNS, DataConfig
from trainer.data.behaviour import draw_actions, propensities
from trainer.data.decisions import Dated, Decisions, american_to_net, own_side_first, unit_returns
from trainer.data.features import known_features
from trainer.data.types import Double, Transitions

PLAYS_PER_GAME = 62
"""Offensive plays of one team in one game: turns a gap in points per game into one in EPA per play."""
FEATURE_DECIMALS = 6
"""Features are rounded before they become float32, so that the last bits of a machine's exp() do not matter."""
BEHAVIOUR_STREAM = 1
"""Keeps the behaviour policy's draws apart from the simulator's where both have one seed."""


class Games(Dated, frozen=True, eq=False):
    """N games in order of time, as seen from the home side; every array is [N] unless said otherwise."""

    spread: Double
    """Points by which the home team is favoured at the close; negative for an underdog."""
    total: Double
    """The closing line of both teams' points."""
    epa_gap: Double
    """The model's view of home minus away strength, points per play, home advantage left out."""
    market_prob: Double
    """The market's probability that the home team wins, without vig."""
    p_hat: Double
    """The model's."""
    margin: Double
    """Home minus away score: the outcome, in no feature."""
    home_odds: Double
    """American odds of the home side against the spread."""
    away_odds: Double
    true_returns: Double | None = None
    """[N, 2], what one unit on the home and the away side returns in expectation, where it is known."""


def to_transitions(games: Games, config: DataConfig, stream: tuple[int, ...] = ()) -> Transitions:
    """Return one decision a game, with the shared behaviour policy's actions. Features as chosen by
    `config.state_cols`. `stream` tells draws apart that are not to follow on each other.

    Raises:
        DataError: a chosen feature is not one of STATE_COLUMNS.
    """
    features = known_features(config.state_cols)
    decisions = to_decisions(games)
    home = decisions.home
    seen = {
        "spread_close": decisions.spread,
        "total_close": games.total,
        "epa_gap": np.where(home, games.epa_gap, -games.epa_gap),
        "market_prob": decisions.market_prob,
        "p_hat": decisions.p_hat,
        "edge": np.abs(decisions.p_hat - decisions.market_prob),
    }
    columns = {name: seen[name].round(FEATURE_DECIMALS) + 0.0 for name in STATE_COLUMNS}  # + 0.0: no negative zeros

    actions, chances = draw_actions(columns["edge"], np.random.default_rng((config.seed, BEHAVIOUR_STREAM, *stream)))
    states = np.stack([columns[name] for name in features], axis=1).astype(np.float32)
    return Transitions(
        states=states,
        actions=actions,
        rewards=(np.asarray(STAKES)[actions] * decisions.returns[:, 0] + 0.0).astype(np.float32),
        next_states=np.zeros_like(states),
        terminals=np.ones(len(games), dtype=np.bool_),
        propensities=chances.astype(np.float32),
        game_ids=games.game_ids,
        seasons=games.seasons,
        weeks=games.weeks,
        decisions=decisions,
        chances=propensities(columns["edge"]).astype(np.float32),
    )


def to_decisions(games: Games) -> Decisions:
    """Return the decisions as seen from the side that the model prefers."""
    market_prob, p_hat = games.market_prob.round(FEATURE_DECIMALS), games.p_hat.round(FEATURE_DECIMALS)
    home = p_hat >= market_prob
    sign = np.where(home, 1.0, -1.0)
    odds = own_side_first(home, np.stack([games.home_odds, games.away_odds], axis=1))
    spread, margin, net_odds = sign * games.spread, sign * games.margin, american_to_net(odds)
    unknown = np.full((len(games), 2), np.nan)
    return Decisions(
        game_ids=games.game_ids,
        seasons=games.seasons,
        weeks=games.weeks,
        days=games.days,
        home=home,
        spread=spread,
        margin=margin,
        market_prob=np.where(home, market_prob, 1 - market_prob),
        p_hat=np.where(home, p_hat, 1 - p_hat),
        net_odds=net_odds,
        returns=unit_returns(np.sign(margin - spread), net_odds),
        true_returns=own_side_first(home, unknown if games.true_returns is None else games.true_returns),
    )
