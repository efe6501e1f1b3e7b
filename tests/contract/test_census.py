"""What `cqltui ls --redis-url` tells of a server's campaigns."""

import json
from pathlib import Path

import pytest
import redis

from cqltui import cli
from cqltui.broker.protocol import census
from cqltui.broker.protocol.keys import LIMITS
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.quotas import Quotas
from cqltui.broker.protocol.records import RefusedError
from cqltui.broker.server.handle import ServerHandle
from cqltui.state.model import Status, Wanted
from tests.contract.helpers import claim_one, task, worker


def _filled(client: redis.Redis, namespace: str, **said: object) -> Queue:
    """Two queued tasks, one that runs, one that is done and one that is dead."""
    queue = Queue(client, namespace)
    queue.enqueue_many([task(name) for name in "abcde"])
    who = worker(queue)
    claim_one(queue, who)
    done, dead = claim_one(queue, who), claim_one(queue, who)
    assert queue.complete(done.id, done.token, {"loss": 0.5})
    assert queue.fail(dead.id, dead.token, "boom", None)
    queue.set_campaign({"name": namespace or "plain", **said})
    return queue


@pytest.fixture
def url(server: ServerHandle) -> str:
    return f"unix://:{server.password}@{server.socket}?db=0"


def test_each_campaign_with_its_tasks_and_what_is_told_of_it(client: redis.Redis) -> None:
    _filled(client, "night", title="A night", owner="anna@box", started_ts=1e9).present(2e9, 3)
    _filled(client, "").want(Wanted.PAUSED)
    client.hset("not ours:cq:meta", "wanted", "running")
    client.set("nightcq:meta", "nor this")
    assert census.namespaces(client) == ["", "night"]
    night = census.standing(client, "night")
    counts = {Status.QUEUED: 2, Status.RUNNING: 1, Status.DONE: 1, Status.DEAD: 1}
    assert night == census.Standing(
        "night", "A night", "night", "anna@box", "", "running", counts, 1, 3, 1e9, expected_ts=2e9
    )
    bare = census.standing(client, "")
    assert (bare.state, bare.counts, bare.weight, bare.expected_ts) == ("paused", counts, 1, 0.0)


def test_who_supervises_it_and_whether_it_has_ended(client: redis.Redis) -> None:
    queue = _filled(client, "night")
    assert census.standing(client, "night").state == "running", "an earlier version tells nothing of its supervisor"
    queue.present(None)
    client.hset(queue.keys.meta, "supervised_ts", queue.now() - census.ABSENT_S - 1)
    client.hset(queue.keys.worker("w1"), "ts", queue.now() - 31)
    gone = census.standing(client, "night")
    assert (gone.state, gone.workers) == ("no supervisor", 0)
    queue.finish(queue.now())
    assert census.standing(client, "night").state == "stopped", "tasks are left"
    client.execute_command("HDEL", queue.keys.meta, "finished_ts")
    queue.withdraw("abcde")
    assert census.standing(client, "night").state == "ended", "a supervisor that evaluates it says nothing meanwhile"


def test_more_tasks_than_one_step_counts(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(client, "many")
    queue.enqueue_many([task(f"t{number}") for number in range(900)])
    monkeypatch.setattr(census, "PAGE", 100)
    assert census.standing(client, "many").counts == {Status.QUEUED: 900}
    assert "many" in census.namespaces(client), "names of keys come a page at a time, too"


@pytest.mark.parametrize("key", ["cq:meta", "cq:tasks", "active_workers"])
def test_one_that_cannot_be_read_hides_no_other(client: redis.Redis, key: str) -> None:
    _filled(client, "night")
    _filled(client, "day")
    client.delete(f"night:{key}")
    client.set(f"night:{key}", "overwritten")
    found = {name: census.standing(client, name) for name in census.namespaces(client)}
    assert (found["night"].state, found["day"].state) == ("unreadable", "running")
    assert "WRONGTYPE" in found["night"].trouble


def test_a_server_without_an_end_is_given_up(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cqltui.broker.protocol.bounded.MOST_PARTS", 3)
    monkeypatch.setattr(client, "execute_command", lambda *_: (17, [b"night:cq:meta"]))
    with pytest.raises(RefusedError, match="no end of its keys"):
        census.namespaces(client)
    monkeypatch.setattr(client, "execute_command", lambda *_: [b"what is this"])
    with pytest.raises(RefusedError, match="as a Redis server does"):
        census.namespaces(client)


def test_the_command_lists_them(client: redis.Redis, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    client.flushall()
    assert cli.main(["ls", "--redis-url", url]) == 0
    assert "no campaign on this server" in capsys.readouterr().out
    _filled(client, "night", title="\x1b[2Jclear", owner="anna@box").present(None, 3)
    _filled(client, "")
    assert cli.main(["ls", "--redis-url", url]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.split()[:4] == ["campaign", "title", "owner", "state"]
    assert second.split()[0] == "(none)"
    assert third.split() == ["night", "clear", "anna@box", "running", "1/5", "2", "1", "1", "1", "3"]
    Quotas(client).set("anna", 4, "root@head")
    for words in ([], ["--namespace", "night"]):
        assert cli.main(["ls", *words, "--redis-url", url]) == 0
        last = capsys.readouterr().out.splitlines()[-1]
        assert last == "quota: user anna may have 4 workers on this server (set by root@head): 0 in use"
    client.delete(LIMITS)
    client.set(LIMITS, "overwritten")
    assert cli.main(["ls", "--json", "--namespace", "night", "--redis-url", url]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["counts"] == {"queued": 2, "running": 1, "done": 1, "dead": 1}
    assert (told["weight"], told["owner"], told["state"]) == (3, "anna@box", "running")


def test_which_server_is_asked(
    url: str, client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CQLTUI_REDIS_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["ls", "--redis-url"]) == 2
    assert "which server? Give --redis-url URL, or set REDIS_URL" in capsys.readouterr().err
    assert cli.main(["ls", "--namespace", "night"]) == 2
    assert "give --redis-url" in capsys.readouterr().err
    _filled(client, "night")
    monkeypatch.setenv("REDIS_URL", url)
    assert cli.main(["ls", "--redis-url"]) == 0
    assert "night" in capsys.readouterr().out
    assert cli.main(["ls"]) == 0
    assert "there is no run in" in capsys.readouterr().out, "the variable alone asks for no server's campaigns"
