"""What a server's answer means: it is away, it cannot just now, or it refuses for good."""

from pathlib import Path

import pytest
import redis

from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.records import RefusedError, UnableError
from cqltui.broker.protocol.scripts import Scripts
from cqltui.broker.protocol.trouble import Trouble, kind, told
from cqltui.broker.server.connect import connect_url
from cqltui.errors import InputError, ServerError
from tests.contract.helpers import eventually
from tests.contract.servers import Canned, once, user_server

AWAY, UNABLE, REFUSED = Trouble
IN_SCRIPT = "ERR Error running script (call to f_a1): @user_script:12: @user_script: 12: -"
"""How Redis 6.2 quotes what went wrong in a script."""

# What the server answers, what it means, and what the user reads.
ANSWERS = [
    ("LOADING Redis is loading the dataset in memory", AWAY, "loading the dataset"),
    ("BUSY Redis is busy running a script. You can only call SCRIPT KILL", AWAY, "busy running a script"),
    ("TRYAGAIN Multiple keys request during rehashing of slot", AWAY, "rehashing"),
    ("CLUSTERDOWN The cluster is down", AWAY, "cluster is down"),
    ("MASTERDOWN Link with MASTER is down", AWAY, "MASTER is down"),
    ("OOM command not allowed when used memory > 'maxmemory'.", UNABLE, "is full (maxmemory)"),
    (IN_SCRIPT + "OOM command not allowed when used memory > 'maxmemory'.", UNABLE, "is full (maxmemory)"),
    ("MISCONF Redis is configured to save RDB snapshots, but", UNABLE, "cannot save its data"),
    ("MISCONF Errors writing to the AOF file: No space left on device", UNABLE, "make room on its disk"),
    (IN_SCRIPT + "MISCONF Errors writing to the AOF file: No space", UNABLE, "cannot save its data"),
    ("NOREPLICAS Not enough good replicas to write.", UNABLE, "min-replicas-to-write"),
    ("ERR max number of clients reached", UNABLE, "raise its maxclients"),
    ("NOPERM this user has no permissions to run the 'evalsha' command", REFUSED, "cqltui redis-acl"),
    ("ERR The user executing the script can't run this command", REFUSED, "cqltui redis-acl"),
    ("NOAUTH Authentication required.", REFUSED, "refuses the user or password"),
    ("WRONGPASS invalid username-password pair or user is disabled.", REFUSED, "refuses the user or password"),
    ("WRONGTYPE Operation against a key holding the wrong kind of value", REFUSED, "overwritten by hand"),
    ("READONLY You can't write against a read only replica.", REFUSED, "name its primary"),
    (IN_SCRIPT + "READONLY You can't write against a read only replica.", REFUSED, "name its primary"),
    ("MOVED 3999 127.0.0.1:6381", REFUSED, "node of a Redis Cluster"),
    ("CROSSSLOT Keys in request don't hash to the same slot", REFUSED, "node of a Redis Cluster"),
    ("ERR unknown command `EVALSHA`, with args beginning with: ", REFUSED, "lacks a command"),
    ("ERR Unknown Redis command called from script script: a1", REFUSED, "lacks a command"),
    ("ERR user_script:3: Script attempted to access nonexistent global", REFUSED, "refused a step of the queue"),
]


@pytest.mark.parametrize(("answer", "expected", "said"), ANSWERS, ids=[row[0][:30] for row in ANSWERS])
def test_an_answer_to_a_command_and_to_a_script(answer: str, expected: Trouble, said: str) -> None:
    with Canned({"*": f"-{answer}", "PING": "+PONG"}) as server, redis.Redis.from_url(server.url, protocol=2) as client:
        with pytest.raises(redis.RedisError) as by_command:
            client.execute_command("HGET", "cq:meta", "epoch")
        with pytest.raises((redis.RedisError, ServerError)) as by_script:
            Scripts(client, Keys()).run("filled")
    for error in (by_command.value, by_script.value):
        assert kind(error) is expected
        assert said in told(error)
        assert ("does not answer" in told(error)) is (expected is AWAY)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (redis.ConnectionError("Error 111 connecting to OOM:6379. Connection refused."), AWAY),
        (redis.TimeoutError("Timeout reading from socket"), AWAY),
        (redis.InvalidResponse("Protocol Error"), AWAY),
        (OSError(5, "Input/output error"), AWAY),
        (ServerError("nothing runs here (no server)"), AWAY),
        (InputError("redis://h: is a replica"), REFUSED),
        (redis.DataError("Invalid input of type"), AWAY),
    ],
)
def test_what_is_no_answer(error: Exception, expected: Trouble) -> None:
    assert kind(error) is expected


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ("ERR max number of clients reached", UnableError, "maxclients"),
        ("MISCONF Errors writing to the AOF file: No space left on device", UnableError, "MISCONF"),
        ("NOPERM this user has no permissions to run the 'ping' command", RefusedError, "redis-acl"),
        ("LOADING Redis is loading the dataset in memory", ServerError, "cannot be used"),
    ],
)
def test_a_connection_says_the_same(answer: str, error: type[ServerError], said: str) -> None:
    with Canned({"PING": f"-{answer}"}) as server, pytest.raises(ServerError, match=said) as caught:
        connect_url(server.url)
    assert type(caught.value) is error


def test_a_server_that_cannot_save_and_then_can(tmp_path: Path) -> None:
    with user_server(tmp_path, "save 3600 1", "dbfilename dump") as port:
        (tmp_path / "dump").mkdir()  # in the place of the file
        url = f"redis://127.0.0.1:{port}/0"
        with once(url, protocol=2) as client:
            scripts = Scripts(client, Keys())
            client.bgsave()
            eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
            with pytest.raises(UnableError, match="cannot save its data"):
                scripts.run("filled")
            with pytest.raises(UnableError, match="cannot save its data"):
                connect_url(url)
            (tmp_path / "dump").rmdir()
            client.bgsave()
            eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok")
            assert scripts.run("filled") == 1
