"""Users with the rights that `cqltui redis-acl` prints: the whole protocol works, and nothing else does."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from cqltui.broker.feed.feed import Feed
from cqltui.broker.feed.stream import events_after
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import Cost, Registration
from cqltui.broker.protocol.scripts import source
from cqltui.broker.server import checkup
from cqltui.broker.server.acl import OWNER, WORKER, Role
from cqltui.broker.server.checkup import Level
from cqltui.broker.server.connect import connect_url
from cqltui.broker.server.epoch import forget, open_epoch
from cqltui.broker.server.handle import ServerHandle
from cqltui.cli import main
from cqltui.errors import ExitCode, ServerError
from cqltui.state.events import Kind
from cqltui.state.model import Status, Wanted
from tests.contract.helpers import claim_one, claimed, life, task
from tests.contract.servers import once, user_server

PASSWORD = "a-password-of-the-test"
SPACE = "night"
KEYS = Keys(SPACE)
Login = Callable[[Role], redis.Redis]


def url_of(server: ServerHandle, role: Role) -> str:
    """Of the role's user."""
    return f"unix://{role.user}:{PASSWORD}@{server.socket}"


@pytest.fixture
def login(any_server: ServerHandle, any_client: redis.Redis) -> Iterator[Login]:
    """Makes a client for the user of a role, whose rights are what `cqltui redis-acl --namespace night` prints."""
    clients: list[redis.Redis] = []
    for role in (OWNER, WORKER):
        any_client.execute_command(*role.rules(KEYS, PASSWORD).split())

    def log_in(role: Role) -> redis.Redis:
        clients.append(connect_url(url_of(any_server, role)))
        return clients[-1]

    yield log_in
    for client in clients:
        client.close()
    for role in (OWNER, WORKER):
        any_client.execute_command("ACL", "DELUSER", role.user)


@pytest.fixture
def owner(login: Login, any_server: ServerHandle) -> Queue:
    """The queue of whoever runs campaigns, empty, its epoch opened."""
    client = login(OWNER)
    path = any_server.run_dir / "server" / "epoch-of-night"
    path.unlink(missing_ok=True)
    open_epoch(client, path, SPACE)
    return Queue(client, SPACE)


@pytest.fixture
def worker(login: Login, owner: Queue) -> Queue:
    """A worker's queue."""
    return Queue(login(WORKER), SPACE)


def used(admin: redis.Redis) -> set[str]:
    """The commands that were called since the counters were reset, by clients or by their scripts."""
    return {str(name).removeprefix("cmdstat_").replace("eval_sha", "evalsha") for name in admin.info("commandstats")}


def test_a_worker_needs_its_line_and_the_whole_of_it(owner: Queue, worker: Queue, any_client: redis.Redis) -> None:
    # What another has left, and what is queued, is what a pack goes by: two of the 1,200 FLOPs are less than a half.
    owner.enqueue_many([replace(task("held", 9), cost=Cost(100, 10))])
    assert owner.claim(owner.register_worker("w2", {}))
    owner.set_workers(2)
    pack = [replace(task(name, pack="p"), cost=Cost(10, 10)) for name in "cd"]
    owner.enqueue_many([task("a"), task("b"), *pack, *map(task, "efg")])
    any_client.execute_command("ZADD", KEYS.queue, 5, "no-such-task", 6, "g")
    any_client.execute_command("CONFIG", "RESETSTAT")

    who = worker.register_worker("w1", {"pid": 1})
    assert worker.snapshot().kind is Kind.SNAPSHOT
    g, a, b = (claim_one(worker, who) for _ in range(3))
    assert [claim.id for claim in (g, a, b)] == ["g", "a", "b"]
    leases = {claim.id: claim.token for claim in (g, a, b)}
    assert worker.heartbeat(who, leases, {}).registered
    assert worker.progress(who, [{"task": "a", "token": a.token, "epoch": 1}], {}).registered
    assert worker.checkpoint("a", a.token, 1)
    assert worker.put_files("a", a.token, {"metrics.csv": b"epoch\n1\n"})
    assert worker.stow("a/run-1/x", b"parcel", ["a/run-1/before"]) == 1
    assert worker.stowed("a/run-1/x", 100) == b"parcel"
    worker.ask_errand("w1", {"what": "folder"})
    assert worker.errand_answer("w1") == {}
    assert worker.complete("a", a.token, {"loss": 0.5})
    assert worker.fail("b", b.token, "boom", 0.1)
    assert worker.release("g", g.token)
    assert [len(worker.claim(who, limit=2)) for _ in range(2)] == [1, 2], "the one given back, and a pack"
    worker.notice("warning", "a checkpoint was passed over")
    assert worker.wanted() is Wanted.RUNNING
    assert worker.version()[0] == 1
    assert not worker.is_finished()
    assert worker.unregister_worker(who)

    # Connecting needs the first, and very many tasks the others (tests/contract/test_many.py, test_untouched.py).
    assert WORKER.commands() - used(any_client) == {"ping", "hrandfield", "hscan"}
    assert [life(owner, name).status for name in "abc"] == [Status.DONE, Status.DELAYED, Status.RUNNING]


