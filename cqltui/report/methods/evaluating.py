"""How the networks were evaluated: the audit, what validation chose, the policies, and the statistics."""

from collections.abc import Iterator, Mapping
from typing import Any

from cqltui.judging.evaluated import at, figure_at, only_estimated
from cqltui.report.material import Material
from cqltui.report.methods.markup import Equation, Items, Part, Section, code, share
from cqltui.report.methods.policies import policies_section
from cqltui.state.plain import plain
from trainer.evaluation import (
    choosing,
    intervals,
    leak_log,
    leak_replay,
    leaks,
    offpolicy,
    rewardmodel,
    selection,
    verdicts,
)
from trainer.evaluation import uncertainty as doubts
from trainer.evaluation.blocks import RESAMPLES
from trainer.evaluation.leak_findings import Grade


def evaluation_sections(material: Material) -> Iterator[Section]:
    """Yield what was done to find out what the networks are worth."""
    if material.audit is not None:
        yield Section("Leak audit", tuple(_audit(material.audit)))
    evaluation = material.evaluation
    if evaluation is None:
        yield Section(
            "Evaluation", ("These results have not been evaluated: nothing is said of what bets would return.",)
        )
        return
    yield Section("Choices on the validation rows", tuple(_choices(evaluation)))
    yield Section("Evaluation", tuple(_opened(material)))
    if not only_estimated(evaluation):
        yield policies_section(evaluation)
        yield Section("Intervals, comparisons and verdicts", tuple(_statistics(evaluation)))
        if at(evaluation, "ensemble"):
            yield Section("Uncertainty of the ensemble", tuple(_uncertainty()))
    if at(evaluation, "off_policy"):
        yield Section("Off-policy estimates", tuple(_off_policy(evaluation)))


def _audit(audit: Mapping[str, Any]) -> Iterator[Part]:
    findings = audit.get("findings")
    count = len(findings) if isinstance(findings, list) else 0
    yield (
        "It was tested whether the features know how bets end. The area under the ROC curve (AUC) of each feature, "
        "and of a logistic regression on all of them that was fitted on other seasons or weeks, was computed for the "
        "outcome of the bet, pushes left out, with DeLong's standard error (SE) [@delong1988]. A feature is a leak "
        f"where $|\\mathrm{{AUC}} - 0.5| - {leaks.ERRORS:g}\\,\\mathrm{{SE}} > {leaks.LARGEST_DEVIATION:g}$, and "
        f"suspect where $|\\mathrm{{AUC}} - 0.5| \\geq {leaks.LARGEST_DEVIATION:g}$ with a p-value, adjusted by Holm's "
        f"method [@holm1979], below {leaks.SUSPECT_P:g}; the SE is never taken to be smaller than that of a score that "
        "knows nothing. A feature whose correlation with the points by which the bet's side beat the spread is "
        f"{leaks.LARGEST_CORRELATION:g} or more, and beyond {leaks.ERRORS:g} standard errors, is a leak too. Rewards "
        "were compared with the scores, logged actions with their propensities (wrong where $|z| > "
        f"{leak_log.LARGEST_Z:g}$), and ids, states and the order in time were checked. What a check needs and the "
        "data lacks leaves it untested."
    )
    told = map(at, findings if isinstance(findings, list) else [])
    if any(each.get("check") == leak_replay.CHECK and each.get("grade") != Grade.UNTESTED.name for each in told):
        yield (
            "Features were computed anew from the part of the schedule before each of "
            f"{leak_replay.CUTS} days, and compared."
        )
    yield f"The audit made {count:,} findings; the worst grade was {code(str(audit.get('grade')).lower())}."


