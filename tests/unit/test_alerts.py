"""What is told to those who do not look: by the state, once each, and nothing but text that is fit to be shown."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from cqltui.campaign.occasion import Occasion
from cqltui.state.alerts import HOLDS_S, Alert, Told, look, seen
from cqltui.state.described import PhaseInfo, Verdict
from cqltui.state.eta import Estimate
from cqltui.state.model import Lifecycle, RunState, Status, TaskState
from cqltui.state.notify import NotifyInfo
from tests.unit.runs import LAUNCH, info, run_of

HOUR = LAUNCH + 3600


def clock(ts: float) -> str:
    return f"+{(ts - LAUNCH) / 60:.0f} min"


def task(number: int, status: Status, run: int = 1, error: str = "") -> TaskState:
    life = Lifecycle((1, 1), status, run=run, attempt=3, error=error, finished_ts=LAUNCH + 60)
    return TaskState(info(number), life)


def state_of(*statuses: Status, verdicts: tuple[Verdict, ...] = (), **notify: Any) -> RunState:
    tasks = [task(number, status) for number, status in enumerate(statuses)]
    state = run_of(tasks, phases=[PhaseInfo("ensemble", verdicts=verdicts)])
    return replace(state, campaign=replace(state.campaign, notify=NotifyInfo(**notify)))


def expected(finish_ts: float | None) -> Estimate:
    return Estimate(finish_ts, {}, {})


def alerts(state: RunState, told: Told, estimate: Estimate | None = None, now: float = LAUNCH) -> list[Alert]:
    return list(look(state, estimate, now, told, clock)[0])


def texts(state: RunState, told: Told = Told()) -> list[str]:  # noqa: B008
    return [alert.text for alert in alerts(state, told)]


def test_a_dead_task_is_told_once_and_again_after_it_was_run_anew() -> None:
    dead = replace(state_of(), tasks={"00000007": task(7, Status.DEAD, error="\nKeyError: 'edge'\ntraceback")})
    found, told = look(dead, None, LAUNCH, Told(), clock)
    assert [alert.text for alert in found] == ["deep: task 00000007 (task 7) is dead: KeyError: 'edge'"]
    assert found[0].data == {
        "count": 1,
        "tasks": [
            {"id": "00000007", "phase": "ensemble", "title": "task 7", "attempts": 3, "error": "KeyError: 'edge'"}
        ],
    }
    assert alerts(dead, told) == []
    again = replace(dead, tasks={"00000007": task(7, Status.DEAD, run=2)})
    assert texts(again, told) == ["deep: task 00000007 (task 7) is dead: no reason known"]


def test_many_dead_tasks_are_one_alert_of_bounded_size() -> None:
    (alert,) = alerts(state_of(*[Status.DEAD] * 500), Told())
    assert alert.text == "deep: 500 tasks are dead: 00000000, 00000001, 00000002, ..."
    assert (alert.data["count"], len(alert.data["tasks"])) == (500, 20)


def test_a_criterion_that_fails_is_told_and_one_that_is_open_or_met_is_not() -> None:
    verdicts = (
        Verdict("Loss < 0.08", False, "best 0.0912"),
        Verdict("open"),
        Verdict("met", True),
    )
    found, told = look(state_of(Status.RUNNING, verdicts=verdicts), None, LAUNCH, Told(), clock)
    assert [alert.text for alert in found] == ["deep: a criterion of ensemble fails: Loss < 0.08: best 0.0912"]
    assert found[0].occasion is Occasion.CRITERION
    more = (*verdicts, Verdict("a", False), Verdict("b", False))
    assert texts(state_of(Status.RUNNING, verdicts=more), told) == ["deep: 2 criteria fail, the first in ensemble: a"]


def test_the_end_says_what_became_of_the_run() -> None:
    verdicts = (Verdict("a", True), Verdict("b", False), Verdict("c"))

    def end(*statuses: Status, verdicts: tuple[Verdict, ...] = ()) -> tuple[str, str, bool]:
        state = replace(state_of(*statuses, verdicts=verdicts), finished_ts=LAUNCH + 9)
        *_, alert = alerts(state, Told())
        assert alert.occasion is Occasion.FINISHED
        return alert.text, alert.data["outcome"], alert.bad

    assert end(Status.DONE, Status.DONE, Status.WITHDRAWN) == (
        "deep: the run has ended, 2 of 2 tasks done",
        "done",
        False,
    )
    assert end(Status.DONE, Status.DEAD, verdicts=verdicts) == (
        "deep: the run has ended, 1 of 2 tasks done, 1 dead; criteria: 1 met, 1 failed, 1 open", "unfinished", True
    )  # fmt: skip
    assert end(Status.DONE, Status.QUEUED) == ("deep: the run was stopped, 1 of 2 tasks done", "stopped", True)
    assert texts(state_of(Status.DONE)) == [], "the supervisor has yet to write the results"


def test_the_same_end_is_told_once_and_another_one_again() -> None:
    ended = replace(state_of(Status.DONE, Status.CANCELLED), finished_ts=LAUNCH + 9)
    _, told = look(ended, None, LAUNCH, Told(), clock)
    assert alerts(replace(ended, finished_ts=LAUNCH + 99), told) == []
    assert len(alerts(replace(state_of(Status.DONE, Status.DONE), finished_ts=LAUNCH + 99), told)) == 1


def test_the_hour_is_told_once_the_estimate_has_been_past_it_for_a_while() -> None:
    state = state_of(Status.RUNNING, late_ts=HOUR)
    told = Told()
    for now, finish_ts in ((0, HOUR - 1), (1, HOUR + 60), (50, HOUR), (51, HOUR + 60), (51 + HOLDS_S - 1, HOUR + 60)):
        found, told = look(state, expected(finish_ts), LAUNCH + now, told, clock)
        assert found == ()
    assert alerts(state, told, None, LAUNCH + 999) == [], "nobody has looked at the estimate"
    found, told = look(state, expected(HOUR + 120), LAUNCH + 51 + HOLDS_S, told, clock)
    assert [alert.text for alert in found] == ["deep: the run is expected to end at +62 min, past +60 min"]
    assert found[0].data == {"eta_ts": HOUR + 120, "hour_ts": HOUR}
    for finish_ts in (HOUR - 1, HOUR + 999):
        found, told = look(state, expected(finish_ts), LAUNCH + 900, told, clock)
        assert found == ()
    next_day = state_of(Status.RUNNING, late_ts=HOUR + 86_400)
    _, told = look(next_day, expected(HOUR + 99_999), LAUNCH + 1000, told, clock)
    assert len(alerts(next_day, told, expected(HOUR + 99_999), LAUNCH + 1000 + HOLDS_S)) == 1


def test_a_run_that_goes_on_after_the_hour_is_late_at_once_whatever_is_expected() -> None:
    state = state_of(Status.RUNNING, late_ts=HOUR)
    assert [a.text for a in alerts(state, Told(), expected(None), HOUR)] == ["deep: it is +60 min, and the run goes on"]
    assert alerts(state, Told(), expected(None), HOUR - 1) == []
    assert alerts(state_of(Status.DONE, late_ts=HOUR), Told(), expected(HOUR + 9), HOUR + 9) == [], "it is done"
    assert alerts(state_of(Status.RUNNING), Told(), expected(HOUR + 9), HOUR + 9) == [], "no hour is set"


def test_only_what_is_asked_for_is_told_and_what_is_not_does_not_come_later() -> None:
    state = state_of(Status.DEAD, verdicts=(Verdict("a", False),), on=frozenset({Occasion.CRITERION}), late_ts=HOUR)
    found, told = look(state, expected(HOUR + 9), HOUR + 9, Told(), clock)
    assert [alert.occasion for alert in found] == [Occasion.CRITERION]
    assert alerts(replace(state, campaign=replace(state.campaign, notify=NotifyInfo())), told) == []


def test_who_has_just_come_sees_what_there_is() -> None:
    state = state_of(Status.DEAD, Status.RUNNING, verdicts=(Verdict("a", False),), late_ts=HOUR)
    told = seen(state, expected(HOUR + 9), LAUNCH)
    assert alerts(state, told, expected(HOUR + 9), LAUNCH + 2 * HOLDS_S) == []
    later = replace(state, tasks=state_of(Status.DEAD, Status.DEAD).tasks, finished_ts=LAUNCH)
    assert [alert.occasion for alert in alerts(later, told)] == [Occasion.DEAD, Occasion.FINISHED]
    assert len(alerts(state, seen(state, expected(HOUR), LAUNCH), expected(HOUR + 9), HOUR)) == 1


def test_foreign_text_neither_steers_a_terminal_nor_tells_a_password() -> None:
    error = "\x1b]2;pwned\x07\x1b[31mfailed at redis://user:secret@host/0 \u202e" + "x" * 9999
    dead = replace(state_of(), tasks={"00000001": task(1, Status.DEAD, error=error)})
    (alert,) = alerts(dead, Told())
    for text in (alert.text, *_strings(alert.data)):
        assert text.isprintable()
        assert len(text) <= 400
        assert "secret" not in text
    assert "failed at redis://(hidden)@host/0" in alert.text


def _strings(data: Mapping[str, Any]) -> list[str]:
    return [value for item in data["tasks"] for value in item.values() if isinstance(value, str)]
