"""The evaluation of what a campaign trained: audit, choice on validation, and the test seasons, looked at once.

Every choice (which weights of a network, which network, how confident is confident) is made by validation rows, before
test rows are asked for. All figures of one call come from one seed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from trainer.config import STAKES
from trainer.data.decisions import Decisions
from trainer.data.types import Dataset, Float, Int, Transitions, Unrewarded
from trainer.evaluation import policies
from trainer.evaluation.activity import Abstaining, Activity, activities
from trainer.evaluation.blocks import RESAMPLES, resample, week_blocks
from trainer.evaluation.choosing import Choices as Choices
from trainer.evaluation.choosing import Chosen as Chosen
from trainer.evaluation.choosing import Key, network_q
from trainer.evaluation.choosing import Trained as Trained
from trainer.evaluation.choosing import choose as choose
from trainer.evaluation.cover_figures import CoverFigures, Covers, cover_figures, covers_of
from trainer.evaluation.effects import ConfidentEffect, confident_effect
from trainer.evaluation.ensemble import Opinions, opinions
from trainer.evaluation.estimates import Estimates, bet_log, estimates
from trainer.evaluation.figures import PolicyFigures, policy_figures, roi_bootstrap
from trainer.evaluation.leak_findings import Audit, Grade
from trainer.evaluation.logmatch import LogMatch, log_match
from trainer.evaluation.payoffs import Bets
from trainer.evaluation.selection import Compared, max_t
from trainer.evaluation.trajectories import Trajectories, trajectories
from trainer.evaluation.uncertainty import Uncertainty, uncertainty_of
from trainer.evaluation.verdicts import Judgement, judge
from trainer.model import Model

RANDOM, HOME, FAVOURITE, NEVER = "random", "always home", "always favourite", "never bet"
IMPLIED, KELLY, KELLY_LOW = "market implied", "Kelly", "Kelly, lower {:.0%}"
TOGETHER = "ensemble"
"""What stands in a task's place where the ensemble is meant; tasks have ids of hex digits."""
SINGLE, ENSEMBLE, CONFIDENT = "CQL single", "CQL ensemble", "CQL ensemble, confident"
FIGURES_STREAM, POLICIES_STREAM, BEST_STREAM, UNCERTAINTY_STREAM, EFFECT_STREAM = 0, 1, 2, 3, 5
TRAJECTORIES_STREAM = 6
"""Keep the draws of one seed apart, from those of `estimates` and `covering` too."""


class Evaluation(Struct, frozen=True, eq=False):
    """What the networks are worth on one part of the data."""

    part: str
    """"test", or "validation", whose figures flatter what was chosen by it."""
    rows: Transitions
    """Of the part."""
    audit: Audit
    choices: Choices
    ensemble: Opinions | None
    coverage: float | None
    """Share of the ensemble's bets that the cut, chosen on validation, lets pass here."""
    estimates: Estimates | None
    """By the log alone: the answer where outcomes are not known, else beside it where the log has propensities."""
    matches: tuple[LogMatch, ...]
    """Of every task's network, in the order of the choices, and last of the ensemble where there is one."""
    policies: tuple[PolicyFigures, ...] = ()
    """Empty where outcomes are not known, as is all that follows."""
    judgements: tuple[Judgement, ...] = ()
    compared: tuple[Compared, ...] = ()
    """Of each policy's ROI, with all policies looked at."""
    tasks: tuple[tuple[Chosen, Compared], ...] = ()
    """Of the ROI of every task's network on this part, with all of them looked at; the best first."""
    bets: Mapping[str, Bets] = field(default_factory=dict)
    uncertainty: Uncertainty | None = None
    """None where there is no ensemble, or too few of its bets were decided."""
    cover: CoverFigures | None = None
    """Of P(cover), which Kelly bets by."""
    effect: ConfidentEffect | None = None
    """What the confident bets win beside the rest of the ensemble's; None where there is no ensemble, or no cut."""
    trajectories: Trajectories | None = None
    """Of the bankroll of every policy."""
    activity: Mapping[str, Activity] = field(default_factory=dict)
    """By the policy's name."""

    @property
    def decisions(self) -> Decisions | None:
        """Return what was offered, and the outcomes, if these are known."""
        return self.rows.outcomes


