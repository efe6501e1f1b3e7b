"""A whole reading of the server, as the event that `state.reduce` replaces its state with."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
import redis

from cqltui.broker.protocol import codec
from cqltui.broker.protocol.bounded import parts
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.scripts import Scripts
from cqltui.garbage import uncollected
from cqltui.state import decode
from cqltui.state.events import Event, Kind
from cqltui.state.forms import Form, filled
from cqltui.state.untouched import Untouched, read_rows

CHUNK = 1000
"""Tasks a call, or a few more: a few milliseconds of the server's time."""
_META = (
    *("epoch", "seq", "meta_seq", "wanted", "campaign", "finished_ts"),
    *("wanted_by", "asked_workers", "asked_workers_by"),
)
"""As the scripts answer them."""
_OWN = 4
"""Values of a row before the lifecycle's: id, info, seq, progress."""
_TYPES = frozenset({bytes, type(None)})
"""Of a row's values."""
_TEXTS = frozenset({"status", "worker", "token", "paused_by", "want", "by", "error"})
"""Of the lifecycle's values; the others, but for the report, are numbers."""


class _Task(Mapping[str, Any]):
    """A task as the server has told it, which is read when it is asked for: ten thousand of them as dictionaries take
    more memory than all that is kept of them."""

    __slots__ = ("_forms", "_names", "_row")

    def __init__(self, row: Sequence[bytes | None], life_names: Sequence[str], forms: Mapping[str, Form]) -> None:
        """Raise TypeError for a row that the script does not make; no reading later on raises."""
        if not _OWN <= len(row) <= _OWN + len(life_names) or not _TYPES.issuperset(map(type, row)):
            raise TypeError(row)
        self._row, self._names, self._forms = row, life_names, forms

    def __getitem__(self, key: str) -> Any:
        match key:
            case "info":
                return _info(self._row[1], self._forms)
            case "life":
                return self._life()
            case "seq":
                return _number(self._row[2])
            case "progress":
                return codec.decode_object(self._row[3])
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("info", "life", "seq", "progress"))

    def __len__(self) -> int:
        return 4

    def _life(self) -> dict[str, Any]:
        life: dict[str, Any] = {"report": None}
        for name, value in zip(self._names, self._row[_OWN:], strict=False):  # what does not come is the default
            if value is not None:
                life[name] = _READ.get(name, _number)(value)
        return life

    @property
    def order(self) -> int:
        """Its submission number."""
        place = _OWN + self._names.index("order")
        return decode.whole({"": _number(self._row[place])} if place < len(self._row) else {}, "")


Told = _Task | Untouched


def read_snapshot(client: redis.Redis, keys: Keys, scripts: Scripts, now: float) -> Event:
    """Return the server's state. Its seq is that of the beginning: events after it are to be applied, and those that a
    later part already holds are recognised by the task's own version. Begins again if the server was rebuilt meanwhile.
    """
    with uncollected():
        return _read(client, keys, scripts, now)


def _read(client: redis.Redis, keys: Keys, scripts: Scripts, now: float) -> Event:
    for _ in parts("its rebuilding"):
        about, has_rows = scripts.run("about")
        first, tasks = meta_named(about), dict[str, Told]()
        if has_rows:
            tasks.update(_rows(client, keys, decode.whole(first, "epoch")))
            found = _beside(client, keys, scripts, set(tasks))
        else:
            found = _parts(scripts)
        for meta, part in found:
            if meta["epoch"] != first["epoch"]:
                break
            tasks.update(part)
        else:
            return Event(
                Kind.SNAPSHOT,
                now,
                epoch=decode.whole(first, "epoch"),
                seq=decode.whole(first, "seq"),
                data={
                    "meta": run_meta(first),
                    "tasks": dict(sorted(tasks.items(), key=lambda item: item[1].order)),
                    "workers": read_workers(client, keys),
                },
            )
    raise AssertionError  # `parts` has raised


