"""A supervisor tells the server that it is there."""

import pytest
from msgspec.structs import replace
from redis.exceptions import RedisError

from cqltui.broker.protocol.census import PRESENT_S, standing
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import UnableError
from cqltui.state.model import RunState
from cqltui.supervisor.presence import Presence


def test_it_says_so_now_and_then_while_the_server_answers(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("cqltui.supervisor.presence.time.monotonic", lambda: now[0])
    expected: list[float | None] = [None]
    telling = Presence(queue, 3, lambda: expected[0])
    away = replace(RunState(), online=False)
    telling.tick(away, 0.0)
    meta = queue.keys.meta
    assert queue.client.hget(meta, "supervised_ts") is None, "a server that is away is not waited for"
    telling.tick(replace(away, online=True), 0.0)
    assert abs(float(queue.client.hget(meta, "supervised_ts") or 0) - queue.now()) < 60, "by the server's clock"
    assert (standing(queue.client, "").weight, standing(queue.client, "").expected_ts) == (3, 0.0)
    expected[0] = 2e9
    now[0] += PRESENT_S - 0.1
    telling.tick(replace(away, online=True), 0.0)
    assert standing(queue.client, "").expected_ts == 0.0
    now[0] += 0.2
    telling.tick(replace(away, online=True), 0.0)
    assert standing(queue.client, "").expected_ts == 2e9


def test_a_server_that_cannot_write_is_told_the_next_time(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    now, full = [100.0], [UnableError("no space left on device"), RedisError("away")]
    monkeypatch.setattr("cqltui.supervisor.presence.time.monotonic", lambda: now[0])
    present = queue.present

    def once_there_is_room(expected_ts: float | None, weight: int) -> None:
        if full:
            raise full.pop()
        present(expected_ts, weight)

    monkeypatch.setattr(queue, "present", once_there_is_room)
    telling, online = Presence(queue, 3, lambda: None), replace(RunState(), online=True)
    for _ in range(2):
        telling.tick(online, 0.0)
        assert queue.client.hget(queue.keys.meta, "supervised_ts") is None
        now[0] += PRESENT_S
    telling.tick(online, 0.0)
    assert standing(queue.client, "").weight == 3