class _Asked(Struct, frozen=True, eq=False):
    """The chosen networks' answers to N states."""

    q: Mapping[Key, Float]
    view: Opinions | None
    """Of the ensemble."""
    bets: Mapping[str, Bets]
    """Of the policies that they make."""

    def actions(self) -> dict[str, Int]:
        """Return the actions [N] of each policy."""
        stakes = np.asarray(STAKES)
        return {name: (its.stake[:, None] == stakes).argmax(axis=1).astype(np.int64) for name, its in self.bets.items()}


def evaluate(
    dataset: Dataset,
    trained: Sequence[Trained],
    choices: Choices,
    audit: Audit,
    *,
    part: str = "test",
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Evaluation:
    """Return the figures of every policy on a part of the data. `choices` are those of `choose`.

    Where the outcomes of the part are not known there are only estimates by the log.

    Raises:
        ValueError: the part has no rows.
    """
    rows: Transitions = {"test": dataset.test, "validation": dataset.validation}[part]
    if not len(rows):
        raise ValueError(f"there are no {part} rows")
    models = {task.task: task.models for task in trained}
    wanted = {(it.task, it.which): models[it.task][it.which] for it in (*choices.tasks, *choices.ensemble)}
    asked = _ask(wanted, choices, rows.states)
    leaks = [finding.sentence for finding in audit.findings if finding.grade >= Grade.WRONG]
    view = asked.view
    reached = None if view is None or choices.cut is None else choices.cut.reached(view.uncertainty)
    told = None
    if rows.outcomes is None or rows.propensities is not None:
        unrewarded = dataset.unrewarded.get(part)
        others = None if unrewarded is None else _ask(wanted, choices, unrewarded.states)
        told = _estimates(rows, unrewarded, asked, others, audit, leaks, seed)
    found = Evaluation(part, rows, audit, choices, view, reached, told, _matches(asked, choices, rows))
    if rows.outcomes is None:
        return found
    return _by_outcomes(found, dataset, rows.outcomes, asked, leaks, seed, resamples)


def _by_outcomes(
    found: Evaluation,
    dataset: Dataset,
    decisions: Decisions,
    asked: _Asked,
    leaks: Sequence[str],
    seed: int,
    resamples: int,
) -> Evaluation:
    """Return the evaluation with the figures that need the outcomes."""
    choices, view = found.choices, found.ensemble
    covers = covers_of(dataset, decisions, seed)
    bets = _policies(decisions, covers, asked, seed)
    figures = policy_figures(bets, decisions, np.random.default_rng((seed, FIGURES_STREAM)), resamples=resamples)
    compared = _compared(tuple(bets.values()), decisions, (seed, POLICIES_STREAM), resamples)
    judgements = tuple(
        judge(
            its.whole.record,
            its.whole.win_rate,
            its.whole.break_even,
            its.whole.roi,
            adjusted_lower=one.adjusted_lower,
            leaks=leaks if its.name in asked.bets else (),
        )
        for its, one in zip(figures, compared, strict=True)
    )
    of_tasks = [policies.single_cql(asked.q[it.task, it.which]) for it in choices.tasks]
    best = zip(choices.tasks, _compared(of_tasks, decisions, (seed, BEST_STREAM), resamples), strict=True)
    ranked = sorted(best, key=lambda it: -(it[1].value if it[1].value is not None else -np.inf))
    doubts, effect = None, None
    if view is not None:
        doubts = uncertainty_of(view, decisions, np.random.default_rng((seed, UNCERTAINTY_STREAM)))
        if choices.cut is not None:
            passes, rng = choices.cut.confident(view.uncertainty), np.random.default_rng((seed, EFFECT_STREAM))
            effect = confident_effect(bets[ENSEMBLE], passes, decisions, rng, resamples=resamples)
    return replace(
        found,
        policies=figures,
        judgements=judgements,
        compared=compared,
        tasks=tuple(ranked),
        bets=bets,
        uncertainty=doubts,
        cover=cover_figures(covers, decisions),
        effect=effect,
        trajectories=trajectories(
            bets, decisions, np.random.default_rng((seed, TRAJECTORIES_STREAM)), resamples=resamples
        ),
        activity=activities(bets, _abstaining(decisions, covers, bets), figures, decisions),
    )


def _compared(
    bets: Sequence[Bets], decisions: Decisions, seed: tuple[int, int], resamples: int
) -> tuple[Compared, ...]:
    blocks = week_blocks(decisions.seasons, decisions.weeks)
    drawn = resample(blocks, np.random.default_rng(seed), resamples)
    return max_t(roi_bootstrap(bets, decisions, blocks, drawn))


def _ask(models: Mapping[Key, Model], choices: Choices, states: Float) -> _Asked:
    """Ask each network once for its Q values of states [N, D]."""
    q = network_q(models, states)
    view = opinions(np.stack([q[it.task, it.which] for it in choices.ensemble])) if choices.ensemble else None
    bets = {}
    if choices.single is not None:
        bets[SINGLE] = policies.single_cql(q[choices.single.task, choices.single.which])
    if view is not None:
        bets[ENSEMBLE] = policies.ensemble_cql(view)
        if choices.cut is not None:
            bets[CONFIDENT] = policies.ensemble_confident(view, choices.cut)
    return _Asked(q, view, bets)


def _matches(asked: _Asked, choices: Choices, rows: Transitions) -> tuple[LogMatch, ...]:
    of_tasks = [log_match(it.task, it.which, asked.q[it.task, it.which].argmax(axis=1), rows) for it in choices.tasks]
    if asked.view is None:
        return tuple(of_tasks)
    return (*of_tasks, log_match(TOGETHER, choices.ensemble[0].which, asked.view.actions, rows))


def _estimates(
    rows: Transitions,
    unrewarded: Unrewarded | None,
    asked: _Asked,
    others: _Asked | None,
    audit: Audit,
    leaks: Sequence[str],
    seed: int,
) -> Estimates:
    """Return what the log tells of the networks' policies; `others` are their answers to the unrewarded bets."""
    actions = asked.actions()
    if others is not None:
        more = others.actions()
        actions = {name: np.concatenate([its, more[name]]) for name, its in actions.items()}
    wrong = [its.sentence for its in audit.of("propensities") if its.grade >= Grade.WRONG]
    contradicted = wrong[0] if wrong else None
    return estimates(bet_log(rows, unrewarded), actions, seed=seed, leaks=leaks, contradicted=contradicted)


def _policies(decisions: Decisions, covers: Covers, asked: _Asked, seed: int) -> dict[str, Bets]:
    """Return the bets of every policy that there is, by name."""
    board = policies.known(decisions)
    found = {
        RANDOM: policies.random_bets(board, seed),
        HOME: policies.always_home(board),
        FAVOURITE: policies.always_favourite(board),
        IMPLIED: policies.market_implied(board),
        KELLY: policies.kelly(board, covers.fitted.cover),
        **{
            KELLY_LOW.format(quantile): policies.kelly_lcb(board, covers.members.cover, quantile)
            for quantile in policies.KELLY_QUANTILES
        },
        **asked.bets,
    }
    found[NEVER] = policies.never_bet(board)
    if not np.isnan(decisions.true_returns).any():
        found["oracle"] = policies.oracle(decisions)
    return found


def _abstaining(decisions: Decisions, covers: Covers, bets: Mapping[str, Bets]) -> dict[str, Abstaining]:
    """Return why each policy may leave out a game."""
    board = policies.known(decisions)
    priced = np.isfinite(board.net_odds).all(axis=1)
    fitted = priced & np.isfinite(covers.fitted.cover)
    bounded = np.asarray(priced & np.isfinite(covers.members.cover).all(axis=0))
    lower = map(KELLY_LOW.format, policies.KELLY_QUANTILES)
    return {
        **{name: Abstaining() for name in bets},
        **dict.fromkeys((RANDOM, HOME, FAVOURITE, NEVER), Abstaining(by_rule=True)),
        IMPLIED: Abstaining(np.asarray(priced & np.isfinite(policies.implied_cover(board)))),
        KELLY: Abstaining(fitted),
        **dict.fromkeys(lower, Abstaining(bounded, surer_than=KELLY)),
        CONFIDENT: Abstaining(surer_than=ENSEMBLE),
    }
