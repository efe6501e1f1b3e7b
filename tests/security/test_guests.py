"""Workers elsewhere have a user of the embedded server's for each block: what it can do, and for how long."""

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cqltui.app.tunnels import kept
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.records import RefusedError, Registration
from cqltui.broker.server.connect import client_of, connect_url
from cqltui.broker.server.guests import PREFIX, Guests
from cqltui.broker.server.handle import ServerHandle
from cqltui.broker.server.keeper import HIDDEN
from cqltui.broker.server.server import EmbeddedServer
from cqltui.broker.server.url import shown_url, tunnel_folder, tunnel_url
from cqltui.campaign.load import load_campaign
from cqltui.errors import ServerError
from cqltui.results.rundir import RunDir

NAMESPACE = "mine"
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "CONFIG": ("GET", "*"),
    "ACL": ("LIST",),
    "CLIENT": ("LIST",),
    "FUNCTION": ("LIST",),
    "SCRIPT": ("LOAD", "return 1"),
    "SHUTDOWN": ("NOSAVE",),
    **dict.fromkeys(("SAVE", "BGSAVE", "BGREWRITEAOF"), ()),
}
"""So many that each is told what it may not, and not that it has said it wrongly; of others, those of EVAL."""
REFUSED = "(?i)noperm|no permissions"


@pytest.fixture
def handle(tmp_path: Path) -> Iterator[ServerHandle]:
    """A share in a server."""
    made = EmbeddedServer(tmp_path / "run").start()
    yield made
    made.leave()


def as_guest(guests: Guests, block: str = "lab") -> redis.Redis:
    """A client with what a worker of the block is told."""
    entry = guests.admit(block)
    return client_of(entry.at(entry.socket))


def test_it_works_and_can_do_nothing_else(handle: ServerHandle) -> None:
    with handle.connect() as owner:
        owner.set("other:cq:meta", "theirs")
        owner.set("mine:cq:x", "ours")
        owner.set("unrelated", "theirs")
    guests = Guests(handle.run_dir, NAMESPACE)
    with as_guest(guests) as client:
        queue = Queue(client, NAMESPACE)
        queue.register_worker("lab-1", {"id": "lab-1"}, "instance")
        assert queue.claim(Registration("lab-1", "instance"), "n", 1, None, None) == []
        names = json.loads((handle.run_dir / "server" / "connection.json").read_text("utf-8"))["names"]
        hidden = [word for name in HIDDEN for word in (name, names.get(name, name)) if name != "EVALSHA"]
        for word in hidden:
            with pytest.raises(redis.ResponseError, match=f"{REFUSED}|unknown command"):
                client.execute_command(word, *ARGUMENTS.get(word.partition("-")[0], ("return 1", 0)))
        for words in (("KEYS", "*"), ("FLUSHALL",), ("GET", "unrelated"), ("HGET", "other:cq:meta", "x")):
            with pytest.raises(redis.ResponseError, match=REFUSED):
                client.execute_command(*words)
        with pytest.raises(redis.exceptions.NoScriptError):  # Lua of its own making
            client.execute_command("EVALSHA", "0" * 40, 0)
        with pytest.raises(RefusedError, match="NOPERM"):  # of another campaign's
            Queue(client, "other").register_worker("x", {"id": "x"}, "i")
    with handle.connect() as owner:
        assert owner.get("unrelated") == b"theirs"
        assert owner.get("other:cq:meta") == b"theirs"


def test_it_is_sent_away(handle: ServerHandle) -> None:
    guests = Guests(handle.run_dir)
    with as_guest(guests) as client, as_guest(guests, "two") as other:
        client.ping()
        other.ping()
        with handle.connect() as owner:
            assert set(owner.acl_users()) == {"default", f"{PREFIX}lab", f"{PREFIX}two"}
        # As the next supervisor does, which knows nothing of them.
        assert sorted(Guests(handle.run_dir).dismiss()) == [f"{PREFIX}lab", f"{PREFIX}two"]
        for each in (client, other):
            with pytest.raises(redis.ConnectionError):
                each.ping()
            with pytest.raises(redis.ConnectionError, match="does not let this block in"):
                each.ping()
    with handle.connect() as owner:
        assert owner.acl_users() == ["default"]


CAMPAIGN = """\
[campaign]
name = "b"
[trainer]
alpha = 0.3
lr = 1e-4
seed = 1
epochs = 5
hidden_dims = [8]
[[workers]]
kind = "ssh"
name = "lab"
count = 2
dials_in = true
[[phase]]
name = "p"
[[phase.task]]
"""


def test_they_are_let_in_as_long_as_the_run_is_supervised(tmp_path: Path) -> None:
    file, run_dir = tmp_path / "b.toml", RunDir(tmp_path / "run")
    file.write_text(CAMPAIGN, encoding="utf-8")
    handle = EmbeddedServer(run_dir.path).start()
    Guests(run_dir.path).admit("former")  # by a supervisor that was killed
    with kept(load_campaign(file), run_dir, None):
        told = awaited(run_dir.guest("lab"))
        assert stat.S_IMODE(run_dir.guest("lab").stat().st_mode) == 0o600
        with client_of(told) as client, handle.connect() as owner:
            client.ping()
            assert set(owner.acl_users()) == {"default", f"{PREFIX}lab"}
        handle.leave()
        handle = EmbeddedServer(run_dir.path).start()
        with client_of(awaited(run_dir.guest("lab"), other_than=told)) as client:
            client.ping()
    assert not run_dir.guest("lab").exists()
    with handle.connect() as owner:
        assert owner.acl_users() == ["default"]
    handle.leave()


def awaited(path: Path, other_than: object = None) -> dict[str, object]:
    """What the file says, once it says something else."""
    deadline = time.monotonic() + 60
    while not path.exists() or (found := json.loads(path.read_text("utf-8"))) == other_than:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return dict(found)


def test_a_later_server_is_another_matter_and_the_file_leads_there(tmp_path: Path) -> None:
    handle = EmbeddedServer(tmp_path / "run").start()
    guests = Guests(handle.run_dir)
    entry = guests.admit("lab")
    assert not guests.is_stale(entry)
    folder = tmp_path / "there"
    folder.mkdir(0o700)
    url = tunnel_url(folder)
    assert tunnel_folder(url) == folder
    assert shown_url(url) == url
    with pytest.raises(ServerError, match="no tunnel to the run's server ends here now"):
        connect_url(url)
    (folder / "connection.json").write_text(json.dumps(entry.at(entry.socket)), encoding="utf-8")
    with connect_url(url) as client:
        handle.leave()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        later = EmbeddedServer(handle.run_dir).start()
        try:
            assert guests.is_stale(entry)
            with pytest.raises(redis.ConnectionError, match="does not let this block in"):
                client.ping()
            entry = guests.admit("lab")
            (folder / "connection.json").write_text(json.dumps(entry.at(entry.socket)), encoding="utf-8")
            Queue(client).register_worker("lab-1", {"id": "lab-1"}, "instance")
        finally:
            later.leave()
