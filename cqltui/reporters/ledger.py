"""A ledger for people: what came of the bets, beside what the evaluation expected of them."""

from collections.abc import Iterator, Mapping

from cqltui.ledger.standing import Expected, Standing
from cqltui.state.plain import plain
from trainer.evaluation.eprocess import ALARM
from trainer.evaluation.intervals import Estimate
from trainer.evaluation.taken import Account, Alarm

BASIS_POINTS = 10_000
WIDTH = 10
"""Of the names at the beginning of the lines."""


def ledger_lines(standing: Standing) -> Iterator[str]:
    """Yield what there is to say, the alarm first if there is one. Intervals are of 95 %, studentised by weeks."""
    account, expected = standing.account, standing.expected
    for alarm in standing.alarms:
        if alarm.when is not None:
            yield f"ALARM since season {alarm.when[0]}, week {alarm.when[1]}: {_against(alarm)}"
    still = len(standing.entries) - len(standing.settled)
    yield _line("bets", f"{len(standing.entries)}: {len(standing.settled)} settled, {still} open")
    if expected is not None:
        yield _line(
            "expected",
            f"by {plain(expected.run)}, {expected.policy}: {expected.bets} test bets in {expected.weeks} weeks, "
            f"verdict {expected.verdict!r}, leak audit {expected.grade.lower()}",
        )
    if account is None:
        yield "nothing is settled yet: cqltui ledger settle GAMES.csv takes results"
        return
    yield from _figures(account, expected)
    yield _line("CLV", _closing(account, len(standing.settled)))
    for alarm in standing.alarms:
        yield _line("alarm", _alarm(alarm))


def _line(name: str, said: str) -> str:
    return f"{name:<{WIDTH}}{said}"


def _figures(account: Account, expected: Expected | None) -> Iterator[str]:
    whole = account.figures.whole
    even = "" if whole.break_even is None else f"; break-even {_share(whole.break_even)}"
    rate = "" if expected is None else _expected(expected.win_rate)
    yield _line("W-L-P", f"{whole.record} in {count(whole.weeks, 'week')} with bets")
    yield _line("win rate", f"{_estimate(whole.win_rate)}{even}{rate}")
    yield _line(
        "ROI", f"{_estimate(whole.roi, sign='+')}{'' if expected is None else _expected(expected.roi, sign='+')}"
    )
    profit = whole.profit.value or 0.0
    yield _line("profit", f"{profit:+.2f} units of the largest stake")
    for bank in whole.bankrolls:
        drawdown = bank.max_drawdown.value or 0.0
        its = None if expected is None else expected.drawdowns.get(bank.largest_stake)
        said = f"{_share(drawdown)} at a largest stake of {100 * bank.largest_stake:g} %"
        yield _line("drawdown", said + ("" if expected is None or its is None else _fall(drawdown, its, expected)))


def _fall(drawdown: float, its: Mapping[str, float | None], expected: Expected) -> str:
    upper = its["upper"]
    deeper = ", DEEPER than that" if upper is not None and drawdown > upper else ""
    return f"{_expected(its)} over {expected.weeks} weeks{deeper}"


def _expected(its: Mapping[str, float | None], *, sign: str = "") -> str:
    if its["value"] is None:
        return ""
    return f"; expected {_share(its['value'], sign)}{_between(its['lower'], its['upper'], sign)}"


def _estimate(estimate: Estimate, *, sign: str = "") -> str:
    if estimate.value is None:
        return f"not known ({estimate.reason})"
    why = f" ({estimate.reason})" if estimate.lower is None and estimate.reason else ""
    return f"{_share(estimate.value, sign)}{_between(estimate.lower, estimate.upper, sign)}{why}"


def count(number: int, what: str) -> str:
    """Return a number of things: "1 bet", "2 bets"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _share(value: float, sign: str = "") -> str:
    return f"{100 * value:{sign}.1f} %"


def _between(lower: float | None, upper: float | None, sign: str) -> str:
    if lower is None or upper is None:
        return ""
    return f" ({100 * lower:{sign}.1f} to {100 * upper:{sign}.1f})"


def _closing(account: Account, settled: int) -> str:
    closing = account.closing
    if closing is None:
        return "not measurable: no price was taken before a close that is known"
    low, high = closing.value.lower, closing.value.upper
    interval = "" if low is None or high is None else f" ({BASIS_POINTS * low:+.0f} to {BASIS_POINTS * high:+.0f})"
    said = [
        f"{BASIS_POINTS * (closing.value.value or 0.0):+.0f} bps{interval} in {count(closing.bets, 'bet')}",
        f"{100 * closing.beat:.0f} % beat the close without its vig",
        f"{100 * closing.better:.0f} % had better terms than it posted",
    ]
    if account.assumed:
        said.append(f"{account.assumed} at -110 for want of closing prices")
    if settled > closing.bets:
        said.append(f"{settled - closing.bets} not measurable")
    return "; ".join(said)


def _alarm(alarm: Alarm) -> str:
    process = alarm.process
    said = "ALARM" if alarm.when is not None else "none"
    return (
        f"{said}: e-value {process.now:.3g}, largest {process.largest:.3g}, alarm at {ALARM:g}: {_against(alarm)}; "
        f"{count(alarm.bets, 'bet')} in {count(alarm.weeks, 'week')}"
    )


def _against(alarm: Alarm) -> str:
    least = alarm.process.least
    return "against 'they break even'" if least == 0 else f"against 'they return {100 * least:+.1f} %, as expected'"
