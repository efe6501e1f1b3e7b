"""What `cqltui doctor` finds on a user's server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server import checkup
from cqltui.broker.server.checkup import Finding, Level
from cqltui.broker.server.handle import ServerHandle
from tests.contract.helpers import formed, task
from tests.contract.servers import once, user_server


@pytest.fixture
def reset(client: redis.Redis) -> Iterator[None]:
    """The server's settings as they were."""
    yield
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("appendonly", "yes")


def bad(findings: Iterator[Finding]) -> list[Finding]:
    """Those that want a fix, which each has."""
    found = [finding for finding in findings if finding.level is not Level.OK]
    assert all(finding.fix for finding in found)
    return found


def test_a_fit_server_wants_nothing(server: ServerHandle, queue: Queue) -> None:
    queue.enqueue(task("t1"))
    queue.enqueue_many([formed("t2")], rows=True)
    url = f"unix://:{server.password}@{server.socket}"
    before = sorted(queue.client.keys())
    findings = list(checkup.user_server(url, Keys()))
    assert not bad(iter(findings))
    assert findings[0].found.startswith("does what the protocol needs, version ")
    assert sorted(queue.client.keys()) == before, "what was tried is gone"
    assert findings[-1].found == "2 entries are queued"


def test_a_server_that_forgets_is_told(client: redis.Redis, reset: None) -> None:
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("appendonly", "no")
    assert [finding.what for finding in bad(checkup.settings(client))] == ["eviction", "persistence"]


def test_what_older_tools_left_is_told(client: redis.Redis) -> None:
    client.execute_command("ZADD", "training_queue", -8, "old", 3, b"\xff\n")
    negative, unknown = bad(checkup.left_over(client, Keys()))
    assert "1 entries with a negative score" in negative.found
    assert "2 entries are no tasks" in unknown.found
    assert "namespace" in unknown.fix


def test_a_key_of_another_type_is_told(client: redis.Redis) -> None:
    client.execute_command("LPUSH", "training_queue", "x")
    (finding,) = bad(checkup.left_over(client, Keys()))
    assert finding.level is Level.ERROR
    assert "is a list" in finding.found


def test_no_server_is_an_error_without_the_password() -> None:
    (finding,) = bad(checkup.user_server("redis://:secret@127.0.0.1:1/0", Keys()))
    assert finding.level is Level.ERROR
    assert "secret" not in finding.found


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (('rename-command EVALSHA ""',), "lacks a command of the protocol"),
        (('rename-command SCRIPT ""',), "lacks a command of the protocol"),
        (("cluster-enabled yes",), "is a node of a Redis Cluster"),
        (("replicaof 127.0.0.1 1",), "is a replica"),
        (("min-replicas-to-write 1",), "min-replicas-to-write"),
        (("maxmemory 1",), "is full (maxmemory)"),
        (("user default on nopass ~* &* +@all -xadd",), "(NOPERM)"),
        (("user default on nopass ~* +@all resetchannels",), "(NOPERM)"),
    ],
)
def test_a_server_that_answers_and_does_not_do_it(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with user_server(tmp_path, *lines) as port:
        (finding,) = bad(checkup.user_server(f"redis://127.0.0.1:{port}/0", Keys("night")))
        assert finding.level is Level.ERROR
        assert said in finding.found
        with once(f"redis://127.0.0.1:{port}/0") as client:
            assert client.keys() == []


def test_a_server_that_takes_too_few_connections_is_told(tmp_path: Path) -> None:
    with user_server(tmp_path, "maxclients 4") as port:
        (finding,) = bad(checkup.user_server(f"redis://127.0.0.1:{port}/0", Keys()))
    assert "the server takes 4 connections (maxclients)" in finding.found
    assert finding.found.endswith("a run with 1 worker holds 8: raise its maxclients")
