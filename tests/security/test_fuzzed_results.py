"""Whatever is sent for a result, a task or an event: an error of ours, soon, and no file elsewhere."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cqltui.broker.protocol import codec, wire
from cqltui.broker.protocol.records import RefusedError, Result
from cqltui.campaign import payload
from cqltui.results.record import TaskResult, read_q_heldout
from cqltui.results.rundir import RESULT_FILES, RunDir
from cqltui.state.model import Lifecycle, RunState, Status, TaskInfo, TaskState
from cqltui.state.reduce import reduce
from cqltui.supervisor.accepted import RefusedResultError
from cqltui.supervisor.records import Records
from tests.unit.foreign import foreign_events, nonsense
from tests.unit.made import leave_result
from trainer.model import KIND, read_model
from trainer.tensorfile import TensorFileError, read_tensors, write_tensors

TOKEN = "1-7"
INFO = TaskInfo("a1", "p", epochs=10, settings={"hidden_dims": (4,)}, params=50)
SECONDS = 1.0
FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_watched: list[set[str]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: notes what is opened for writing, and that no process is started."""
    if not _watched:
        return
    if event == "open" and isinstance(arguments[0], str | bytes) and isinstance(arguments[2], int):
        if arguments[2] & 3:
            _watched[-1].add(str(arguments[0]))
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        _watched[-1].add(event)


sys.addaudithook(_watch)


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """In here nothing outside the folder is opened for writing, nothing is started, and it does not take long."""
    began = time.process_time()
    _watched.append(set())
    try:
        yield
    finally:
        opened = _watched.pop()
    assert time.process_time() - began < SECONDS
    assert all(path.startswith(str(folder)) for path in opened), opened


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A good result of a1: what its result.json holds, and its files."""
    folder = tmp_path_factory.mktemp("good")
    document = leave_result(folder, "a1", 1, TOKEN)
    return document, {name: (folder / name).read_bytes() for name in RESULT_FILES}


Good = tuple[dict[str, Any], dict[str, bytes]]
names = st.sampled_from(sorted(TaskResult.__struct_fields__)) | st.text(max_size=5)
values = nonsense | st.sampled_from(
    ["../../x", "/etc/passwd", 10**30, -1, float("nan"), float("inf"), "\x1b]52;c;x\x07", "a" * 20_000, [[[[]]]]]
)


def _publish(tmp_path: Path, document: dict[str, Any], files: dict[str, bytes]) -> bool:
    """Hand it over to the supervisor's part; whether it was published. Raises RefusedResultError."""
    run_dir = RunDir(tmp_path / "run")
    run_dir.path.mkdir(exist_ok=True)
    records = Records(run_dir)
    try:
        run_dir.result_json("a1").unlink(missing_ok=True)
        records.remember(TaskState(INFO, Lifecycle(status=Status.RUNNING, run=1, token=TOKEN)))
        result = Result("a1", 1, 1, TOKEN, "w1", 5.0, document)
        records.receive(result, files)
        return records.publish(result)
    finally:
        records.close()


def _refused(action: Callable[[], object]) -> str | None:
    """Why it is refused, by an error of ours; None if it is not."""
    try:
        action()
    except (RefusedResultError, TensorFileError) as error:
        return str(error)
    return None


@FUZZ
@given(changes=st.dictionaries(names, values, max_size=4))
def test_documents(tmp_path: Path, good: Good, changes: dict[str, Any]) -> None:
    document = good[0] | changes
    with watched(tmp_path):
        said = _refused(lambda: _publish(tmp_path, document, good[1]))
        if said is not None:
            assert len(said) < 1_000
        else:
            read = TaskResult.from_json(json.loads((tmp_path / "run/tasks/a1/result.json").read_bytes()))
            assert read is not None
            assert (read.task_id, read.run, read.token, read.worker) == ("a1", 1, TOKEN, "w1")


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Bytes changed, cut, doubled, or a header that promises something else."""
    kind = draw(st.sampled_from(["flip", "cut", "insert", "header", "other"]))
    place, more = draw(st.floats(0, 1)), draw(st.binary(max_size=40))
    size = draw(st.integers(0, 2**64 - 1))

    def damage(content: bytes) -> bytes:
        at = int(place * len(content))
        match kind:
            case "flip":
                return content[:at] + bytes([draw_byte]) + content[at + 1 :]
            case "cut":
                return content[:at]
            case "insert":
                return content[:at] + more + content[at:]
            case "header":
                return size.to_bytes(8, "little") + content[8:]
        return more

    draw_byte = draw(st.integers(0, 255))
    return damage


@FUZZ
@given(name=st.sampled_from(RESULT_FILES[:-1]), damage=damages())
def test_files(tmp_path: Path, good: Good, name: str, damage: Callable[[bytes], bytes]) -> None:
    document, files = good
    with watched(tmp_path):
        said = _refused(lambda: _publish(tmp_path, document, files | {name: damage(files[name])}))
    assert said is None or name in said
    (tmp_path / "one").write_bytes(damage(files[name]))
    read_q_heldout(tmp_path / "one")


@FUZZ
@given(changes=st.dictionaries(st.sampled_from(["hidden_dims", "state_cols", "actions", "details"]), values))
def test_headers_that_promise_another_network(tmp_path: Path, good: Good, changes: dict[str, Any]) -> None:
    (path := tmp_path / "model.safetensors").write_bytes(good[1]["model.safetensors"])
    tensors, document = read_tensors(path, KIND)
    changed = json.loads(json.dumps(document | changes, default=str))
    write_tensors(path, KIND, tensors, changed)
    with watched(tmp_path):
        said = _refused(lambda: read_model(path))
    assert said is None or "model.safetensors" in said


@FUZZ
@given(stored=st.dictionaries(st.sampled_from(["task", "run", "attempt", "token", "worker", "ts", "result"]), values))
def test_stored_results(tmp_path: Path, stored: dict[str, Any]) -> None:
    own = {"task": "a1", "run": 1, "attempt": 1, "token": TOKEN, "worker": "w1", "ts": 1.0, "result": {}}
    with watched(tmp_path):
        found = wire.result(json.dumps(own | stored, default=str).encode(), "a1/1")
    assert found is None or (found.id, found.run) == ("a1", 1)


@FUZZ
@given(raw=st.binary(max_size=60) | values.map(lambda value: json.dumps(value, default=str).encode()))
def test_specs(tmp_path: Path, raw: bytes) -> None:
    row = [b"a1", b"1-7", b"1", b"1", raw, b"0", b"", b"0"]
    with watched(tmp_path):
        try:
            claim = wire.claim(row)
        except RefusedError:
            return
        for read in (payload.read_trainer, payload.read_data):
            with pytest.raises((KeyError, TypeError, ValueError)):
                read(claim.spec)


@FUZZ
@given(event=foreign_events, raw=st.binary(max_size=80))
def test_events(tmp_path: Path, event: Any, raw: bytes) -> None:
    state = RunState(tasks={"a1": TaskState(INFO, Lifecycle())})
    with watched(tmp_path):
        reduce(state, event)
        if (decoded := codec.decode_event(raw)) is not None:
            reduce(replace(state, epoch=1), decoded)
