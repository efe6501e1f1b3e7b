"""Run directories with anything in their files: looking at one or starting it ends with an error for the user at most,
at once, and touches nothing outside."""

import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import to_builtins

from cqltui import cli
from cqltui.broker.server.server import EmbeddedServer
from cqltui.campaign.load import load_campaign
from cqltui.errors import CqltuiError, InputError, ServerError
from cqltui.machine import here
from cqltui.results.record import TaskStanding, read_records
from cqltui.results.rundir import RunDir, write_json
from cqltui.state.model import Lifecycle, Status, TaskInfo
from cqltui.supervisor.records import Records
from tests.security.prepared import aof, plant

SMALL = Path(__file__).parents[1] / "integration" / "small.toml"
INFO = TaskInfo("1a2b3c4d", "quality", "a task", epochs=50, batch_size=128, epoch_steps=13)
LIFE = Lifecycle(status=Status.DONE, run=1, token="1-2", attempt=2, finished_ts=5.0)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = (
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.chown",
    "os.truncate",
)
STARTS = ("subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.kill", "os.killpg")
LIMIT_S = 1.0

PROCESS = {"machine": "0" * 32, "boot": "b", "pid_namespace": 1, "uid": 0, "pid": 1, "started": 1.0}
CAMPAIGN = {
    "name": "one",
    "title": "One",
    "phases": [{"name": "quality", "title": "Quality", "tasks": [{"id": INFO.id, "trainer": {"precision": "fp32"}}]}],
    "workers": {"count": 1, "stall_s": 5.0},
    "redis": {"url": None, "namespace": ""},
}
EVENT = {"v": 1, "kind": "lifecycle", "ts": 1.0, "epoch": 1, "seq": 1, "task": INFO.id, "data": {"status": "queued"}}
RESULT = {"task_id": INFO.id, "digest": "d", "token": "1-2", "run": 1, "metrics": {"epoch": 50, "loss": 0.1}}
GOOD: dict[str, Any] = {
    "campaign.json": {"created_ts": 1.0, "finished_ts": 9.0, "last_finished_ts": 2.0, "data": {}, "campaign": CAMPAIGN},
    "server/connection.json": {
        "socket": "/nowhere/cqltui/0123456789abcdef.sock",
        "port": 1,
        "password": "p" * 43,
        "pid": 1,
        "start_time": 1.0,
        "process": PROCESS,
    },
    "supervisor.json": {"pid": 1, "host": "here", "process": PROCESS, "ready": True, "hindered": ""},
    "journal.jsonl": EVENT,
    f"tasks/{INFO.id}/task.json": {"info": to_builtins(INFO), "life": to_builtins(LIFE)},
    f"tasks/{INFO.id}/result.json": RESULT,
    "results/summary.json": {
        "phases": [{"name": "quality", "criteria": [{"text": "t", "passed": True, "detail": "d"}]}]
    },
    "server/epoch": 3,
    "server/server.pid": 7,
}

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [10**30, -1, 2**63, 1e308, float("nan"), float("inf"), "../../x", "/etc/passwd", "\x1b]52;c;eA==\a"]
    ),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)


@st.composite
def spoilt(draw: st.DrawFn, good: Any) -> Any:
    """The value with something else in one place of it."""
    if isinstance(good, dict | list) and good and draw(st.integers(0, 5)):
        keys = list(good) if isinstance(good, dict) else list(range(len(good)))
        key = draw(st.sampled_from(keys))
        copy: Any = good.copy()
        if draw(st.integers(0, 9)) == 0:
            del copy[key]
        else:
            copy[key] = draw(spoilt(good[key]))
        return copy
    return draw(odd)


