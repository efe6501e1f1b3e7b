"""Which checks there are, and what each says where the log lacks what it needs."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.logs import known, simulated_log
from trainer.data.decisions import Decisions
from trainer.evaluation.leak_conventions import constant, market_sign, probabilities
from trainer.evaluation.leak_findings import Finding, Grade, Log
from trainer.evaluation.leaks import TOGETHER, audit, outcomes

CLEAN = simulated_log(42, seasons=(60, 60, 60))
FEATURES = CLEAN.names
WITHOUT_SCORES = replace(known(CLEAN), margin=np.full(len(CLEAN), math.nan))
CHECKS = [
    *(("feature_auc", name) for name in FEATURES),
    ("features_auc", TOGETHER),
    *(("margin_correlation", name) for name in FEATURES),
    ("rewards_against_scores", "rewards"),
    ("payouts", "rewards"),
    ("no_bet_rewards", "rewards"),
    ("zero_rewards", "rewards"),
    ("propensities", "actions"),
    ("duplicate_ids", "game ids"),
    ("duplicate_states", "states"),
    ("order_in_time", "rows"),
    ("parts_in_time", "parts"),
    ("market_sign", "features"),
    ("market_sign", "decisions"),
    ("probabilities", "market_prob"),
    ("probabilities", "decisions: market_prob"),
    ("probabilities", "p_hat"),
    ("probabilities", "decisions: p_hat"),
    *(("constant", name) for name in FEATURES),
    ("as_of_replay", "features"),
]


def named(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.check, finding.subject) for finding in findings]


def missing(decisions: Decisions) -> Decisions:
    """The decisions of a source that tells nothing but scores."""
    nothing = np.full(len(decisions), math.nan)
    return replace(decisions, market_prob=nothing, p_hat=nothing, net_odds=np.full((len(decisions), 2), math.nan))


def test_every_audit_has_every_check_in_order() -> None:
    assert named(audit(CLEAN).findings) == CHECKS
    without = audit(replace(CLEAN, decisions=None, rewards=None)).findings
    assert [key for key in CHECKS if key not in named(without)] == [
        *(("margin_correlation", name) for name in FEATURES),
        ("market_sign", "decisions"),
        ("probabilities", "decisions: market_prob"),
        ("probabilities", "decisions: p_hat"),
    ]


@pytest.mark.parametrize(
    ("log", "check", "subject", "reason"),
    [
        (replace(CLEAN, decisions=None, rewards=None), "feature_auc", "edge", "of 180 rows none has a known outcome"),
        (replace(CLEAN, decisions=None, actions=None), "features_auc", TOGETHER, "of 180 rows none has"),
        (
            replace(CLEAN, decisions=None, rewards=np.ones(180), actions=np.ones(180, dtype=np.int64)),
            "feature_auc", "edge", "all 180 decided bets ended alike",
        ),
        (replace(CLEAN, decisions=None), "margin_correlation", "features", "the scores are not known"),
        (replace(CLEAN, decisions=WITHOUT_SCORES), "margin_correlation", "edge", "0 rows have a score"),
        (replace(CLEAN, rewards=None), "rewards_against_scores", "rewards", "no rewards and actions"),
        (replace(CLEAN, decisions=None), "rewards_against_scores", "rewards", "the scores are not known"),
        (replace(CLEAN, decisions=WITHOUT_SCORES), "rewards_against_scores", "rewards", "no bet has a known score"),
        (replace(CLEAN, actions=None), "payouts", "rewards", "the prices are not known"),
        (replace(CLEAN, decisions=missing(known(CLEAN))), "payouts", "rewards", "no action has won and lost bets"),
        (replace(CLEAN, actions=None), "no_bet_rewards", "rewards", "no rewards and actions"),
        (replace(CLEAN, actions=np.ones(180, dtype=np.int64)), "no_bet_rewards", "rewards", "every row bets"),
        (replace(CLEAN, rewards=None), "zero_rewards", "rewards", "no rewards and actions"),
        (replace(CLEAN, actions=np.zeros(180, dtype=np.int64)), "zero_rewards", "rewards", "no row bets"),
        (replace(CLEAN, propensities=None), "propensities", "actions", "no propensities and actions"),
        (replace(CLEAN, decisions=None), "duplicate_ids", "game ids", "no game ids"),
        (replace(CLEAN, states=CLEAN.states.round()), "duplicate_states", "states", "equal states mean nothing"),
        (replace(CLEAN, decisions=None), "order_in_time", "rows", "no days, or seasons and weeks"),
        (replace(CLEAN, parts=None), "parts_in_time", "parts", "no parts, or no time"),
        (replace(CLEAN, parts=np.ones(180, dtype=np.int64)), "parts_in_time", "parts", "all rows are of one part"),
        (replace(CLEAN, names=("s", *FEATURES[1:])), "market_sign", "features", "spread_close and market_prob are"),
        (replace(CLEAN, decisions=missing(known(CLEAN))), "market_sign", "decisions", "no game has a clear favourite"),
        (replace(CLEAN, decisions=missing(known(CLEAN))), "probabilities", "decisions: p_hat", "no row has a value"),
        (CLEAN, "as_of_replay", "features", "the source of the features was not given"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(log: Log, check: str, subject: str, reason: str) -> None:
    found = [one for one in audit(log).of(check) if one.subject == subject]
    assert [one.grade for one in found] == [Grade.UNTESTED]
    assert found[0].sentence.startswith("not tested: ")
    assert reason in found[0].sentence
    assert math.isnan(found[0].value)
    assert math.isnan(found[0].bound)


@pytest.mark.parametrize(
    ("count", "grade"),
    [(0, Grade.UNTESTED), (1, Grade.UNTESTED), (2, Grade.SUSPECT)],
)
def test_too_few_rows_are_not_tested(count: int, grade: Grade) -> None:
    assert constant(np.ones(count), "x").grade == grade
    log = Log(np.arange(2.0 * count).reshape(count, 2), ("x", "y"))
    states = audit(log).of("duplicate_states")[0]
    assert states.grade == (Grade.UNTESTED if count < 2 else Grade.CLEAN)


def test_features_cannot_be_cross_fitted_within_one_fold_or_between_pure_ones() -> None:
    def together(ends: list[float]) -> Finding:
        states = np.random.default_rng(1).normal(size=(len(ends), 1))
        log = Log(states, ("x",), actions=np.ones(len(ends), dtype=np.int64), rewards=np.array(ends))
        return audit(log).of("features_auc")[0]

    assert together([1.0, -1] * 10).grade == Grade.CLEAN
    pure = together([1.0, -1, 1, -1])
    assert (pure.subject, pure.grade) == (TOGETHER, Grade.UNTESTED)
    assert "in no season or run of weeks" in pure.sentence
    one_week = replace(known(CLEAN), seasons=np.full(180, 2020), weeks=np.repeat([1, 2], 90))
    two_folds = audit(replace(CLEAN, decisions=one_week)).of("features_auc")[0]
    assert two_folds.grade == Grade.CLEAN


def test_the_outcome_is_that_of_the_scores_and_else_of_the_rewards_of_bets() -> None:
    ends, source = outcomes(CLEAN)
    assert source == "the scores"
    assert (ends == known(CLEAN).covers).all()
    ends, source = outcomes(replace(CLEAN, decisions=WITHOUT_SCORES))
    assert source == "the rewards"
    assert CLEAN.actions is not None
    assert (np.isnan(ends) == (CLEAN.actions == 0)).all()
    bets = CLEAN.actions > 0
    assert (ends[bets] == known(CLEAN).covers[bets]).all()
    for log in (Log(CLEAN.states, FEATURES), replace(CLEAN, decisions=None, actions=None)):
        ends, source = outcomes(log)
        assert source == "nothing"
        assert np.isnan(ends).all()


def test_a_game_is_clear_from_one_point_on() -> None:
    against = market_sign(np.array([1.0, -1.0]), np.array([0.4, 0.6]), "s")[0]
    assert (against.value, against.grade) == (1, Grade.WRONG)
    below = market_sign(np.array([0.9, -0.9]), np.array([0.4, 0.6]), "s")[0]
    assert below.grade == Grade.UNTESTED


def test_negative_numbers_are_no_percentages() -> None:
    for values in ([-5.0, 50, 60], [0.2, 0.3, 1.5], [50.0, 60, 100.5]):
        found = probabilities(np.array(values), "p")
        assert found.grade == Grade.WRONG
        assert "percentages" not in found.sentence


def test_bets_are_the_actions_with_a_stake() -> None:
    log = replace(CLEAN, actions=None, propensities=None, stakes=(0.5, 0.0, 1.0))
    assert log.bets(np.array([0, 1, 2])).tolist() == [True, False, True]
