"""The policies of an evaluation, how they stake, and what is told of each."""

from collections.abc import Iterator, Mapping
from typing import Any

from cqltui.judging.evaluated import at
from cqltui.report.methods.markup import Equation, Items, Part, Section, code, share
from cqltui.state.plain import plain
from trainer.evaluation import bankroll, covering, policies
from trainer.evaluation.evaluation import CONFIDENT, ENSEMBLE, SINGLE

KELLY = "Kelly"
MOST = 100
"""Policies that are listed: an evaluation of ours has a dozen."""
DESCRIPTIONS = {
    "random": "every game, a side by a coin (a hash of the seed and the game), with the size of the logging policy",
    "always home": "every game, the largest stake on the home team",
    "always favourite": "every game, the largest stake on the side that gives points",
    "market implied": (
        "the largest stake on a side whose probability to cover, by the prices without vig moved by the model's "
        "disagreement with the market in logits, exceeds what its price needs to break even"
    ),
    KELLY: (
        f"{policies.KELLY_FRACTION:g} of the Kelly stake, at most {share(policies.KELLY_CAP)} of the bankroll, by a "
        "fitted probability to cover"
    ),
    **{
        f"{KELLY}, lower {quantile:.0%}": (
            f"the same by the {share(quantile)} quantile of {covering.MEMBERS} fits on resampled weeks"
        )
        for quantile in policies.KELLY_QUANTILES
    },
    SINGLE: "the greedy action of the single network",
    ENSEMBLE: "the greedy action by the mean of the ensemble's Q values",
    CONFIDENT: "the same where the bet is confident, and nothing elsewhere",
    "never bet": "nothing",
    "oracle": "the largest stake on the side whose true expectation is larger, if positive; of simulated markets only",
}
"""Policy -> what it bets."""


def policies_section(evaluation: Mapping[str, Any]) -> Section:
    """Return what each policy of the evaluation bets, and how bets are counted."""
    return Section("Policies and stakes", tuple(_parts(evaluation)))


def _parts(evaluation: Mapping[str, Any]) -> Iterator[Part]:
    told = evaluation.get("policies")
    names = [plain(str(at(it).get("name")), 60) for it in (told if isinstance(told, list) else ())[:MOST]]
    if names:
        yield "Each policy bets by what is known before kick-off:"
        yield Items(
            tuple(f"{code(name)}: {DESCRIPTIONS[name]}" if name in DESCRIPTIONS else code(name) for name in names)
        )
    largest = ", ".join(share(stake) for stake in bankroll.LARGEST_STAKES)
    yield (
        f"Stakes are shares of the largest stake. A bankroll was followed for a largest stake of {largest} of it, "
        "sized from its value at the start of a day, so that games of one day do not see each other; stakes that come "
        "to more than the bankroll are scaled down to all of it. The ROI is profit by stakes; a push returns its "
        "stake and counts as staked. The win rate is wins by wins and losses. Break-even is that of the posted "
        "prices. The Sharpe ratio is the mean weekly return of the bankroll by its sample standard deviation, weeks "
        "without a bet included, times the root of the number of weeks of a season. A drawdown is the largest share "
        "by which the bankroll was below its peak, by day."
    )
    if any(name.startswith(KELLY) for name in names):
        yield (
            "The Kelly stake [@kelly1956] with net odds $b$ is $f = p - (1 - p) / b$, where $p$ is the probability to "
            "cover given that there is no push. It was fitted as"
        )
        yield Equation(
            r"p = \sigma \bigl( \beta_0 (\mathrm{logit}\, \hat{p} - \mathrm{logit}\, p_{\mathrm{market}})"
            rf" + \beta_1\, \mathrm{{spread}} / {covering.SPREAD_UNIT:g} \bigr)"
        )
        yield (
            "from the model's probability to win, the market's, and the spread, all of the bet's side, without an "
            f"intercept and with a normal prior of mean 0 and precision {covering.PRIOR_PRECISION:g} on both "
            f"coefficients, on the seasons before the first evaluated one; with fewer than {covering.MIN_GAMES} games "
            "there is no such bet."
        )