def test_no_other_database_is_reached(tmp_path: Path) -> None:
    """Rights are by key, and the same names may be another program's in another database."""
    selects = "return redis.call('SELECT', ARGV[1])"
    with user_server(tmp_path / "server") as port, once(f"redis://127.0.0.1:{port}/0") as admin:
        for role, database in ((OWNER, 0), (WORKER, 0), (OWNER, 3), (WORKER, 3)):
            admin.execute_command(*role.rules(KEYS, PASSWORD, database).split())
            url = f"redis://{role.user}:{PASSWORD}@127.0.0.1:{port}"
            with pytest.raises(ServerError, match=r"NOPERM.*redis-acl.*--db N"):
                connect_url(f"{url}/5")
            connect_url(f"{url}/0").close()
            with connect_url(f"{url}/{database}") as client:
                for command in (("SELECT", "5"), ("SWAPDB", "0", "5"), ("MOVE", f"{SPACE}:cq:meta", "5")):
                    with pytest.raises(redis.ResponseError, match="permissions"):
                        client.execute_command(*command)
                digest = client.execute_command("SCRIPT", "LOAD", selects)
                with pytest.raises(redis.ResponseError, match=r"can't run this command|NOPERM|ACL failure"):
                    client.execute_command("EVALSHA", digest, 0, "5")


def test_the_owner_has_the_whole_protocol(owner: Queue, any_client: redis.Redis, any_server: ServerHandle) -> None:
    feed = Feed(lambda: connect_url(url_of(any_server, OWNER)), SPACE)
    assert [event.kind for event in feed.poll(5)] == [Kind.CONNECTION, Kind.SNAPSHOT]
    owner.set_campaign({"name": "night"})
    owner.set_workers(2)
    owner.set_filled()
    owner.enqueue_many([task(name) for name in "abc"])
    who = owner.register_worker("w1", {"pid": 1})
    a, b = claim_one(owner, who), claim_one(owner, who)
    _typed(owner, "c")
    assert [lease.id for lease in owner.leases()] == ["a", "b"]
    assert owner.died("b", b.token, "killed", 3, retry_s=60.0)
    assert owner.promote() == 0
    assert owner.promote("b") == 1
    assert owner.put_files("a", a.token, {"metrics.csv": b"1"})
    assert owner.complete("a", a.token, {"loss": 0.5})
    assert owner.files("a", a.token, ["metrics.csv"]) == {"metrics.csv": b"1"}
    owner.drop_files("a", a.token)
    owner.stow("a/run-1/x", b"parcel")
    assert (owner.stowed_names(), owner.checkpoint_keys(["a"])) == ({"a/run-1/x"}, {"a": ""})
    owner.ask_errand("w1", {"what": "folder"})
    assert owner.errands() == {"w1": {"what": "folder"}}
    owner.answer_errand("w1", {"seen": True})
    owner.unstow(["a/run-1/x"])
    result = owner.result("a", 1)
    assert [found.id for found in owner.results()] == ["a"]
    _commands(owner, who)
    assert owner.withdraw(["c"]) == 1
    assert owner.restore(replace(task("z")), replace(life(owner, "a"), attempt=2), result)
    owner.notice("info", "hello")
    owner.finish(1.0)
    assert owner.ids()[-1] == "z"
    assert owner.unregister_worker("w1")
    assert len(list(events_after(owner, (1, 0)))) == owner.version()[1]
    assert any(event.kind is Kind.NOTICE for event in feed.poll(5))
    feed.close()
    any_client.execute_command("SET", KEYS.queue, "typed by hand")
    owner.reconcile()
    assert len(any_client.execute_command("KEYS", f"{KEYS.queue}.*")) == 1, "it is kept"
    findings = list(checkup.user_server(url_of(any_server, OWNER), KEYS))
    assert [finding.what for finding in findings if finding.level is not Level.OK] == ["settings"]
    forget(owner.client, KEYS)
    assert owner.ids() == []