def meta_named(values: Sequence[bytes | None]) -> dict[str, str]:
    """Return the values of `run_meta` in common.lua by their names."""
    return dict(zip(_META, map(_text, values), strict=True))


def run_meta(read: Mapping[str, str]) -> dict[str, Any]:
    """Return what an event tells of the run itself."""
    return {
        "seq": decode.whole(read, "meta_seq"),
        "wanted": read["wanted"],
        "wanted_by": read["wanted_by"],
        "asked_workers": decode.whole(read, "asked_workers"),
        "asked_workers_by": read["asked_workers_by"],
        "campaign": codec.decode_object(read["campaign"]),
        "finished_ts": decode.number(read, "finished_ts"),
    }


def _rows(client: redis.Redis, keys: Keys, epoch: int) -> Iterator[tuple[str, Untouched]]:
    """Yield the tasks that have no hash (untouched.lua), with their ids. What is no row is passed over: that task is
    lost, and made again."""
    forms: dict[str, Form] = {}
    for page in _pages(client, "HSCAN", keys.untouched):
        yield from _read_lines(client, keys, page[1::2], forms, epoch)


def _read_lines(
    client: redis.Redis, keys: Keys, lines: Sequence[bytes], forms: dict[str, Form], epoch: int
) -> Iterator[tuple[str, Untouched]]:
    """Yield the tasks of these rows, with their ids. Adds forms that are new."""
    rows = list(_loaded(lines))
    names = {row[5] for row in rows if isinstance(row, list) and len(row) > 5 and isinstance(row[5], str)}
    if new := sorted(names - forms.keys()):
        texts = client.execute_command("HMGET", keys.meta, *(f"form:{name}" for name in new))
        forms |= {name: Form(text or b"") for name, text in zip(new, texts, strict=True)}
    yield from filter(None, read_rows(rows, forms, epoch))


def read_tasks(
    client: redis.Redis, keys: Keys, scripts: Scripts, ids: Sequence[str], forms: dict[str, Form], epoch: int
) -> dict[str, Told]:
    """Return these tasks, without those that are lost. Adds forms that are new."""
    told: dict[str, Told] = {}
    for place in range(0, len(ids), CHUNK):
        some = ids[place : place + CHUNK]
        lines = client.execute_command("HMGET", keys.untouched, *some)
        told.update(_read_lines(client, keys, [line for line in lines if line is not None], forms, epoch))
        if left := [one for one in some if one not in told]:
            told.update(_part(scripts.run("snapshot", 0, 0, *left), forms)[1])
    return told


def _beside(
    client: redis.Redis, keys: Keys, scripts: Scripts, rows: Collection[str]
) -> Iterator[tuple[dict[str, str], dict[str, Told]]]:
    """Yield such parts as `_parts` does, of all tasks but those whose rows were read. ZSCAN names the tasks, and the
    script is asked for these alone. A task that is touched while rows are read has a hash by now. The last part is
    empty, and tells the epoch."""
    forms: dict[str, Form] = {}
    for page in _pages(client, "ZSCAN", keys.tasks):
        if ids := [name for name in page[::2] if _text(name) not in rows]:
            yield _part(scripts.run("snapshot", 0, 0, *ids), forms)[:2]
    yield meta_named(scripts.run("about")[0]), {}


def _pages(client: redis.Redis, command: str, key: str) -> Iterator[list[bytes]]:
    """Yield what this scan finds, page by page. The server makes the next one while one is being read."""
    pool = client.connection_pool
    connection, cursor, is_idle = pool.get_connection(), 0, False
    try:
        connection.send_command(command, key, cursor, "COUNT", CHUNK)
        for _ in parts("its tasks"):
            told, found = connection.read_response()
            cursor = int(told)
            if is_idle := cursor == 0:
                yield found
                return
            connection.send_command(command, key, cursor, "COUNT", CHUNK)
            yield found
    finally:
        if not is_idle:  # an answer that is still on its way belongs to nobody else
            connection.disconnect()
        pool.release(connection)


