"""What bad input gets: tables of what is given, the exit code, and a part of what is said. Nothing of it is a
traceback, steers the terminal, shows a password, or leaves anything behind."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import redis

from cqltui.app import options
from cqltui.broker.protocol import wire
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.handle import ServerHandle
from cqltui.cli import main
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, Status
from cqltui.state.reduce import reduce
from tests.contract.helpers import after, claimed, state, task, worker
from tests.contract.readers import reader
from tests.integration.place import SMALL
from trainer import checkpoint
from trainer.checkpoint import CheckpointError
from trainer.files import checkpoint_name
from trainer.tensorfile import write_tensors

PICKLE = pickle.dumps({"not": "data"})
RED = "\x1b[31mred"
LOGIN = "redis://user:hunter2@"

# What is replaced in a good campaign file by what, and what is said. Exit code 2.
FILE = [
    ("not UTF-8", 'title = "', b'title = "\xff', "not UTF-8 (byte 0xff)"),
    ("a NUL byte", "[data]", b"\0[data]", "column 1: not valid TOML"),
    ("cut off", "{ from = 1, to = 2 }", b"{ from = 1,", ": not valid TOML"),
    ("100,000 brackets", "[16]", b"[" * 100_000, "not valid TOML"),
    ("a number of 5,000 digits", "epochs = 150", b"epochs = " + b"9" * 5000, "not valid TOML"),
    ("a mistyped key", "alpha = 0.3", b"alhpa = 0.3", "trainer.alhpa: unknown key; did you mean alpha?"),
    ("lr nan", "1e-3", b"nan", "trainer.lr: expected a number > 0, found nan"),
    ("priority inf", "priority = 7", b"priority = inf", "expected an integer from 0 to 1,000,000, found inf"),
    ("seeds backwards", "from = 1, to = 2", b"from = 2, to = 1", "the range runs backwards: from 2 to 1"),
    ("a million tasks", "from = 1, to = 2", b"from = 0, to = 999999", "makes 1,000,000 tasks; a campaign has at most"),
    ("a name that leads out", '"small"', b'"../../etc"', 'campaign.name: expected a name of letters, digits, - and _'),
    ("a name with a line break", '"small"', rb'"a\nb"', r'found "a\nb"'),
    ("a name of 10,000 letters", '"small"', b'"' + b"x" * 10_000 + b'"', f'found "{"x" * 40}..."'),
    ("a title that steers", "A small", rb"\u001b]0;owned\u0007", "campaign.title: expected one line of text without"),
    ("a phase named as markup", '"quality"', b'"[bold]"', 'phase[1].name: expected a name of letters'),
    ("a namespace that is a pattern", "[data]", b'[redis]\nnamespace = "*"\n[data]', "redis.namespace: expected at"),
    ("a URL with a space", "[data]", f'[redis]\nurl = "{LOGIN}h x"\n[data]'.encode(), "redis.url: expected redis://"),
    ("the answer as a feature", "[trainer]", b'[trainer]\nstate_cols = ["r"]', "known before the bet"),
]  # fmt: skip

# What is typed after `cqltui`, the exit code, and what is said.
TYPED = [
    ("small.toml --set trainer.lr", 2, "expected KEY=VALUE"),
    ("small.toml --set trainer.lr.x=1", 2, "trainer.lr is a value and has no key 'x'"),
    ("small.toml --set phase.nowhere.epochs=1", 2, "there is no phase 'nowhere'; known: exploration"),
    ("small.toml --set epochs_scale=0", 2, "epochs_scale: expected a number > 0"),
    (f"small.toml --set {RED}=1", 2, r'"\u001b[31mred": unknown key'),
    (f"small.toml --set redis={LOGIN}h", 2, 'expected a table, found "redis://(hidden)@h"'),
    (f"small.toml --set redis.url:{LOGIN}h", 2, "redis.url:redis://(hidden)@h': expected KEY=VALUE"),
    ("small.toml --workers 0", 2, "--workers: expected a whole number from 1, found 0"),
    ("small.toml --workers two", 2, "--workers: expected a whole number from 1, found two"),
    ("small.toml --run-dir=", 2, "--run-dir: expected a directory, found nothing"),
    ("logs --run-dir=", 2, "--run-dir: expected a directory, found nothing"),
    ("small.toml --run-dir a-file", 2, "is a file, expected a run directory"),
    ("small.toml --run-dir a-file/below", 2, "cannot be used as a run directory: Not a directory"),
    (f"small.toml --run-dir {'x' * 300}", 2, "cannot be used as a run directory: File name too long"),
    (f"small.toml --redisurl {LOGIN}h", 2, "unrecognized arguments: --redisurl redis://(hidden)@h"),
    (f"{LOGIN}h/0", 2, "there is no such file"),
    ("small.toml --redis-url http://user:hunter2@h", 2, "the Redis URL is not of the form redis://"),
    (f"small.toml --redis-url {LOGIN}[::1/0", 2, "the Redis URL is not of the form"),
    ("small.toml --redis-url redis://:hun#ter2@h", 2, "escape special characters in a password (%23 for #)"),
    ("small.toml --redis-url redis://:12/hunter2@h", 2, "escape special characters in a password"),
    (f"small.toml --redis-url {LOGIN}127.0.0.1:1/0?protocol=3", 2, "unknown option 'protocol'"),
    (f"small.toml --redis-url {LOGIN}127.0.0.1:1/0", 3, "redis://127.0.0.1:1/0: the server cannot be used"),
    ("status --redis-url redis://h --namespace a:b", 2, "--namespace: expected at most 32 letters"),
    ("status --run-dir nowhere", 2, "nowhere: is not a run directory"),
    (f"status --run-dir {RED}", 2, r"\x1b[31mred': has control characters in its name"),
    ("worker --worker-id ../w --run-dir .", 2, "worker '../w': expected 1 to 64 letters, digits"),
    (f"worker --worker-id {RED} --run-dir .", 2, r"worker '\x1b[31mred': expected"),
    (f"worker --worker-id {'w' * 10_000} --run-dir .", 2, "expected 1 to 64 letters, digits"),
    ("worker --worker-id w --poll-interval nan", 2, "expected a positive number of seconds, found nan"),
    ("statsu", 2, "there is no command 'statsu'; did you mean status?"),
]

HEADER = b"spread_close,total_close,epa_gap,market_prob,p_hat,edge,action,r\n"
ROW = b"-3,44,0.1,0.52,0.55,0.03,1,0.9\n"
# What a CSV file of decisions holds, and what is said. Exit code 2.
DATA = [
    ("nothing", b"", "the file is empty"),
    ("a header alone", HEADER, "the file has a header but no rows"),
    ("a web page", b"<html>404</html>", "column 'spread_close': the file has no such column"),
    ("a pickle", PICKLE, "the file is not UTF-8 text"),
    ("a NUL byte", HEADER + ROW.replace(b"44", b"4\0"), r"column 'total_close', row 2: '4\x00' is not a number"),
    ("colours", HEADER + ROW.replace(b"44", RED.encode()), r"row 2: '\x1b[31mred' is not a number"),
    ("nan", HEADER + ROW.replace(b"44", b"nan"), "row 2: 'nan' cannot be computed with"),
    ("inf", HEADER + ROW + ROW.replace(b"44", b"1e999"), "row 3: '1e999' cannot be computed with"),
    ("an unknown action", HEADER + ROW.replace(b",1,", b",9,"), "'9' is no action: use 0 to 3"),
    ("a cell of 1 MB", HEADER + b"4" * 1_000_000, "row 2: the row is not valid CSV"),
    ("a row too long", HEADER + ROW[:-1] + b",1\n", "row 2: 9 cells, but the header names 8 columns"),
    ("one action only", HEADER + ROW * 300, "every row has the action 1: there is nothing to learn"),
]

# Files of a run directory, the command on it, its exit code, and what is said.
RUN_DIR = [
    ({"campaign.json": PICKLE}, "status", 2, "campaign.json: is no JSON"),
    ({"campaign.json": b"{}", "tasks/ab12/task.json": b"[1, 2"}, "status", 2, "nothing has run here yet"),
    ({"campaign.json": b"[" * 100_000}, "stop", 0, "nothing runs here"),
    ({"campaign.json": b"{}"}, "attach", 3, "nothing runs here"),
    ({"campaign.json": b"{}"}, "pause", 3, "nothing runs here"),
    ({"campaign.json": b"{}"}, "logs ../../secret", 2, "'../../secret' is neither a worker nor in any log"),
    ({"campaign.json": b"{}", "server/epoch": b"many"}, "redis-cli ping", 3, "nothing runs here"),
]  # fmt: skip

# What is in a worker's log, and what `cqltui logs` prints of it.
LOG = [
    (b"\x1b[31mred\x1b[0m \x1b]0;owned\x07end\n", "red end"),
    (b"[bold]markup[/bold]\n", "[bold]markup[/bold]"),
    (b"\xff\xfe no UTF-8\n", "\ufffd\ufffd no UTF-8"),
    (b"x" * 1_000_000 + b"\n", "x" * 199 + "…"),
    (b"a\0b\tc\n", "ab c"),
]

# What is typed into redis-cli while two tasks, t1 and t2, are queued, and the notice that follows.
SERVER = [
    ([b"ZADD", b"training_queue", b"9", b"no-such-task"], '"no-such-task" is no task of this campaign'),
    ([b"ZADD", b"training_queue", b"9", b"../" + RED.encode()], '"../?[31mred" is no task of this campaign'),
    ([b"ZADD", b"training_queue", b"9", b"a\0b\nc"], '"a?b?c" is no task of this campaign'),
    ([b"ZADD", b"training_queue", b"9", b"x" * 10_000], f'"{"x" * 100}" is no task of this campaign'),
    ([b"ZADD", b"training_queue", b"inf", b"t1"], "task t1: score inf is no priority"),
    ([b"ZADD", b"training_queue", b"-8", b"t1"], "task t1: score -8 is no priority"),
    ([b"ZADD", b"training_queue", b"7.5", b"t1"], "task t1: score 7.5 is no priority"),
    ([b"ZREM", b"training_queue", b"t1"], "taken out of training_queue by hand: t1 (paused; resume brings them back)"),
    ([b"SET", b"training_queue", b"x"], "training_queue was overwritten by a string; it is kept as training_queue."),
    ([b"SET", b"active_workers", b"x"], "active_workers was overwritten by a string; it is kept as active_workers."),
]


def event(**changes: object) -> bytes:
    """A notice as it goes over the wire, with changes."""
    fields = {"v": 1, "epoch": 1, "seq": 1, "ts": 1.0, "kind": "notice", "data": {"level": "info", "text": "hello"}}
    return json.dumps(fields | changes).encode()


# What a stranger publishes to the channel of events: all of it is passed over.
EVENTS = [
    b"",
    PICKLE,
    b"\xff\xfe",
    b"[1, 2",
    b"null",
    b"x" * 1_000_000,
    event(v=99),
    event(kind="task.exploded"),
    event(ts="soon"),
    event(ts=float("nan")),
    event(seq=-1),
    event(seq="many"),
    event(seq=10**12),
    event(epoch=10**12),
    event(data=[]),
    event(kind="progress", seq=0, worker=7),
    event(kind="progress", seq=0, worker="w1", data={"members": [{"task": "t1", "loss": "NaN", "curve": 5}]}),
    event(kind="progress", seq=0, worker="w1", data={"members": "all", "pid": [], "device": {}}),
]  # fmt: skip

# What the server may tell as the id of a task or a worker: ids become names of files.
IDS = ["", "..", "../../etc", "/etc", "a/b", "a\0b", "a\nb", RED, "[bold]", "\u202e", "x" * 10_000]

# What lies in a checkpoint's place, made from a good one, and what is said when it is passed over.
CHECKPOINTS = [
    ("a pickle", lambda good: PICKLE, "not a readable safetensors file"),
    ("cut off", lambda good: good[: len(good) // 2], "not a readable safetensors file"),
    ("a flipped bit", lambda good: good[:-1] + bytes([good[-1] ^ 1]), "the checksum does not match"),
    ("another program's", lambda good: good.replace(b"cqltui.checkpoint", b"cqltui_checkpoint"), "expected 'cqltui."),
    ("nothing", lambda good: b"", "not a readable safetensors file"),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a directory with a good campaign and a file, without the user's settings."""
    monkeypatch.chdir(tmp_path)
    for name in options.URL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    Path("small.toml").write_bytes(SMALL.read_bytes())
    Path("a-file").write_text("of the user")


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and what was said, which never steers the terminal or shows a password."""
    try:
        code = main(arguments)
    except SystemExit as ended:  # as argparse ends
        code = int(str(ended.code))
    answer = capsys.readouterr()
    said = answer.out + answer.err
    assert "Traceback" not in said
    assert "hunter2" not in said
    assert "ter2" not in said
    assert all(char.isprintable() or char in "\n\t" for char in said)
    return code, said


def refused(arguments: list[str], code: int, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run it, and expect the exit code, that part of a message, and that nothing was made."""
    before = sorted(Path.cwd().rglob("*"))
    found, said = run(arguments, capsys)
    assert (found, part in said) == (code, True), said
    assert sorted(Path.cwd().rglob("*")) == before