def _typed(owner: Queue, task_id: str) -> None:
    """What docs/servers.md tells to type into redis-cli."""
    assert owner.client.execute_command("ZCARD", KEYS.queue) == 1
    assert owner.client.execute_command("SMEMBERS", KEYS.active_workers) == {b"w1"}
    owner.client.execute_command("ZADD", KEYS.queue, 9, task_id, 9, "no-such-task")
    assert owner.reconcile() == 2


def _commands(owner: Queue, who: Registration) -> None:
    """Those of the user, on a task that waits."""
    assert owner.pause("c")
    assert owner.resume("c")
    assert owner.set_priority("c", 4)
    assert owner.cancel("c")
    assert owner.resubmit("c")
    assert owner.want(Wanted.PAUSED)
    assert claimed(owner, who) == []
    assert owner.want(Wanted.RUNNING)


@pytest.mark.parametrize("role", [OWNER, WORKER], ids=lambda role: role.user)
@pytest.mark.parametrize(
    "words",
    [
        "CONFIG GET requirepass",
        "CONFIG SET dir /tmp",
        "FLUSHALL",
        "FLUSHDB",
        "KEYS *",
        "SHUTDOWN ABORT",
        "ACL LIST",
        "ACL SETUSER cqltui-worker allkeys",
        "MONITOR",
        "CLIENT LIST",
        "SCRIPT FLUSH",
        "EVAL return 0",
        "MODULE LIST",
        "REPLICAOF localhost 1",
        "SAVE",
        "GET night:cq:meta",
        "HGET secret field",
        "HGET cq:meta epoch",
        "HSET other:cq:meta epoch 9",
        "ZADD training_queue 9 a",
        "DEL active_workers",
        "PUBLISH cq:events x",
        "PUBLISH news x",
        "SUBSCRIBE news",
        "PSUBSCRIBE *",
    ],
)
def test_neither_may_do_anything_else(login: Login, role: Role, words: str) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        login(role).execute_command(*words.split())


@pytest.mark.parametrize(
    "code",
    [
        "redis.call('flushall')",
        "redis.call('hset', 'secret', 'a', 'b')",
        "redis.call('hget', 'cq:meta', 'epoch')",
        "redis.call('publish', 'news', 'x')",
    ],
)
def test_a_script_of_their_own_takes_them_no_further(login: Login, code: str) -> None:
    with pytest.raises(redis.ResponseError, match=r"can't (run|access|publish)|ACL failure"):
        login(WORKER).register_script(code)()


FUNCTION = """#!lua name=cqltuitest
redis.register_function('finish_own_task', function(keys, args)
  return redis.call('hset', 'night:cq:task:own', 'status', 'done')
end)
"""


