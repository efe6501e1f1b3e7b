"""Quotas on a server with users: who counts, who may set one, and that nobody takes another's places."""

import json
from collections.abc import Iterator

import pytest
import redis

from cqltui import cli
from cqltui.broker.protocol.keys import LIMITS, PLACES, Keys
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.quotas import Quota, Quotas
from cqltui.broker.protocol.records import QuotaError
from cqltui.broker.server.acl import OWNER, WORKER
from cqltui.broker.server.connect import connect_url
from tests.contract.helpers import campaign_of
from tests.contract.servers import user_server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, redis.Redis]]:
    """A server with two people and their workers; the port, and its admin's client."""
    with user_server(tmp_path_factory.mktemp("guarded")) as port, connect_url(f"redis://127.0.0.1:{port}/0") as admin:
        yield port, admin


@pytest.fixture
def login(guarded: tuple[int, redis.Redis], capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, str]]:
    """URLs by user, with the rights that the command prints."""
    port, admin = guarded
    admin.flushall()
    urls = {}
    for name in ("anna", "bob"):
        assert cli.main(["redis-acl", "--user", name, "--namespace", f"{name}-*"]) == 0
        for line in capsys.readouterr().out.splitlines():
            admin.execute_command(*line.replace("PASSWORD", "secret").split())
            user = line.split()[2]
            urls[user] = f"redis://{user}:secret@127.0.0.1:{port}/0"
    assert sorted(urls) == ["anna", "anna-worker", "bob", "bob-worker"]
    yield urls
    for user in urls:
        admin.execute_command("ACL", "DELUSER", user)


def test_the_servers_user_counts_and_not_what_a_campaign_says_of_its_owner(
    guarded: tuple[int, redis.Redis], login: dict[str, str]
) -> None:
    _, admin = guarded
    Quotas(admin).set("anna", 2, "root@head")
    with connect_url(login["anna"]) as anna, connect_url(login["anna-worker"]) as worker:
        mine, theirs = campaign_of(anna, "anna-1", "bob@lab1"), Queue(worker, "anna-2")
        mine.register_worker("w1", {})
        theirs.register_worker("w1", {})
        for queue in (mine, theirs):
            with pytest.raises(QuotaError, match="user anna may have 2"):
                queue.register_worker("w2", {})
        assert theirs.unregister_worker("w1")
        assert mine.quota() == Quota("anna", 2, "root@head", 1, frozenset({"anna-1:|w1"}))
    with connect_url(login["bob"]) as bob:
        campaign_of(bob, "bob-1").register_worker("w1", {})


def test_only_an_admin_sets_a_quota_and_nobody_takes_anothers_places(
    guarded: tuple[int, redis.Redis], login: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, admin = guarded
    Quotas(admin).set("anna", 1, "root@head")
    assert cli.main(["quota", "anna", "9", "--redis-url", login["anna"]]) == 3
    assert f"quotas are set by an admin of the server: this user may not write {LIMITS}" in capsys.readouterr().err
    for user in login:
        with connect_url(login[user]) as client:
            for words in (
                ("HSET", LIMITS, "anna", "9 1 x"),
                ("HDEL", LIMITS, "anna"),
                ("DEL", LIMITS),
                ("HSET", f"{PLACES}{'bob' if user.startswith('anna') else 'anna'}", "x|y", "z"),
                ("DEL", f"{PLACES}{'bob' if user.startswith('anna') else 'anna'}"),
            ):
                with pytest.raises(redis.ResponseError, match=r"(?i)permissions"):
                    client.execute_command(*words)
            assert client.hget(LIMITS, "anna") is not None
    with connect_url(login["bob"]) as bob:
        campaign_of(bob, "bob-1").register_worker("w1", {}, user="anna")  # who says so takes nobody's place
        assert {one.user: one.used for one in Quotas(admin).all()} == {"anna": 0}
    assert cli.main(["quota", "--namespace", "anna-1", "--json", "--redis-url", login["anna"]]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told == {"user": "anna", "limit": 1, "by": "root@head", "used": 0, "places": []}


def test_users_of_an_earlier_version_work_uncounted(guarded: tuple[int, redis.Redis]) -> None:
    port, admin = guarded
    admin.flushall()
    Quotas(admin).set("cqltui", 0, "root@head")
    for role in (OWNER, WORKER):
        admin.execute_command(*role.rules(Keys("night"), "secret").split())
        with connect_url(f"redis://{role.user}:secret@127.0.0.1:{port}/0") as client:
            Queue(client, "night").register_worker("w1", {})
        admin.execute_command("ACL", "DELUSER", role.user)
