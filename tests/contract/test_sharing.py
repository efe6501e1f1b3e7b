"""Workers that campaigns of one server share: by weight, with nobody starved, and with no turns saved up."""

from collections.abc import Callable, Mapping

import pytest
import redis

from cqltui import cli
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.shares import Shares
from cqltui.broker.server.connect import connect_url
from cqltui.broker.server.handle import ServerHandle
from cqltui.state.model import Wanted
from tests.contract.helpers import task, worker


def _campaign(client: redis.Redis, name: str, weight: int = 1) -> Queue:
    queue = Queue(client, name)
    queue.enqueue(task("x"))
    queue.present(None, weight)
    return queue


class Pool:
    """Workers whose turns take as long as the campaign's tasks do, on a clock of its own."""

    def __init__(self, client: redis.Redis, workers: int, lengths: Mapping[str, float], listed_s: float = 60.0) -> None:
        self.lengths = lengths
        self.shares = {f"s{number}": Shares(client, f"s{number}", listed_s) for number in range(workers)}
        self.now = 0.0
        self._ends: list[tuple[float, str, str]] = []
        self.had: dict[str, float] = dict.fromkeys(lengths, 0.0)
        self.order: list[str] = []

    def begin(self) -> None:
        """Every worker takes a turn."""
        for each in self.shares:
            self._next(each, 0.0)

    def _next(self, worker: str, took: float) -> None:
        chosen = self.shares[worker].choose(took)
        assert chosen is not None
        self.order.append(chosen)
        self._ends.append((self.now + self.lengths[chosen], worker, chosen))

    def until(self, end: float) -> None:
        """Let turns end and others begin, up to a moment."""
        while True:
            self._ends.sort()
            at, worker, name = self._ends[0]
            if at > end:
                return
            self._ends.pop(0)
            self.now = at
            self.had[name] += self.lengths[name]
            self._next(worker, self.lengths[name])


@pytest.mark.parametrize("lengths", [{"a": 1.0, "b": 1.0}, {"a": 0.5, "b": 7.0}, {"a": 7.0, "b": 0.5}])
@pytest.mark.parametrize("workers", [1, 5])
def test_weights_3_to_1_give_time_3_to_1_whatever_turns_take(
    client: redis.Redis, workers: int, lengths: dict[str, float]
) -> None:
    _campaign(client, "a", 3)
    _campaign(client, "b", 1)
    pool = Pool(client, workers, lengths)
    pool.begin()
    pool.until(300.0 / workers)
    assert pool.had["a"] / pool.had["b"] == pytest.approx(3.0, rel=0.1)


def test_a_campaign_alone_gets_all_and_one_that_joins_gets_its_share_and_not_what_it_missed(
    client: redis.Redis,
) -> None:
    _campaign(client, "a")
    pool = Pool(client, 2, {"a": 1.0, "b": 1.0}, listed_s=0.0)
    pool.begin()
    pool.until(50.0)
    assert pool.had == {"a": 100, "b": 0}
    late = _campaign(client, "b")
    pool.until(100.0)
    assert pool.had["b"] == pytest.approx(50, abs=3), "half of what was since it came"
    late.want(Wanted.PAUSED)
    before = dict(pool.had)
    pool.until(150.0)
    assert pool.had["b"] - before["b"] <= 2, "what is paused gets nothing"
    late.want(Wanted.RUNNING)
    before = dict(pool.had)
    pool.until(200.0)
    assert pool.had["b"] - before["b"] == pytest.approx(50, abs=3), "and saves up nothing"


def test_what_is_done_paused_empty_or_overwritten_is_passed_over(client: redis.Redis) -> None:
    shares = Shares(client, "s1", 0.0)
    assert shares.choose() is None
    _campaign(client, "a").pause("x")
    _campaign(client, "b").want(Wanted.STOPPED)
    _campaign(client, "c")
    client.set("d:cq:meta", "overwritten")
    client.set("e:training_queue", "overwritten")
    client.hset("e:cq:meta", "wanted", "running")
    assert [shares.choose(1.0) for _ in range(3)] == ["c", "c", "c"]
    assert shares.choose(1.0, frozenset({"c"})) is None
    _campaign(client, "")
    assert shares.choose(0.0, frozenset({"c"})) == "", "the campaign without a namespace is one"


