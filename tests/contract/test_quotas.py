"""Quotas of workers a user, over all campaigns of a server: who is refused, who counts, and who may set them."""

import json
import logging
import re
import threading
from pathlib import Path

import pytest
import redis

from cqltui import cli
from cqltui.broker.protocol.keys import LIMITS, PLACES
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.quotas import NOBODY, Quota, Quotas, quota
from cqltui.broker.protocol.records import QuotaError, RefusedError
from cqltui.broker.server.handle import ServerHandle
from cqltui.placement.process import Launcher
from cqltui.state.placed import block_line
from cqltui.supervisor.allowed import Allowed
from cqltui.supervisor.fleet import Fleet
from cqltui.worker import link
from cqltui.worker.link import Link
from tests.contract.helpers import campaign_of, claim_one, eventually, state, task


@pytest.fixture
def url(server: ServerHandle) -> str:
    return f"unix://:{server.password}@{server.socket}?db=0"


def test_one_beyond_is_refused_whatever_campaign_it_is_for(client: redis.Redis) -> None:
    night, day = campaign_of(client, "night"), campaign_of(client, "day", "anna@lab2")
    other = campaign_of(client, "", "bob@lab1")
    Quotas(client).set("anna", 2, "root@head")
    first = night.register_worker("w1", {"id": "w1"})
    day.register_worker("w1", {"id": "w1"})
    before = night.version()
    with pytest.raises(QuotaError, match=r"user anna may have 2 workers on this server \(set by root@head\)"):
        night.register_worker("w2", {"id": "w2"})
    assert night.version() == before, "nobody is told of one that was refused"
    assert not client.exists(night.keys.worker("w2"))
    other.register_worker("w2", {"id": "w2"})
    night.register_worker("w1", {"id": "w1"})  # in place of the former process
    assert night.quota() == Quota("anna", 2, "root@head", 2, frozenset({"night:|w1", "day:|w1"}))
    assert not night.unregister_worker(first), "of the former process, which holds no place"
    assert day.unregister_worker("w1")
    night.register_worker("w2", {"id": "w2"})
    assert [(one.user, one.limit, one.used) for one in Quotas(client).all()] == [("anna", 2, 2), ("bob", None, 1)]


def test_who_works_already_stays_and_comes_back(client: redis.Redis) -> None:
    queue, quotas = campaign_of(client, "night"), Quotas(client)
    queue.enqueue(task("a"))
    who = [queue.register_worker(f"w{number}", {}, f"i{number}") for number in range(3)]
    claim = claim_one(queue, who[0])
    quotas.set("anna", 0, "root@head")
    assert queue.heartbeat(who[0], {"a": claim.token}, {}).registered
    client.delete(queue.keys.worker("w0"))  # lost, with its registration
    queue.register_worker("w0", {}, "i0", is_known=True)
    assert queue.complete("a", claim.token, {"loss": 0.5})
    assert queue.quota().used == 3
    with pytest.raises(QuotaError, match="0 workers"):
        queue.register_worker("w3", {})
    assert quotas.remove("anna")
    assert not quotas.remove("anna")
    queue.register_worker("w3", {})


def test_one_that_is_silent_holds_no_place_and_has_it_again_when_it_speaks(client: redis.Redis) -> None:
    queue = campaign_of(client, "night")
    Quotas(client).set("anna", 1, "root@head")
    cut_off = queue.register_worker("w1", {})
    client.hset(queue.keys.worker("w1"), "ts", queue.now() - 61)
    queue.register_worker("w2", {})
    assert queue.heartbeat(cut_off, {}, {}).registered
    assert queue.quota().used == 2
    client.delete(queue.keys.worker("w1"), queue.keys.worker("w2"))  # killed, and cleared away
    assert queue.quota().used == 0
    assert not client.exists(f"{PLACES}anna"), "what is left of them is cleared away"


def test_shared_workers_are_nobodys(client: redis.Redis) -> None:
    queue = campaign_of(client, "night")
    Quotas(client).set("anna", 0, "root@head")
    queue.register_worker("s1", {}, user=NOBODY)
    assert queue.quota().used == 0
    assert queue.unregister_worker("s1")