def _choices(evaluation: Mapping[str, Any]) -> Iterator[Part]:
    choices = at(evaluation, "choices")
    yield (
        "Of each task the weights (of the last epoch, of the best by validation, or of another epoch that was kept), "
        "the single network, and the weights of the ensemble were those with the largest mean profit a decision of "
        "their greedy bets on the validation rows, in units of the largest stake: by outcomes where these are known, "
        "else by the doubly robust estimate. Where the log tells too little for any bet, networks were compared by "
        f"their mean Huber loss against the reward of the logged action, linear beyond {choosing.HUBER:g}."
    )
    single = at(choices, "single")
    if single:
        yield f"The single network is task {_member(single)}, chosen by {code(_text(single.get('by')))}."
    members = choices.get("ensemble")
    if not isinstance(members, list) or not members:
        yield "There is no ensemble: no phase has results of tasks that differ by their seed alone."
        return
    which = list(dict.fromkeys(_text(at(it).get("which")) for it in members))
    yield (
        f"The ensemble [@lakshminarayanan2017] has {len(members):,} members, tasks of one phase that differ by their "
        f"seed alone, with the weights {', '.join(map(code, which))}, chosen by "
        f"{code(_text(choices.get('ensemble_by')))}. It bets what the mean of the members' Q values is largest for. "
        "The uncertainty of a bet is the standard deviation over the members of its advantage over no bet per unit of "
        "stake,"
    )
    yield Equation(r"u(s) = \mathrm{sd}_m \Bigl[ \bigl(Q_m(s, a) - Q_m(s, 0)\bigr) / \mathrm{stake}(a) \Bigr].")
    cut = at(choices, "cut")
    wanted, threshold = figure_at(cut, "share"), figure_at(cut, "threshold")
    bets, coverage = figure_at(cut, "bets"), figure_at(cut, "coverage")
    if wanted is not None and threshold is not None and bets is not None and coverage is not None:
        reached = figure_at(evaluation, "ensemble", "coverage")
        there = "" if reached is None else f", and {share(reached, 1)} of the bets on the evaluated rows"
        yield (
            f"A bet is confident where its uncertainty is at most {threshold:.4f}. That cut was chosen such that the "
            f"most confident {share(wanted)} of the {bets:,.0f} bets on the validation rows pass; {share(coverage, 1)} "
            f"do{there}."
        )


def _opened(material: Material) -> Iterator[Part]:
    its = at(material.evaluation, "provenance")
    if material.part == "validation":
        yield (
            "The evaluation is of the validation rows, by which all choices were made: its figures flatter what was "
            "chosen. The test rows stayed closed to it."
        )
    else:
        looks = len(material.opened)
        times = "" if not looks else f" They were looked at {looks:,} time{'s' if looks != 1 else ''} in all."
        yield f"The evaluation is of the test rows, which none of the choices above has used.{times}"
    seed, resamples = figure_at(its, "settings", "seed"), figure_at(its, "settings", "resamples")
    if seed is not None and resamples is not None:
        yield f"Its random draws follow from the seed {seed:.0f}; it made {resamples:,.0f} resamples."
    if only_estimated(at(material.evaluation)):
        yield "The outcome of these rows is not known of all: what policies are worth is estimated by the log."


def _statistics(evaluation: Mapping[str, Any]) -> Iterator[Part]:
    found = figure_at(evaluation, "provenance", "settings", "resamples")
    resamples = RESAMPLES if found is None else int(found)
    yield (
        f"Intervals are two-sided {share(1 - intervals.LEVEL)} intervals. Blocks of a season's week were drawn with "
        f"replacement within seasons, {resamples:,} times, and figures studentised (bootstrap-t) [@efron1993; "
        "@davison1997]: the standard error, that of the figure's influence function over weeks, was computed anew in "
        "each resample. The interval of a drawdown is the percentile one. A win rate whose weeks are all alike has "
        "Wilson's interval [@wilson1927]. A figure whose interval cannot be computed has none, with the reason."
    )
    tasks = evaluation.get("tasks")
    networks = (
        f", and those of the networks of all {len(tasks):,} tasks,"
        if isinstance(tasks, list) and len(tasks) > 1
        else ""
    )
    each = ", each of the two groups by itself" if networks else ""
    yield (
        f"The returns on investment (ROI) of all policies{networks} were compared with 0 by the studentised maximum "
        f"over all of them{each} [@romano2005], which extends the reality check for data snooping [@white2000]: "
        "p-values, single-step and step-down, and lower bounds hold for all together. Raw p-values were also adjusted "
        "by the methods of Holm [@holm1979] and of Benjamini and Hochberg [@benjamini1995]. What bets in fewer than "
        f"{selection.LEAST_WEEKS} weeks is not compared."
    )
    yield "A verdict is the first of these that holds:"
    yield Items(
        (
            f"{verdicts.Verdict.LEAK.value}: the audit forbids believing a network's figures;",
            f"{verdicts.Verdict.IMPLAUSIBLE.value}: the one-sided lower bound of the win rate is above "
            f"{share(verdicts.IMPLAUSIBLE_WIN_RATE)} with {verdicts.IMPLAUSIBLE_BETS} bets or more;",
            f"{verdicts.Verdict.EDGE.value}: the lower bound of the ROI, adjusted for all policies, is above 0;",
            f"{verdicts.Verdict.LOSES.value}: its one-sided upper bound is below 0;",
            f"{verdicts.Verdict.UNDECIDED.value}, with the number of further bets that would decide it with a power "
            f"of {share(verdicts.POWER)} if the win rate seen were the true one.",
        )
    )


