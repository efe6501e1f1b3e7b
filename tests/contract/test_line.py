"""The held connection: what it must not do worse than redis.Redis."""

import threading

import pytest
import redis

from cqltui.broker.protocol.line import Line
from cqltui.broker.protocol.queue import Queue
from tests.contract.helpers import eventually, task


def _id(line: Line) -> int:
    return int(line.call("CLIENT", "ID"))


def test_one_connection_is_kept(client: redis.Redis) -> None:
    line = Line(client)
    first = _id(line)
    assert line.call("SET", "a", 1) == b"OK"
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        line.call("HGET", "a", "b")
    assert _id(line) == first


def test_a_closed_connection_is_noticed_before_it_is_used(client: redis.Redis) -> None:
    line = Line(client)
    first = _id(line)
    assert client.execute_command("CLIENT", "KILL", "ID", first) == 1
    assert _id(line) != first
    client.close()
    assert line.call("PING") == b"PONG", "a client that was closed can be used again, as redis-py has it"


def test_an_answer_that_came_too_late_is_not_the_next_calls(client: redis.Redis) -> None:
    settings = {**client.connection_pool.connection_kwargs, "socket_timeout": 0.5}
    pool = redis.ConnectionPool(connection_class=client.connection_pool.connection_class, **settings)
    with redis.Redis(connection_pool=pool) as impatient:
        line = Line(impatient)
        with pytest.raises(redis.TimeoutError):
            line.call("BLPOP", "nothing", 1.0)
        assert line.call("PING") == b"PONG"
    pool.disconnect()


def test_a_second_thread_does_not_wait(client: redis.Redis) -> None:
    line = Line(client)
    first = _id(line)
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.append(line.call("BLPOP", "gate", 30)))
    waiting.start()
    eventually(lambda: int(client.info("clients")["blocked_clients"]) == 1)
    assert _id(line) != first
    client.execute_command("RPUSH", "gate", "x")
    waiting.join()
    assert found == [[b"gate", b"x"]]
    assert _id(line) == first


def test_a_server_that_forgot_the_scripts_gets_them_again(any_queue: Queue) -> None:
    any_queue.enqueue(task("a"))
    any_queue.client.execute_command("SCRIPT", "FLUSH")
    any_queue.enqueue(task("b"))
    assert any_queue.ids() == ["a", "b"]
