"""What the whole suite shares: real servers, one of each kind a session."""

import gc
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from itertools import groupby, islice
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings
from msgspec import to_builtins

from cqltui.app import devices
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.epoch import open_epoch
from cqltui.broker.server.handle import ServerHandle
from cqltui.broker.server.server import EmbeddedServer
from tests.once import once

for _name in [name for name in os.environ if name.startswith("TEXTUAL") or name == "NO_COLOR"]:
    del os.environ[_name]  # read when Textual is imported; the screens' pictures must not depend on them

# How long an example takes says nothing here but how busy the machine is. Each run of the suite draws others.
settings.register_profile("busy machine", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

# PyTorch and all else that the tests load stays until the end: it is not searched for garbage again and again, which
# took a fifth of the time of the tests that run in these processes.
gc.disable()

probe = devices.probe

ROOT = Path(__file__).parents[1]
IN_MEMORY, ROOM_BYTES = "/dev/shm", 4 * 2**30
WAITING = {"chaos", "integration"}
"""Folders of tests that start whole runs and wait for them."""
LONG = {
    "test_bursts",
    "test_child",
    "test_compiled_bits",
    "test_d3rlpy",
    "test_engines",
    "test_gpu",
    "test_latex",
    "test_page_in_browser",
}
"""Modules with tests that take long by themselves, which nobody can help with at the end."""


def pytest_configure() -> None:
    """Have what tests write in memory, where there is room: nearly every file is synced, for which a disk takes
    milliseconds each time. A folder that is named in the environment, or by --basetemp, counts first."""
    with suppress(OSError):
        found = os.statvfs(IN_MEMORY)
        if not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize > ROOM_BYTES:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", IN_MEMORY)


@pytest.fixture(scope="session")
def short_dir() -> Iterator[Path]:
    """A folder of the session with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="cqltui-test-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def talkative() -> Iterator[None]:
    """Servers that are started meanwhile have all commands, under their own names: tests change their settings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cqltui.broker.server.launch.HIDDEN", ())
        patch.setattr("cqltui.broker.server.launch.DISABLED", ())
        yield


@pytest.fixture(scope="session")
def server(short_dir: Path) -> Iterator[ServerHandle]:
    """The embedded server, one for the session."""
    with talkative():
        handle = EmbeddedServer(short_dir / "run").start()
    yield handle
    handle.leave()


@pytest.fixture
def client(server: ServerHandle) -> Iterator[redis.Redis]:
    """A client of the embedded server, emptied, with its epoch opened."""
    yield from _emptied(server)


@pytest.fixture
def queue(client: redis.Redis) -> Queue:
    """An empty queue on the embedded server."""
    return Queue(client)


@pytest.fixture(scope="session")
def any_server(request: pytest.FixtureRequest, short_dir: Path) -> Iterator[ServerHandle]:
    """The embedded server, and in a second pass a `redis-server` from PATH; skipped where there is none."""
    if request.param == "embedded":
        yield request.getfixturevalue("server")
        return
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server on PATH: the queue is tested on the embedded server only")
    with talkative():
        handle = EmbeddedServer(short_dir / "path", binary).start()
    yield handle
    handle.leave()


@pytest.fixture
def any_client(any_server: ServerHandle) -> Iterator[redis.Redis]:
    """A client of each kind of server, emptied, with its epoch opened."""
    yield from _emptied(any_server)


@pytest.fixture
def any_queue(any_client: redis.Redis) -> Queue:
    """An empty queue on each kind of server."""
    return Queue(any_client)


def probe_once(factory: pytest.TempPathFactory) -> tuple[str, tuple[devices.Device, ...]]:
    """The answer of one process that loads PyTorch, for all of xdist's workers who need to know the devices as they are
    and not how they are asked for."""

    def ask(folder: Path) -> None:
        version, found = probe()
        folder.mkdir()
        said = {"version": version, "devices": [to_builtins(device) for device in found]}
        (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")

    said = json.loads((once(factory, "devices", ask) / "said.json").read_text(encoding="utf-8"))
    return said["version"], tuple(devices.Device(**device) for device in said["devices"])


@pytest.fixture
def probed_once(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The devices of this machine are asked for once a session."""
    monkeypatch.setattr(devices, "probe", partial(probe_once, tmp_path_factory))


def pytest_collection(session: pytest.Session) -> None:
    """Of the whole suite, each of xdist's workers loads other modules first, and finds the rest compiled by the others:
    in a fresh clone each compiled them all."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None or session.config.args != session.config.getini("testpaths"):
        return
    modules = sorted(path.relative_to(ROOT) for path in Path(__file__).parent.glob("*/test_*.py"))
    first = len(modules) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for module in modules[first:] + modules[:first]:
        with suppress(Exception, pytest.skip.Exception):  # is found again, and told, when its tests are collected
            import_module(".".join(module.with_suffix("").parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The tests that wait for processes or take long come first, their modules dealt out to all of xdist's workers.

    Each begins with its part of the list as it stands. Those tests were one worker's part, which all had to help with
    at the end, when there was nothing else to do while they waited.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    modules = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    early = [tests for tests in modules if tests[0].path.parent.name in WAITING or tests[0].path.stem in LONG]
    others = iter([test for tests in modules if tests not in early for test in tests])
    items_each = -(-len(items) // workers)
    parts = [[test for tests in early[worker::workers] for test in tests] for worker in range(workers)]
    items[:] = [test for part in parts for test in (*part, *islice(others, max(0, items_each - len(part))))]


def pytest_collection_finish() -> None:
    """All is loaded."""
    gc.freeze()
    gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs whatever asks for `any_server` on each kind of server."""
    if "any_server" in metafunc.fixturenames:
        metafunc.parametrize("any_server", ["embedded", "redis-server"], indirect=True, scope="session")


def _emptied(server: ServerHandle) -> Iterator[redis.Redis]:
    client = server.connect()
    client.flushall()
    epoch_file = server.run_dir / "server" / "epoch"
    epoch_file.unlink(missing_ok=True)
    open_epoch(client, epoch_file)
    yield client
    client.close()