def _parts(scripts: Scripts) -> Iterator[tuple[dict[str, str], dict[str, Told]]]:
    """Yield the parts that hold every task which is there from the first to the last of them, some perhaps twice."""
    cursor = b"0"
    forms: dict[str, Form] = {}
    for _ in parts("its tasks"):
        about, told, cursor = _part(scripts.run("snapshot", cursor, CHUNK), forms)
        yield about, told
        if cursor == b"0":
            return


def _part(answer: Any, forms: dict[str, Form]) -> tuple[dict[str, str], dict[str, Told], bytes]:
    """Return what snapshot.lua tells of the run and of some tasks, and its next cursor. Adds forms that are new."""
    meta, cursor, life_names, own, lines, *rows = answer
    about, names = meta_named(meta), [_text(name) for name in life_names]
    for name, text in zip(own[::2], own[1::2], strict=True):
        forms.setdefault(_text(name), Form(text))
    told: dict[str, Told] = {_text(row[0]): _Task(row, names, forms) for row in rows}
    told.update(_untouched(lines, forms, decode.whole(about, "epoch")))
    return about, told, cursor


def _untouched(lines: Sequence[bytes], forms: Mapping[str, Form], epoch: int) -> Iterator[tuple[str, Untouched]]:
    """Yield the tasks that are told in a line each, with their ids; see snapshot.lua."""
    for read in read_rows(_loaded(lines), forms, epoch):
        if read is None:
            raise TypeError("a task is told in no row")
        yield read


def _loaded(lines: Sequence[bytes]) -> Iterable[Any]:
    """Return the values of each line, as `read_rows` takes them."""
    try:
        return list(orjson.loads(b"[%b]" % b",".join(lines)))
    except (ValueError, RecursionError):  # somebody has typed into one of them
        return map(_alone, lines)


def _alone(line: bytes) -> list[Any] | None:
    """Return a line's values; of one whose own values are damaged the others. None if it is none."""
    head, _, own = line.partition(b",[")
    try:
        told = orjson.loads(head + b"]")
    except (ValueError, RecursionError):
        return None
    try:
        return [*told, orjson.loads(b"[" + own.removesuffix(b"]"))]
    except (ValueError, RecursionError):
        return [*told, None]


def _number(raw: bytes | None) -> int | float:
    """Return a number as Redis stores it."""
    if raw is not None and raw.isdigit() and len(raw) <= codec.COUNT_DIGITS:  # nearly all
        return int(raw)
    return codec.number(_text(raw))


def _info(raw: bytes | None, forms: Mapping[str, Form]) -> Mapping[str, Any] | None:
    """Return what is fixed about a task, however it is kept."""
    kept = codec.decode_object(raw)
    return filled(kept, forms) if kept is not None and "form" in kept else kept


def read_workers(client: redis.Redis, keys: Keys) -> dict[str, dict[str, Any]]:
    """Return what the workers that are registered have said last, by their ids."""
    ids = sorted(_text(raw) for raw in client.execute_command("SMEMBERS", keys.active_workers))
    pipeline = client.pipeline(transaction=False)
    for worker_id in ids:
        pipeline.execute_command("HMGET", keys.worker(worker_id), "ts", "data")
    found = {}
    for worker_id, (ts, data) in zip(ids, pipeline.execute(), strict=True):
        if ts is not None:  # else typed into active_workers by hand
            found[worker_id] = {**(codec.decode_object(data) or {}), "ts": codec.number(_text(ts))}
    return found


def _text(raw: bytes | None) -> str:
    return "" if raw is None else raw.decode("utf-8", "replace")


_READ: dict[str, Callable[[bytes], Any]] = dict.fromkeys(_TEXTS, _text) | {"report": codec.decode_object}
"""How the lifecycle's values are read that are no numbers."""