def _uncertainty() -> Iterator[Part]:
    yield (
        "Whether uncertain bets are lost more often was tested on the ensemble's decided bets: by the AUC of the "
        "uncertainty for being lost, and by Spearman's correlation of it with being lost and with the unit return, "
        f"with p-values of {doubts.PERMUTATIONS:,} permutations within weeks. The share of lost bets against coverage, "
        "the most certain bets first, was summed up by the area under that curve (AURC) [@geifman2017], beside that "
        "of abstaining at random. The confident bets were compared with the ensemble's other bets in the same "
        "resampled weeks. Whether Q is calibrated says the slope of the unit return on the advantage over no bet, "
        "which is 1 if it is; if it is right, Q of no bet is 0, and Q per stake is equal for all stakes. With fewer "
        f"than {doubts.LEAST_BETS} decided bets nothing is said."
    )


def _off_policy(evaluation: Mapping[str, Any]) -> Iterator[Part]:
    found = at(evaluation, "off_policy")
    beside = "" if found.get("is_answer") is True else ", beside what its bets returned"
    yield (
        f"What a policy would have earned was estimated by the log's own rewards{beside}: by inverse propensity scores "
        "(IPS) [@horvitz1952], the same self-normalised (SNIPS) [@swaminathan2015], the direct method (DM), the "
        "doubly robust estimate (DR) [@dudik2011], and switch-DR [@wang2017] with a threshold of "
        f"{offpolicy.SWITCH:g}. With the target policy $\\pi$, the behaviour policy $\\mu$ and the predicted reward "
        "$\\hat{q}$ the doubly robust estimate is"
    )
    yield Equation(
        r"\hat{V} = \frac{1}{n} \sum_{i=1}^{n} \Bigl[ \sum_a \pi(a \mid s_i)\, \hat{q}(s_i, a)"
        r" + \frac{\pi(a_i \mid s_i)}{\mu(a_i \mid s_i)} \bigl(r_i - \hat{q}(s_i, a_i)\bigr) \Bigr]."
    )
    clips = ", ".join(f"{clip:g}" for clip in offpolicy.CLIPS)
    shrinkages = ", ".join(f"{value:g}" for value in offpolicy.SHRINKAGES)
    yield (
        "Where rewards are stake x unit return and the propensity of every action is known, weights are those of "
        "betting or not, else those of the action. Predicted rewards are of a ridge regression (penalty "
        f"{rewardmodel.RIDGE:g} rows) that was cross-fitted in {rewardmodel.FOLDS} folds; weeks, where the log tells "
        "them, are in one fold as a whole, and errors are clustered by them. Intervals are Student's, "
        f"{share(offpolicy.LEVEL)}. The doubly robust estimate, its weights neither clipped nor shrunk, is what is "
        f"judged. A grid repeats the estimates with weights clipped at {clips} and shrunk by {shrinkages} ($w / (1 + "
        "\\lambda w^2)$) [@su2020]. A policy is refused without sound propensities, where the effective sample is "
        f"below {offpolicy.MIN_ESS:g} or {share(offpolicy.MIN_ESS_SHARE)} of its bets, and where the outcome of more "
        f"than {share(offpolicy.MAX_MISSING)} of its bets is not known; bounds then say what is possible on these "
        "rows. The lower bound of the ROI, by which an edge is told, is adjusted for all policies that are estimated "
        "(Bonferroni)."
    )


def _member(chosen: Mapping[str, Any]) -> str:
    epoch = figure_at(chosen, "epoch")
    at_epoch = "" if epoch is None else f", epoch {epoch:,.0f}"
    return f"{code(_text(chosen.get('task')))} (weights {code(_text(chosen.get('which')))}{at_epoch})"


def _text(value: object) -> str:
    return plain(value, 60) if isinstance(value, str) else "not known"
