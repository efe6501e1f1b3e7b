"""Features that know the outcome are found, honest ones are not accused, whatever the rows' order and unit."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from msgspec.structs import replace

from tests.evaluation.logs import (
    known,
    simulated_log,
    taken,
    with_feature,
    with_own_margin,
    with_reversed_spread_in_rewards,
)
from tests.science import leaks as science
from trainer.config import DataConfig
from trainer.data import load
from trainer.evaluation.leak_findings import Audit, Finding, Grade, Log
from trainer.evaluation.leaks import (
    ERRORS,
    LARGEST_DEVIATION,
    TOGETHER,
    audit,
    feature_findings,
    margin_findings,
)
from trainer.evaluation.logistic import cross_fitted
from trainer.evaluation.ranking import auc


@pytest.fixture(scope="module")
def clean() -> Log:
    return simulated_log(42)


def grades(audited: Audit) -> dict[tuple[str, str], Grade]:
    return {(finding.check, finding.subject): finding.grade for finding in audited.findings}


def features(found: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in found}


def many(count: int, column: np.ndarray[tuple[int], np.dtype[np.float64]], covers: list[int]) -> Log:
    """Rows of one feature and a second that says nothing, whose bets end as told."""
    states = np.stack([column, np.arange(count) % 7], axis=1).astype(np.float64)
    return Log(states, ("x", "noise"), actions=np.ones(count, dtype=np.int64), rewards=np.array(covers, np.float64))


def test_the_simulated_market_is_clean_in_every_check(clean: Log) -> None:
    dataset = load(DataConfig())
    seen = len(dataset.train) + len(dataset.validation)
    assert (clean.states[:seen] == np.concatenate([dataset.train.states, dataset.validation.states])).all()
    audited = audit(clean)
    assert {key for key, grade in grades(audited).items() if grade != Grade.CLEAN} == {("as_of_replay", "features")}
    assert (audited.grade, audited.trusted) == (Grade.CLEAN, True)


def test_features_of_the_game_itself_are_leaks_and_the_others_stay_clean(clean: Log) -> None:
    leaky = with_own_margin(clean, 4.0, 1)
    found = features(feature_findings(leaky))
    for name in ("p_hat", "epa_gap", "edge", TOGETHER):
        assert found[name].grade == Grade.LEAK, name
        assert "not known before the game" in found[name].sentence
    assert found["edge"].value > 0.95
    assert found[TOGETHER].value > 0.95
    for name in ("spread_close", "total_close", "market_prob"):
        assert found[name].grade == Grade.CLEAN, name
    correlated = features(margin_findings(leaky))
    assert {name for name, one in correlated.items() if one.grade == Grade.LEAK} == {"p_hat", "epa_gap", "edge"}
    for one in correlated.values():
        assert one.sentence.endswith("it holds the game's own result" if one.grade == Grade.LEAK else "no leak")
    assert audit(leaky).grade == Grade.LEAK
    assert not audit(leaky).trusted


def test_a_leak_that_no_feature_shows_alone_is_found_by_all_together(clean: Log) -> None:
    beat = known(clean).margin - known(clean).spread
    mask = np.random.default_rng(2).normal(size=len(clean)) * 300
    split = with_feature(with_feature(clean, "epa_gap", mask + beat), "edge", mask)
    found = features(feature_findings(split))
    assert found["epa_gap"].grade == found["edge"].grade == Grade.CLEAN
    assert found[TOGETHER].grade == Grade.LEAK


def test_what_is_measured_is_the_auc_of_decided_bets(clean: Log) -> None:
    covers = known(clean).covers
    decided = covers != 0
    assert (~decided).any()
    found = features(feature_findings(clean))["edge"]
    expected = auc(clean.states[decided, 5].astype(np.float64), covers[decided] > 0)
    assert found.value == expected.value
    assert found.bound == pytest.approx(0.5 - LARGEST_DEVIATION - ERRORS * expected.cautious_se)
    assert f"{decided.sum():,} decided bets" in found.sentence


def test_all_features_together_are_fitted_on_other_seasons_and_compared_within_each(clean: Log) -> None:
    decided = known(clean).covers != 0
    states, won, seasons = clean.states[decided], known(clean).covers[decided] > 0, known(clean).seasons[decided]
    chances = cross_fitted(states.astype(np.float64), won, seasons)
    parts = [auc(chances[seasons == one], won[seasons == one]) for one in np.unique(seasons)]
    pairs = np.array([part.positives * part.negatives for part in parts])
    expected = pairs @ [part.value for part in parts] / pairs.sum()
    assert features(feature_findings(clean))[TOGETHER].value == pytest.approx(expected, abs=1e-12)


def graded_by_share(count: int, won: int) -> Finding:
    """A binary feature whose AUC is 1/2 + (won - lost) / 2 count: it is right in `won` of `count` rows, each way."""
    right = np.arange(count) < won
    ends = np.tile([1, -1], count)
    column = np.where(np.repeat(right, 2), ends, -ends).astype(np.float64)
    return features(feature_findings(many(2 * count, column, ends.tolist())))["x"]


def test_grades_change_at_the_thresholds() -> None:
    # 4,000 rows: SE .0079 or .0091 where the feature says nothing, so a leak begins at .08 and .05 is 5.5 of them.
    assert graded_by_share(2000, 1098).grade == Grade.CLEAN  # .549
    assert "small: a bias of the market" in graded_by_share(2000, 1098).sentence
    assert graded_by_share(2000, 1102).grade == Grade.SUSPECT  # .551
    assert graded_by_share(2000, 1140).grade == Grade.SUSPECT  # .570
    assert graded_by_share(2000, 1180).grade == Grade.LEAK  # .590
    assert graded_by_share(2000, 820).grade == Grade.LEAK  # .410
    assert "no more than chance" in graded_by_share(2000, 1010).sentence
    # 100 rows: .60 is two standard errors.
    assert graded_by_share(50, 30).grade == Grade.CLEAN
    assert graded_by_share(50, 45).grade == Grade.LEAK


def test_a_suspicion_is_adjusted_for_the_number_of_features() -> None:
    rng = np.random.default_rng(3)
    ends = np.tile([1.0, -1.0], 300)
    column = ends * (np.arange(600) < 336) - ends * (np.arange(600) >= 336)  # AUC .56, z 2.9, p .0034
    alone = Log(column[:, None], ("x",), actions=np.ones(600, dtype=np.int64), rewards=ends)
    noise = rng.normal(size=(600, 20))
    among = replace(
        alone, states=np.concatenate([column[:, None], noise], axis=1), names=tuple("xabcdefghijklmnopqrst")
    )
    assert features(feature_findings(alone))["x"].grade == Grade.SUSPECT
    assert features(feature_findings(among))["x"].grade == Grade.CLEAN


def test_a_few_rows_that_happen_to_be_separated_are_no_leak() -> None:
    found = features(feature_findings(many(6, np.arange(6.0), [-1, -1, -1, 1, 1, 1])))["x"]
    assert (found.value, found.grade) == (1.0, Grade.CLEAN)
    found = features(feature_findings(many(40, np.arange(40.0), [-1] * 20 + [1] * 20)))["x"]
    assert found.grade == Grade.LEAK


def test_without_scores_the_rewards_of_the_bets_tell_the_outcome(clean: Log) -> None:
    leaky = with_own_margin(clean, 4.0, 4)
    scoreless = replace(
        leaky,
        decisions=replace(
            known(leaky), margin=np.full(len(leaky), math.nan), returns=np.full((len(leaky), 2), math.nan)
        ),
    )
    found = features(feature_findings(scoreless))["edge"]
    assert found.grade == Grade.LEAK
    assert "by the rewards" in found.sentence
    assert {one.grade for one in margin_findings(replace(leaky, decisions=None))} == {Grade.UNTESTED}
    # What is written where the log did not bet says nothing of a result.
    assert scoreless.actions is not None
    assert scoreless.rewards is not None
    flipped = np.where(scoreless.actions == 0, 1 - 2 * (known(leaky).covers > 0), scoreless.rewards)
    assert feature_findings(replace(scoreless, rewards=flipped)) == feature_findings(scoreless)


def test_few_rows_need_a_larger_correlation(clean: Log) -> None:
    few = taken(clean, np.arange(50))
    assert [abs(one.bound) for one in margin_findings(few)] == pytest.approx([3.29 / 7] * 6)  # 1 / sqrt(N - 1)
    assert {abs(one.bound) for one in margin_findings(clean)} == {0.2}
    beat = known(few).margin - known(few).spread
    half = with_feature(few, "edge", beat / beat.std() + 2 * np.random.default_rng(4).normal(size=50))
    assert 0.2 < abs(features(margin_findings(half))["edge"].value) < 3.29 / 7
    assert features(margin_findings(half))["edge"].grade == Grade.CLEAN


def test_shuffling_rows_changes_their_order_alone(clean: Log) -> None:
    order = np.random.default_rng(5).permutation(len(clean))
    before, after = audit(clean), audit(taken(clean, order))
    for old, new in zip(before.findings, after.findings, strict=True):
        if old.check == "order_in_time":
            assert new.grade == Grade.SUSPECT
        else:
            assert new.grade == old.grade
            assert new.value == pytest.approx(old.value, abs=1e-9, nan_ok=True)


def test_multiplying_stakes_and_rewards_changes_no_finding(clean: Log) -> None:
    for log in (clean, with_reversed_spread_in_rewards(clean)):
        assert log.rewards is not None
        scaled = replace(log, rewards=50 * log.rewards.astype(np.float64), stakes=tuple(50 * x for x in log.stakes))
        assert grades(audit(scaled)) == grades(audit(log))
        assert [one.value for one in feature_findings(scaled)] == [one.value for one in feature_findings(log)]


def test_each_bet_in_two_halves_has_the_same_auc(clean: Log) -> None:
    halves = taken(clean, np.repeat(np.arange(len(clean)), 2))
    whole, split = (features(feature_findings(log)) for log in (clean, halves))
    for name in clean.names:
        assert split[name].value == pytest.approx(whole[name].value, abs=1e-12)
    assert audit(halves).of("duplicate_ids")[0].value == len(clean)


def test_rows_without_a_value_are_left_out_of_their_feature_only(clean: Log) -> None:
    edge = clean.states[:, 5].astype(np.float64)
    edge[::3] = math.nan
    missing = features(feature_findings(with_feature(clean, "edge", edge)))
    whole = features(feature_findings(clean))
    assert missing["spread_close"].value == whole["spread_close"].value
    keep = np.isfinite(edge) & (known(clean).covers != 0)
    assert f"{keep.sum():,} decided" in missing["edge"].sentence
    assert f"{keep.sum():,} decided" in missing[TOGETHER].sentence
    assert (
        f"{np.isnan(edge).sum():,} of which have none"
        in audit(with_feature(clean, "edge", edge)).of("constant")[5].sentence
    )


def test_what_cannot_be_tested_says_why(clean: Log) -> None:
    audited = audit(Log(clean.states, clean.names))
    graded = grades(audited)
    assert graded["feature_auc", "edge"] == graded["features_auc", TOGETHER] == Grade.UNTESTED
    assert all(one.sentence.startswith("not tested: ") for one in audited.findings if one.grade == Grade.UNTESTED)
    tested = {check for (check, _), grade in graded.items() if grade != Grade.UNTESTED}
    assert tested == {"duplicate_states", "market_sign", "probabilities", "constant"}
    nothing = audit(Log(np.zeros((0, 1)), ("x",)))
    assert (nothing.grade, nothing.trusted) == (Grade.UNTESTED, True)


def test_an_audit_is_a_json_document_without_nan(clean: Log) -> None:
    audited = audit(replace(with_own_margin(clean, 4.0, 6), propensities=np.zeros(len(clean))))
    document = json.loads(json.dumps(audited.to_document(), allow_nan=False))
    assert (document["grade"], document["trusted"]) == ("LEAK", False)
    first = document["findings"][0]
    assert set(first) == {"check", "subject", "value", "bound", "grade", "sentence"}
    assert first["subject"] == "spread_close"
    assert document["findings"][-1]["value"] is None
    impossible = next(one for one in document["findings"] if one["check"] == "propensities")
    assert impossible["value"] == float(np.finfo(np.float64).max)


def test_the_worst_finding_grades_the_audit() -> None:
    def graded(*grades: Grade) -> Audit:
        return Audit(tuple(Finding("c", "s", 0.0, 0.0, grade, "") for grade in grades))

    for grade, worse in pairwise(Grade):
        assert graded(worse, grade).grade is worse
    assert graded(Grade.SUSPECT).trusted
    assert not graded(Grade.WRONG, Grade.CLEAN).trusted
    low = Finding("c", "s", -math.inf, 1.5, Grade.CLEAN, "").to_document()
    assert (low["value"], low["bound"]) == (-float(np.finfo(np.float64).max), 1.5)


def test_arrays_that_do_not_belong_together_are_refused(clean: Log) -> None:
    wrong: tuple[tuple[dict[str, object], str], ...] = (
        ({"names": clean.names[1:]}, "columns, one a name"),
        ({"rewards": np.zeros(3)}, "3 rewards for"),
        ({"decisions": known(clean).take(np.arange(5))}, "5 decisions for"),
        ({"actions": np.full(len(clean), 4)}, "actions have to be 0 to 3"),
        ({"propensities": np.ones((len(clean), 2))}, "neither"),
    )
    for change, message in wrong:
        with pytest.raises(ValueError, match=message):
            replace(clean, **change)


def test_few_replications_of_the_science_are_within_wide_bounds() -> None:
    for name, measured, low, high in science.rows(4, 77):
        assert low - 0.3 <= measured <= high + 0.3, name