def test_functions_in_place_of_scripts_would_narrow_nothing(any_client: redis.Redis, any_server: ServerHandle) -> None:
    """As SECURITY.md says, a function runs with the rights of its caller: who may only FCALL can do nothing by it, and
    who can may do the same without it, to the tasks of others too."""
    any_client.execute_command("FUNCTION", "LOAD", "REPLACE", FUNCTION)
    any_client.execute_command(*f"ACL SETUSER narrow reset on >{PASSWORD} ~{SPACE}:cq:* +ping +fcall".split())
    with any_server.connect() as client:
        client.execute_command("AUTH", "narrow", PASSWORD)
        call = ("FCALL", "finish_own_task", 0)
        with pytest.raises(redis.ResponseError, match=r"can't run this command|ACL failure"):
            client.execute_command(*call)
        any_client.execute_command("ACL", "SETUSER", "narrow", "+hset")
        assert client.execute_command(*call) == 1
        assert client.execute_command("HSET", f"{SPACE}:cq:task:anothers", "status", "done") == 1
    any_client.execute_command("FUNCTION", "DELETE", "cqltuitest")
    any_client.execute_command("ACL", "DELUSER", "narrow")


def test_a_worker_controls_every_task_of_its_campaign(owner: Queue, worker: Queue) -> None:
    """As SECURITY.md says: what scripts need it may send by itself, whoever holds the task."""
    owner.enqueue_many([task("a"), task("b")])
    claim = claim_one(owner, owner.register_worker("w1", {}))
    assert worker.complete(claim.id, claim.token, {"loss": 0.0}), "by a token that anybody reads"
    worker.client.execute_command("HSET", KEYS.task("b"), "status", "cancelled")
    assert life(owner, "b").status is Status.CANCELLED
    assert worker.client.execute_command("DEL", KEYS.tasks) == 1


def test_a_user_without_the_rights_is_told_so(
    any_client: redis.Redis, any_server: ServerHandle, login: Login, capsys: pytest.CaptureFixture[str]
) -> None:
    url = url_of(any_server, WORKER)
    Queue(any_client, SPACE).set_campaign({"name": "night"})
    arguments = ["status", "--redis-url", url, "--namespace", SPACE]
    for taken, said in (
        ("-ping", "'ping'"),
        ("+ping -evalsha", "may not do what is needed"),
        ("+evalsha -hmget", "may not do what is needed"),
        ("+hmget -smembers", "smembers"),
    ):
        any_client.execute_command("ACL", "SETUSER", WORKER.user, *taken.split())
        assert main(arguments) == ExitCode.INTERNAL
        told = capsys.readouterr().err
        assert said in told
        assert "redis-acl" in told
        assert "Traceback" not in told
        assert PASSWORD not in told
    with pytest.raises(ServerError, match="redis-acl"):
        Queue(login(WORKER)).snapshot()  # the keys of another namespace


def test_the_doctor_names_rights_that_are_missing(
    any_client: redis.Redis, login: Login, any_server: ServerHandle
) -> None:
    any_client.execute_command("ACL", "SETUSER", OWNER.user, "-type")
    (finding,) = (f for f in checkup.user_server(url_of(any_server, OWNER), KEYS) if f.level is Level.ERROR)
    assert "type" in finding.found
    assert "redis-acl" in finding.fix


def test_the_commands_of_a_script_can_be_read_from_it() -> None:
    for name in OWNER.scripts:
        assert re.findall(r"call\((?!'[a-z]+')", source(name)) == [], "a command that is not written out"


def test_the_lines_are_printed_for_a_namespace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["redis-acl", "--namespace", SPACE]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [OWNER.rules(KEYS), WORKER.rules(KEYS)]
    assert main(["redis-acl", "--namespace", SPACE, "--db", "3"]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [f"{role.rules(KEYS)} +select|3" for role in (OWNER, WORKER)]