@st.composite
def contents(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file of a run directory, and what somebody has put into it."""
    name = draw(st.sampled_from(list(GOOD)))
    how = draw(st.integers(0, 9))
    if how == 0:
        return name, draw(st.binary(max_size=200))
    if how == 1:
        return name, b"[" * 100_000
    text = json.dumps(draw(spoilt(GOOD[name]))).encode()
    return name, text[: draw(st.integers(0, len(text)))] if how == 2 else text + b"\n"


class Watch:
    """What this process does that changes something, while it is watched."""

    def __init__(self) -> None:
        self.allowed: Path | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.allowed is None:
            return
        if event in STARTS:
            self.seen.append(f"{event} {arguments}")
        elif event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES):
            path = arguments[0]
            if isinstance(path, str | bytes) and not self._is_inside(os.fsdecode(path)):
                self.seen.append(f"{event} {path!r}")

    def _is_inside(self, path: str) -> bool:
        return path == os.devnull or os.path.abspath(path).startswith(str(self.allowed))  # noqa: PTH100

    @contextlib.contextmanager
    def on(self, folder: Path) -> Iterator[None]:
        """Nothing is started, nor changed outside the folder, and it takes no time."""
        self.seen.clear()
        began = time.thread_time()
        self.allowed = folder
        try:
            yield
        finally:
            self.allowed = None
        assert not self.seen
        assert time.thread_time() - began < LIMIT_S


@pytest.fixture(scope="module")
def watch() -> Watch:
    """An audit hook cannot be taken away again, and does nothing while it is off."""
    return Watch()


@contextlib.contextmanager
def a_run() -> Iterator[RunDir]:
    """A run directory with everything in it."""
    with tempfile.TemporaryDirectory(prefix="cqltui-fuzz-") as folder:
        made = RunDir(Path(folder) / "run")
        for name, value in GOOD.items():
            write_json(made.path / name, value)
        made.journal.write_text(json.dumps(EVENT) + "\n")
        made.logs.mkdir()
        made.log("w1").write_text("a line\n")
        made.server.chmod(0o700)
        yield made


def carry_out(*words: str) -> str:
    """What a command prints. Anything that it raises, but errors for the user, is a fault of ours."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            cli._run(words[0], list(words[1:]))
        except CqltuiError as error:
            cli._tell(str(error))
    return out.getvalue()


@pytest.fixture(scope="module", autouse=True)
def loaded(watch: Watch) -> None:
    """What the commands load once is no part of what is measured."""
    here()
    with a_run() as run_dir:
        for words in LOOKS:
            carry_out(*words, "--run-dir", str(run_dir.path))


LOOKS = (("status", "--tasks"), ("status", "--json"), ("attach", "--no-ui"), ("logs", INFO.id), ("stop", "--no-wait"))
few = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(spoilt_file=contents())
def test_looking_at_any_run(watch: Watch, spoilt_file: tuple[str, bytes]) -> None:
    name, content = spoilt_file
    with a_run() as run_dir:
        (run_dir.path / name).write_bytes(content)
        with watch.on(run_dir.path):
            for words in LOOKS:
                said = carry_out(*words, "--run-dir", str(run_dir.path))
                assert "\x1b]" not in said
                assert "Traceback" not in said


class ReachedError(ServerError):
    """As far as a server."""


@few
@given(spoilt_file=contents())
def test_starting_any_run(watch: Watch, spoilt_file: tuple[str, bytes]) -> None:
    def start(self: EmbeddedServer, timeout_s: float = 0.0) -> None:
        raise ReachedError(f"{self.dir}: a server would be started")

    name, content = spoilt_file
    with a_run() as run_dir, pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmbeddedServer, "start", start)
        (run_dir.path / name).write_bytes(content)
        with watch.on(run_dir.path):
            carry_out("run", str(SMALL), "--no-ui", "--device", "cpu", "--yes", "--run-dir", str(run_dir.path))
            records = Records(run_dir)  # from which the queue is made again
            life = records.lifecycle(INFO.id)
            if life is not None:
                records.left_of(INFO, life)
                records.earlier(INFO, "d", life)
                records.result(INFO.id, life)
                records.finished(INFO.id, life.run, life.token)
            records.close()
            read_records(run_dir, load_campaign(SMALL), {INFO.id: TaskStanding(Status.DONE, 1, "")})


@pytest.mark.parametrize("name", [name for name in GOOD if name != "server/epoch"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "zeros"])
def test_what_is_no_file_is_not_waited_for(watch: Watch, name: str, kind: str) -> None:
    with a_run() as run_dir:
        path = run_dir.path / name
        path.unlink()
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to("/dev/zero")
        with watch.on(run_dir.path):
            for words in LOOKS:
                carry_out(*words, "--run-dir", str(run_dir.path))
            if name.startswith("server/") and not name.endswith(".pid"):
                with pytest.raises(InputError, match=r"remove it|put what it leads to"):
                    EmbeddedServer(run_dir.path).start()


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_server_on_any_append_only_file(data: st.DataObject, short_dir: Path) -> None:
    """It starts, the file put aside or not, or says why it does not; and it is the one that we configured."""
    whole = aof("INCR a", "HSET h f v", "ZADD training_queue 5 a")
    content = data.draw(
        st.one_of(
            st.binary(max_size=100),
            st.builds(lambda end: whole[:end], st.integers(0, len(whole))),
            st.builds(
                lambda at, byte: whole[:at] + byte + whole[at + 1 :], st.integers(0, len(whole)), st.binary(max_size=3)
            ),
            st.sampled_from(
                [aof("CONFIG SET port 7"), aof("MULTI", "EXEC"), aof("SHUTDOWN NOSAVE"), aof("EVAL return\t1 0")]
            ),
        )
    )
    with tempfile.TemporaryDirectory(dir=short_dir) as folder:
        server = EmbeddedServer(Path(folder))
        plant(server.dir, content)
        try:
            handle = server.start()
        except ServerError:
            return
        try:
            with handle.connect() as client:
                assert client.info("replication")["role"] == "master"
                assert client.info("server")["tcp_port"] == 0
        finally:
            assert handle.leave()


@pytest.mark.parametrize("token", ["../../../../x", "/etc", "a b", "x" * 200, "\x1b[31m", 7, None])
def test_a_token_of_a_task_file_leads_nowhere(watch: Watch, token: object) -> None:
    with a_run() as run_dir:
        write_json(
            run_dir.task_json(INFO.id), {"info": to_builtins(INFO), "life": to_builtins(LIFE) | {"token": token}}
        )
        with watch.on(run_dir.path), contextlib.closing(Records(run_dir)) as records:
            life = records.lifecycle(INFO.id)
            assert life is not None
            assert records.result(INFO.id, life) is None
            assert records.finished(INFO.id, life.run, life.token) is None