@pytest.mark.parametrize(("old", "new", "said"), [row[1:] for row in FILE], ids=[row[0] for row in FILE])
def test_a_campaign_file(old: str, new: bytes, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    good = SMALL.read_bytes()
    assert old.encode() in good
    Path("small.toml").write_bytes(good.replace(old.encode(), new, 1))
    refused(["small.toml", "--no-ui"], 2, said, capsys)


@pytest.mark.parametrize(("typed", "code", "said"), TYPED, ids=[ascii(row[0])[:60] for row in TYPED])
def test_a_command_line(typed: str, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    headless = ["--no-ui"] if typed.startswith("small") else []
    refused([*typed.split(" "), *headless], code, said, capsys)


@pytest.mark.parametrize(("content", "said"), [row[1:] for row in DATA], ids=[row[0] for row in DATA])
def test_a_data_file(content: bytes, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("d.csv").write_bytes(content)
    refused(["plan", "small.toml", "--set", "data.source=logged", "--set", "data.path=d.csv"], 2, said, capsys)


def test_a_plan_tells_what_there_is_to_know_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [ROW.replace(b",1,", b",%d," % (row % 2)) for row in range(400)]
    rows[7] = rows[7].replace(b"0.52", b"52.5")
    Path("d.csv").write_bytes(HEADER + b"".join(rows) + b"-3,44,,0.5,0.5,0,1,1\n")
    plan = ["plan", "small.toml", "--device", "cpu", "--set", "data.source=logged", "--set", "data.path=d.csv"]
    code, said = run(plan, capsys)
    assert code == 0
    assert "note: 1 of 401 rows dropped: a state, the action or the reward is missing" in said
    assert "warning: column 'market_prob': values from 0.52 to 52.5 are no probabilities" in said
    told = json.loads(run([*plan, "--json"], capsys)[1])
    assert told["notes"][0].startswith("1 of 401 rows dropped")
    loaded = [warning for warning in told["warnings"] if not warning.startswith("leak audit: ")]
    assert [warning.split(":")[0].split(" is ")[0] for warning in loaded] == [
        "column 'market_prob'",
        *(f"column '{name}'" for name in ("spread_close", "total_close", "epa_gap", "p_hat", "edge")),  # all constant
    ]
    audited = told["warnings"][len(loaded) :]
    assert any("column 'market_prob': 1 of 400 values are outside [0, 1]" in warning for warning in audited)


@pytest.mark.parametrize(("files", "command", "code", "said"), RUN_DIR)
def test_a_run_directory(
    files: dict[str, bytes], command: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in files.items():
        path = Path("a run [x]", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    name, *words = command.split()
    found, told = run([name, "--run-dir", "a run [x]", *words], capsys)
    assert (found, said in told) == (code, True), told


def test_a_run_directory_that_a_worker_cannot_write_to(
    server: ServerHandle, client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    made = server.run_dir / "campaign.json", server.run_dir / "logs"
    for path in made:
        path.write_text("{}")
    code, said = run(["worker", "--worker-id", "w", "--device", "cpu", "--run-dir", str(server.run_dir)], capsys)
    for path in made:
        path.unlink()
    assert (code, f"{server.run_dir}: cannot be used as a run directory: File exists" in said) == (2, True), said


@pytest.mark.parametrize(("content", "shown"), LOG, ids=range(len(LOG)))
def test_a_log(content: bytes, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("r", "logs").mkdir(parents=True)
    Path("r", "campaign.json").write_text("{}")
    Path("r", "logs", "w1.log").write_bytes(content)
    assert run(["logs", "--run-dir", "r", "w1"], capsys) == (0, f"{shown}\n")


@pytest.mark.parametrize(("words", "said"), SERVER, ids=[ascii(b" ".join(row[0]))[2:50] for row in SERVER])
def test_what_is_typed_on_the_server(queue: Queue, client: redis.Redis, words: list[bytes], said: str) -> None:
    queue.enqueue_many([task("t1"), task("t2", priority=4)])
    who = worker(queue)
    client.execute_command(*words)
    queue.reconcile()
    (notice,) = after(reader(queue).poll(5)).notices
    assert said in notice.text
    assert notice.text.isascii()
    assert notice.text.isprintable()
    assert state(queue).tasks["t2"].status is Status.QUEUED
    queue.withdraw(["t1"])
    assert claimed(queue, who) == ["t2"], "the other task is not disturbed"


def test_foreign_events(queue: Queue, client: redis.Redis) -> None:
    queue.enqueue_many([task("t1"), task("t2")])
    feed = reader(queue)
    known = after(feed.poll(5))
    for message in EVENTS:
        client.publish(queue.keys.events, message)
        assert _shown(after(feed.poll(0.2), known)) == _shown(known), message[:80]
    queue.pause("t1")
    assert after(feed.poll(5), known).tasks["t1"].status is Status.PAUSED, "what is told after them is heard"
    feed.close()


@pytest.mark.parametrize("name", IDS, ids=[ascii(name)[:20] for name in IDS])
def test_foreign_ids(name: str) -> None:
    known = reduce(RunState(), Event(Kind.TASK_QUEUED, 1.0, 1, 1, "a", data={"status": "queued", "info": {}}))
    for told in (
        Event(Kind.TASK_QUEUED, 2.0, 1, 2, name, data={"status": "queued", "info": {}}),
        Event(Kind.WORKER_STARTED, 2.0, 1, 2, worker=name),
        Event(Kind.PROGRESS, 2.0, 1, 0, worker=name, data={"members": [{"task": name}]}),
        Event(Kind.SNAPSHOT, 2.0, 1, 2, data={"tasks": {"a": {}, name: {"info": {}}}, "workers": {name: {}}}),
    ):
        assert not {*reduce(known, told).tasks, *reduce(known, told).workers} - {"a"}
    stored = {"task": name, "run": 1, "attempt": 1, "token": "1-1", "worker": "w1", "ts": 1.0, "result": {}}
    assert wire.result(json.dumps(stored).encode(), f"{name}/1") is None
    assert wire.result(json.dumps(stored | {"task": "a", "token": name}).encode(), "a/1") is None


def _shown(run: RunState) -> tuple[object, ...]:
    return run.online, run.wanted, run.notices, {task.id: (task.life, task.info) for task in run.tasks.values()}


@pytest.mark.parametrize(("damage", "said"), [row[1:] for row in CHECKPOINTS], ids=[row[0] for row in CHECKPOINTS])
def test_a_checkpoint(damage: Callable[[bytes], bytes], said: str) -> None:
    path = Path(checkpoint_name(3)).absolute()
    write_tensors(path, checkpoint.KIND, {"params/w": np.ones(64, dtype=np.float32)}, {"epoch": 3})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(path)
    assert said in str(caught.value)
    found = checkpoint.newest_good([Path.cwd()])
    assert found.checkpoint is None
    assert [bad for bad, _ in found.bad] == [path]
