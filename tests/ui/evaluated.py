"""What an evaluation of the night says, as a screen is told of it."""

from msgspec.structs import replace

from cqltui.judging.told import Audit, Ensemble, Finding, Interval, Policy, Told
from cqltui.results.judged import EvaluationRead, Planned
from tests.ui.night import LAUNCH_TS

UNDECIDED = "not distinguishable from break-even"
EVALUATED_TS = LAUNCH_TS + 13_000.0


def policy(name: str, bets: int, roi: tuple[float, float, float], wins: tuple[float, float, float], p: float) -> Policy:
    """A policy that cannot be told from break-even, or whose interval says that it loses."""
    loses = roi[2] < 0
    sentence = (
        f"It returns {100 * roi[0]:+.1f} % of what it stakes in {bets} bets: with 95 % confidence it loses."
        if loses
        else f"It wins {100 * wins[0]:.1f} % of {bets} decided bets, where 51.2 % come out even: that is not "
        "distinguishable from luck."
    )
    verdict = "loses" if loses else UNDECIDED
    return Policy(name, verdict, sentence, bets, Interval(*roi), Interval(*wins), 0.512, p)


AUDIT = Audit(
    "CLEAN",
    True,
    (("UNTESTED", 1), ("CLEAN", 34)),
    (Finding("UNTESTED", "features", "not tested: the source of the features was not given"),),
)
TOLD = Told(
    part="test",
    source="simulated",
    rows=570,
    ts=EVALUATED_TS,
    tasks_done=49,
    results="0123456789abcdef",
    audit=AUDIT,
    policies=(
        policy("random", 570, (-0.065, -0.167, 0.036), (0.481, 0.443, 0.520), 1.0),
        policy("always home", 570, (-0.090, -0.155, -0.029), (0.465, 0.432, 0.497), 1.0),
        policy("always favourite", 570, (0.016, -0.064, 0.112), (0.520, 0.479, 0.570), 0.943),
        policy("Kelly, lower 5%", 22, (0.406, -0.415, 0.832), (0.714, 0.462, 0.895), 0.253),
        policy("CQL single", 461, (-0.050, -0.163, 0.074), (0.471, 0.424, 0.527), 1.0),
        policy("CQL ensemble", 556, (-0.035, -0.144, 0.077), (0.480, 0.438, 0.527), 1.0),
        policy("CQL ensemble, confident", 99, (-0.015, -0.236, 0.192), (0.515, 0.397, 0.620), 0.994),
        Policy("never bet", UNDECIDED, "It never bets, so there is nothing to judge.", 0, Interval()),
    ),
    ensemble=Ensemble(20, 0.905, 0.959, 556, 0.178, Interval(0.030, -0.188, 0.247)),
    estimated=False,
)
PLANNED = Planned("simulated", 570)
READ = EvaluationRead(planned=PLANNED, test=TOLD)
INTERIM = EvaluationRead(planned=PLANNED, validation=replace(TOLD, part="validation", tasks_done=17))
