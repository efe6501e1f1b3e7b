"""A shared worker's way from campaign to campaign."""

from collections.abc import Callable, Iterator

import pytest
from redis.exceptions import ConnectionError, NoPermissionError

from cqltui import cli
from cqltui.app.sharing import NOTHING_S, UNABLE_S, Pool, SharedTurn
from cqltui.errors import InputError
from cqltui.placement.starting import END_TS


class FakeShares:
    """Gives each who asks the next of what is due; None ends the test's worker."""

    def __init__(self, *due: str | Exception | None) -> None:
        self.due: Iterator[str | Exception | None] = iter(due)
        self.asked: list[tuple[float, frozenset[str]]] = []
        self.beats: list[float] = []
        self.end: Callable[[], None] = lambda: None

    def choose(self, took_s: float = 0.0, skipped: frozenset[str] = frozenset()) -> str | None:
        """The next."""
        self.asked.append((took_s, skipped))
        found = next(self.due, None)
        if isinstance(found, Exception):
            raise found
        if found is None:
            self.end()
        return found

    def beat(self, took_s: float) -> None:
        """Remember it."""
        self.beats.append(took_s)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of turns, to be set."""
    now = [1_000.0]
    monkeypatch.setattr("cqltui.app.sharing.time.monotonic", lambda: now[0])
    monkeypatch.delenv(END_TS, raising=False)
    return now


def pool_of(shares: FakeShares) -> Pool:
    """A pool that ends when nothing is due any more."""
    pool = Pool(shares, shares, 0.0)  # type: ignore[arg-type]  # in place of them
    shares.end = pool.stopped.set
    return pool


def test_it_stays_while_its_campaign_is_due_and_tells_what_each_turn_took(clock: list[float]) -> None:
    shares = FakeShares("a", "a", "b", None)
    pool = pool_of(shares)
    served: list[str] = []

    def serve(turn: SharedTurn) -> None:
        served.append(turn.namespace)
        clock[0] += 2.0
        turn.beat()
        while not turn.session_ended():
            clock[0] += 3.0
            served.append(turn.namespace)

    pool.work(serve)
    assert served == ["a", "a", "b"]
    assert [took for took, _ in shares.asked] == [0.0, 2.0, 3.0, 2.0]
    assert shares.beats == [2.0, 2.0]


def test_one_without_anything_for_it_is_passed_over_for_a_moment(clock: list[float]) -> None:
    shares = FakeShares("a", "b", "a", None)
    pool = pool_of(shares)

    def serve(turn: SharedTurn) -> None:
        if turn.namespace == "a":
            assert turn.found_nothing()
        else:
            clock[0] += NOTHING_S + 1
            assert turn.session_ended()

    pool.work(serve)
    assert [skipped for _, skipped in shares.asked] == [frozenset(), {"a"}, frozenset(), {"a"}]


def test_one_that_it_cannot_serve_keeps_it_from_no_other(clock: list[float]) -> None:
    shares = FakeShares("broken", "a", "b", "broken", None)
    pool = pool_of(shares)
    served: list[str] = []

    def serve(turn: SharedTurn) -> None:
        served.append(turn.namespace)
        if turn.namespace == "broken":
            raise InputError("its data is not here")
        if turn.namespace == "a":
            return  # its supervisor has sent this worker away
        clock[0] += UNABLE_S + 1
        assert turn.session_ended()

    pool.work(serve)
    assert served == ["broken", "a", "b", "broken"]
    assert [skipped for _, skipped in shares.asked] == [
        frozenset(), {"broken"}, {"a", "broken"}, frozenset(), {"broken"},
    ]  # fmt: skip


def test_a_server_that_is_away_is_waited_for_where_it_is(clock: list[float]) -> None:
    away = ConnectionError("away")
    shares = FakeShares(away, "a", away, "b", None)
    pool = pool_of(shares)
    served: list[str] = []

    def serve(turn: SharedTurn) -> None:
        served.append(turn.namespace)
        clock[0] += 4.0
        if turn.namespace == "a":
            assert not turn.session_ended(), "it goes on here"
            clock[0] += 1.0
        assert turn.session_ended()

    pool.work(serve)
    assert served == ["a", "b"]
    assert shares.asked[3][0] == 5.0, "what could not be told is told with the next word"


def test_a_server_that_refuses_is_not_asked_again(clock: list[float]) -> None:
    shares = FakeShares(NoPermissionError("this user has no permissions to run the 'scan' command"))
    with pytest.raises(NoPermissionError):
        pool_of(shares).work(lambda turn: None)
    assert len(shares.asked) == 1


@pytest.mark.parametrize("when", ["within a turn", "between two"])
def test_told_to_stop_it_takes_no_further_turn(when: str, clock: list[float]) -> None:
    shares = FakeShares("a", "b", "c")
    pool = pool_of(shares)
    served: list[str] = []

    def serve(turn: SharedTurn) -> None:
        served.append(turn.namespace)
        if when == "between two":
            assert turn.session_ended()
        turn.stop()
        assert SharedTurn(pool, "x").is_stopped

    pool.work(serve)
    assert served == ["a"]


def test_a_machine_that_goes_soon_gets_no_further_campaign(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(END_TS, "1")
    shares = FakeShares("a", "b")
    pool_of(shares).work(lambda turn: None)
    assert len(shares.asked) == 1


@pytest.mark.parametrize("arguments", [["--run-dir", "x"], ["--namespace", "night"], []])
def test_it_is_for_all_campaigns_of_a_server(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REDIS_URL", "CQLTUI_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["worker", "--worker-id", "s1", "--shared", *arguments]) == 2
    said = capsys.readouterr().err
    assert ("leave out --run-dir and --namespace" in said) == bool(arguments)
    assert ("which server?" in said) != bool(arguments)


def test_a_way_to_one_run_is_none_to_all_campaigns(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["worker", "--worker-id", "s1", "--shared", "--through", "h:/f"]) == 2
    assert "--through leads to one run, and --shared is for all campaigns on a server" in capsys.readouterr().err