def test_a_long_turn_counts_while_it_goes_on_and_of_a_dead_worker_too(client: redis.Redis) -> None:
    _campaign(client, "a")
    _campaign(client, "b")
    first, second = Shares(client, "s1"), Shares(client, "s2")
    assert first.choose() == "a"
    first.beat(10.0)
    first.beat(10.0)
    took = 0.0
    turns = []
    for _ in range(13):
        turns.append(second.choose(took))
        took = 1.0
    assert turns[:9] == ["b"] * 9, "what the first has had so far is counted, once"
    assert "a" in turns[9:12]


def test_a_turn_that_was_shorter_than_reckoned_gives_back(client: redis.Redis) -> None:
    _campaign(client, "a")
    _campaign(client, "b")
    one = Shares(client, "s1")
    assert one.choose() == "a"
    assert [one.choose(0.1) for _ in range(2)] == ["b", "a"]
    assert float(client.hget("cqltui-shared:cq:shares", "time:b:") or 0) == pytest.approx(0.1)


def _between_two(client: redis.Redis) -> Shares:
    """A worker that has chosen once between two campaigns, on a server with nothing else."""
    client.flushall()
    _campaign(client, "a")
    _campaign(client, "b")
    shares = Shares(client, "s1")
    shares.choose()
    return shares


POISON = ("nan", "inf", "-inf", "1e308", "-1e308", "x", "", "0x", "\x00", "1 2")
FIELDS = ("time:a:", "present", "usual:a:", "seen:a:", "tick", "listed_ts")


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_no_number_gives_nobody_all_or_nothing(client: redis.Redis, field: str) -> None:
    for poison in POISON:
        shares = _between_two(client)
        client.hset("cqltui-shared:cq:shares", field, poison)
        turns = [shares.choose(1.0) for _ in range(8)]
        assert 3 <= turns.count("a") <= 5, f"{poison!r}: {turns}"


def test_turns_and_weights_that_are_no_numbers(client: redis.Redis) -> None:
    for poison in POISON:
        shares = _between_two(client)
        client.hset(
            "cqltui-shared:cq:turns", mapping={"s1": f"{poison} {poison} a:", "s2": f"1 {poison} a:", "s3": poison}
        )
        client.hset("a:cq:meta", "weight", poison)
        shares.beat(1.0)
        turns = [shares.choose(1.0) for _ in range(8)]
        assert 3 <= turns.count("a") <= 5, f"{poison!r}: {turns}"


def test_the_rights_that_redis_acl_prints_are_enough(
    client: redis.Redis, server: ServerHandle, capsys: pytest.CaptureFixture[str]
) -> None:
    _campaign(client, "night")
    assert cli.main(["redis-acl", "--shared"]) == 0
    rules = capsys.readouterr().out.splitlines()[-1]
    assert rules.startswith("ACL SETUSER cqltui-shared ")
    client.execute_command(*rules.replace("PASSWORD", "secret").split())
    with connect_url(f"unix://cqltui-shared:secret@{server.socket}") as limited:
        shares = Shares(limited, "s1")
        assert shares.choose() == "night"
        shares.beat(1.0)
        queue = Queue(limited, "night")
        (claim,) = queue.claim(worker(queue, "s1"))
        assert queue.complete(claim.id, claim.token, {"loss": 0.5})
        with pytest.raises(redis.ResponseError):
            limited.set("another tool's", "value")
    client.execute_command("ACL", "DELUSER", "cqltui-shared")


def test_one_worker_lists_the_campaigns_for_all(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    _campaign(client, "a")
    one, two = Shares(client, "s1"), Shares(client, "s2")
    for shares, name in ((one, "one"), (two, "two")):

        def make(name: str = name, make: Callable[[], None] = shares._list) -> None:
            listed.append(name)
            make()

        monkeypatch.setattr(shares, "_list", make)
    assert (one.choose(), two.choose(), one.choose(1.0)) == ("a", "a", "a")
    assert listed == ["one"]