NONSENSE: dict[str, object] = {"text": "x", "of no end": "9" * 400 + " 1 x", "negative": "-1 1 x", "empty": ""}


@pytest.mark.parametrize("limit", NONSENSE.values(), ids=NONSENSE)
def test_what_is_no_quota_is_none(client: redis.Redis, limit: str) -> None:
    queue = campaign_of(client, "night")
    client.hset(LIMITS, "anna", limit)
    queue.register_worker("w1", {})
    assert [one.limit for one in Quotas(client).all()] == [None]


def test_keys_of_another_kind_and_garbage_stop_nobody(
    client: redis.Redis, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = campaign_of(client, "night")
    Quotas(client).set("anna", 1, "\x1b[2Jroot\n")
    client.hset(f"{PLACES}anna", mapping={"": "x", "no bar": "x", "night:|w9": "x", "|" * 1000: "\x00", "night:|": ""})
    client.hset(LIMITS, "x" * (1 << 20), "5 1 x")
    client.hset(LIMITS, b"\xff\x00", "5 1 \xff")
    queue.register_worker("w1", {})
    assert cli.main(["quota", "--redis-url", url]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x00" not in shown
    assert max(map(len, shown.splitlines())) < 200
    client.delete(f"{PLACES}anna")
    client.set(f"{PLACES}anna", "overwritten")
    queue.register_worker("w2", {})
    assert {one.user: one.used for one in Quotas(client).all()}["anna"] is None
    client.delete(LIMITS)
    client.set(LIMITS, "overwritten")
    queue.register_worker("w3", {})
    assert cli.main(["quota", "--redis-url", url]) == 3
    assert "WRONGTYPE" in capsys.readouterr().err


@pytest.mark.parametrize("owner", [None, 5, {}, "", "@lab", "-", "a" * 1_000_000, "\x00\xff|:*", "-@x"])
def test_an_owner_that_is_none_of_ours(client: redis.Redis, owner: object) -> None:
    queue = Queue(client, "night")
    queue.set_campaign({"name": "night", "owner": owner})
    queue.register_worker("w1", {})
    assert re.fullmatch(r"[a-z]{0,64}", queue.quota().user)
    queue.set_campaign({"title": '"owner":"bob@x"', "owner": "anna@x", "phases": [{"goal": '\\"owner":"eve@x"'}]})
    assert queue.quota().user == "anna"
    client.hset(queue.keys.meta, "campaign", "[" * 100_000)
    queue.register_worker("w2", {})
    assert queue.quota() == Quota("")


def test_an_answer_that_no_server_gives() -> None:
    for answer in ([], [b"a"], [b"a", b"x", b""], [b"a", 1, b"", b"x"], [1, b"", b"", 0]):
        with pytest.raises(RefusedError):
            quota(answer)


# -- what a worker and a supervisor make of it


def test_a_worker_waits_for_a_place_and_says_why(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(link, "PLACE_PAUSE_S", 0.02)
    queue, quotas = campaign_of(client, "night"), Quotas(client)
    quotas.set("anna", 0, "root@head")
    stop = threading.Event()
    with caplog.at_level(logging.INFO, "cqltui.worker.link"):
        waiting = threading.Thread(target=lambda: Link(queue, "w1", {"id": "w1"}, stop))
        waiting.start()
        eventually(lambda: "waits for a place" in caplog.text)
        quotas.set("anna", 1, "root@head")
        waiting.join(60)
        assert not waiting.is_alive()
    assert "w1" in state(queue).workers
    assert caplog.text.count("user anna may have 0 workers on this server (set by root@head)") == 1
    assert [json.loads(raw)["data"]["text"][:27] for raw in client.lrange(queue.keys.notices, 0, -1)] == [
        "worker w1 waits for a place"
    ]


def test_one_that_is_told_to_leave_meanwhile_leaves_quietly(client: redis.Redis) -> None:
    queue = campaign_of(client, "night")
    Quotas(client).set("anna", 0, "root@head")
    stop = threading.Event()
    stop.set()
    worker = Link(queue, "w1", {"id": "w1"}, stop)
    assert worker.claim(1, None, None) == []
    worker.sign_off()
    assert state(queue).workers == {}


class _Workers(Fleet):
    """Of whom some are alive, without a process."""

    def __init__(self, count: int) -> None:
        super().__init__(Launcher([], {}, Path("logs")), count)
        self.limits: list[int | None] = []
        self.ours = {f"w{number + 1}" for number in range(count)}

    def __contains__(self, worker_id: object) -> bool:
        return worker_id in self.ours

    def limit(self, most: int | None, quota: object = None) -> None:
        super().limit(most, quota)  # type: ignore[arg-type]  # as given
        self.limits.append(most)


def test_a_supervisor_starts_no_more_than_there_are_places(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqltui.supervisor.allowed.ASK_S", 0.0)
    queue, other, quotas = campaign_of(client, "night"), campaign_of(client, "day"), Quotas(client)
    fleet = _Workers(3)
    allowed = Allowed(queue, fleet)
    allowed.follow()
    assert fleet.blocks() == ()
    queue.register_worker("w1", {})
    other.register_worker("w1", {})
    quotas.set("anna", 3, "root@head")
    for _ in range(2):
        allowed.follow()
        assert fleet.limits.pop() == 2, "one is elsewhere, and w1 is ours"
    (shown,) = fleet.blocks()
    assert shown.name == "user anna, 2 of 3 workers on this server, set by root@head"
    assert block_line(shown) == f"quota: {shown.name}; this run may have 2 of its workers now"
    queue.register_worker("by-hand", {})
    allowed.follow()
    assert fleet.limits.pop() == 1
    quotas.set("anna", 9, "root@head")
    allowed.follow()
    assert (fleet.limits.pop(), fleet.blocks()[0].trouble) == (7, "")
    quotas.remove("anna")
    allowed.follow()
    assert (fleet.limits.pop(), fleet.blocks()) == (None, ())
    texts = [json.loads(raw)["data"]["text"] for raw in reversed(client.lrange(queue.keys.notices, 0, -1))]
    assert texts == [
        "quota: user anna may have 3 workers on this server (set by root@head): not all of this run's 3 work at once",
        "quota: user anna may have 9 workers on this server (set by root@head): there are places for all",
    ]


def test_the_command_sets_shows_and_removes(
    client: redis.Redis, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cqltui.app.quotas.asker", lambda: "root@head")
    assert cli.main(["quota", "--redis-url", url]) == 0
    assert "nobody has a quota or workers" in capsys.readouterr().out
    assert cli.main(["quota", "anna", "3", "--redis-url", url]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["anna", "0", "3", "root@head"]
    campaign_of(client, "night").register_worker("w1", {})
    campaign_of(client, "day", "bob@x").register_worker("w1", {})
    assert cli.main(["quota", "--redis-url", url]) == 0
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["anna", "1", "3"],
        ["bob", "1", "any"],
    ]
    assert cli.main(["quota", "anna", "--remove", "--json", "--redis-url", url]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["limit"], told["used"], told["places"]) == (None, 1, ["night:|w1"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("anna", "-1"), "-1"),
        (("anna", "1e3"), "expected a whole number from 0 to 100,000, found '1e3'"),
        (("anna", "9" * 5000), "expected a whole number"),
        (("anna", "٣"), "expected a whole number"),
        (("an na", "3"), "expected 1 to 64 letters"),
        (("\x00" * 100_000, "3"), "expected 1 to 64 letters"),
        (("--remove",), "--remove: whose quota? Give USER"),
        (("anna", "3", "--remove"), "--remove: whose quota?"),
        (("anna", "--namespace", "night"), "leave out USER"),
    ],
)
def test_what_it_is_not_told_so(
    url: str, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = cli.main(["quota", *words, "--redis-url", url])
    except SystemExit as left:
        code = int(left.code or 0)
    assert code == 2
    assert said in capsys.readouterr().err
