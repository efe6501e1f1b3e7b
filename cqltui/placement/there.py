"""The other end of a block of ssh: run there by its Python, it starts workers, tells how they are, and ends them.

A question is an object of JSON on standard input, since everybody there sees the words of a command line; the answer
is a line. Each worker has a keeper, which outlives the connection, waits for the worker's end, writes it down and
removes the file of secrets. What is kept is in a private folder for each run, block and host.
"""

import fcntl
import json
import os
import platform
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cqltui
from cqltui.broker.server import keeper
from cqltui.child import PYTHON
from cqltui.errors import ServerError
from cqltui.later import Later
from cqltui.logfile import last_lines
from cqltui.machine import here, start_time, state_dir
from trainer.files import make_folder, plain_file, read_regular, write_bytes

if TYPE_CHECKING:
    from cqltui.broker.server import launch
else:
    launch = Later("cqltui.broker.server.launch")  # with the library of clients, which few questions need

MARK = "cqltui-there "
"""Begins the line of the answer: a shell's start files may print others."""
TAIL_BYTES, TAIL_LINES = 8192, 30
LARGEST_RECORD = 1 << 16
LARGEST_QUESTION = 1 << 20
READY = "ready"
KNOCK_S = 10.0


def folder_of(name: str) -> Path:
    """Return the private folder of a run's block on this host. Raises OSError."""
    base = state_dir()
    if base is None or Path(name).is_absolute() or ".." in Path(name).parts:
        raise OSError(f"there is no folder for {name!a}: this user has no home")
    folder = base / "ssh" / name
    make_folder(folder)
    folder.chmod(0o700)
    return folder


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a question. Raises OSError, and KeyError for one of another version."""
    folder = folder_of(question["folder"])
    match question["what"]:
        case "list":
            return {"jobs": {record["slot"]: _told(folder, record) for record in _records(folder)}}
        case "start":
            return {"job": start(folder, question)}
        case "stop":
            return {"stopped": stop(folder, question["slot"], question["job"], hard=question["hard"])}
        case "socket":
            return {"socket": _socket(folder), "folder": str(folder)}
        case "knock":
            return {"heard": _knock(question["socket"])}
        case "look":
            return look(question)
    raise KeyError(question["what"])


def start(folder: Path, order: Mapping[str, Any]) -> str:
    """Start a slot's worker; the job. One that lives is not started twice, whoever asks."""
    with _alone(folder):
        if (record := _record(folder, order["slot"])) is not None and _told(folder, record)["state"] == "running":
            return str(record["job"])
        source, target = os.pipe()
        if os.fork() == 0:
            os.close(source)
            _keep(folder, order, target)
        os.close(target)
        with os.fdopen(source, encoding="utf-8") as pipe:
            said = pipe.read()
    job, _, trouble = said.partition(" ")
    if not job:
        raise OSError(trouble or "its keeper has ended")
    return job


def stop(folder: Path, slot: str, job: str, *, hard: bool) -> bool:
    """Signal exactly that process; return whether it was there."""
    record = _record(folder, slot)
    if record is None or record["job"] != job or record["boot"] != here().boot:
        return False
    return _signal(int(record["pid"]), float(record["started"]), signal.SIGKILL if hard else signal.SIGTERM)


def look(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is here, for the doctor."""
    data_root = question["data_root"]
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "has_data_root": data_root is None or _expanded(data_root).is_dir(),
    }


def _knock(path: str) -> str:
    """Return what is heard through a tunnel's socket here."""
    with socket.socket(socket.AF_UNIX) as made:
        made.settimeout(KNOCK_S)
        made.connect(path)
        made.sendall(b"PING\r\n")
        return made.recv(100).decode(errors="replace")


def hold(folder: Path) -> None:
    """Keep the connection file of the tunnel that this process is the end of: each line of standard input is one, and
    the end of it is the tunnel's."""
    path, last = folder / "connection.json", b""
    try:
        for line in sys.stdin.buffer:
            last = line
            write_bytes(path, line, private=True)
            print(READY, flush=True)
    finally:
        with suppress(OSError):  # a later tunnel's stays
            if read_regular(path, LARGEST_RECORD) == last:
                path.unlink()
            Path(json.loads(last)["socket"]).unlink()


def _keep(folder: Path, order: Mapping[str, Any], target: int) -> None:
    """Start the worker, and stay until it has ended; never returns."""
    try:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        slot = order["slot"]
        env_file, log = folder / f"{slot}.env", _log(folder, order)
        make_folder(log.parent)
        descriptor = os.open(os.devnull, os.O_RDWR)
        for number in range(3):  # else the connection would wait for us
            os.dup2(descriptor, number)
        content = "".join(f"{name}={value}\n" for name, value in order["secrets"].items())
        write_bytes(env_file, content.encode(), private=True)
        environment = {**os.environ, **order["environment"], order["env_variable"]: str(env_file)}
        words = [*PYTHON, *(str(_expanded(word)) if word.startswith("~/") else word for word in order["words"])]
        with open(log, "ab", opener=plain_file) as file:
            worker = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, cwd=Path.home()
            )
        started = start_time(worker.pid) or 0.0
        record = {"slot": slot, "job": f"{worker.pid}@{started:.2f}", "pid": worker.pid, "started": started}
        record |= {"boot": here().boot, "log": str(log), "keeper": os.getpid()}
        record["keeper_started"] = start_time(os.getpid()) or 0.0
        _write(folder, record)
        os.write(target, str(record["job"]).encode())
        os.close(target)
        code = worker.wait()
        _write(folder, record | {"code": code})
        env_file.unlink(missing_ok=True)
    except Exception as error:  # whatever it is, whoever asked is to hear of it
        with suppress(OSError):
            os.write(target, f" {error}".encode())
    finally:
        os._exit(0)


def _log(folder: Path, order: Mapping[str, Any]) -> Path:
    chosen = order.get("log")
    return (_expanded(chosen) if chosen else folder) / f"{order['slot']}.log"


def _expanded(path: str) -> Path:
    return Path(path).expanduser()


def _told(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a worker stands, by its record and by whether its processes live."""
    if "code" not in record and not _lives(record):
        # Since it was read its keeper may have written down its end, and gone.
        record = _record(folder, record["slot"]) or record
    told = {"job": record["job"], "state": "ended"}
    if "code" in record:
        words = last_lines(Path(record["log"]), TAIL_BYTES)[-TAIL_LINES:] if record["code"] else []
        return told | {"code": record["code"], "words": words}
    if record["boot"] != here().boot:
        return told | {"why": "node_lost"}
    return told | ({"state": "running"} if _lives(record) else {"why": "unknown"})


def _lives(record: Mapping[str, Any]) -> bool:
    """Return whether the worker or its keeper lives."""
    if record["boot"] != here().boot:
        return False
    pairs = (("pid", "started"), ("keeper", "keeper_started"))
    return any(_is_same(int(record[pid]), float(record[started])) for pid, started in pairs)


def _is_same(pid: int, started: float) -> bool:
    """Return whether the process lives that had this number and began then."""
    now = start_time(pid)
    return now is not None and abs(now - started) < 0.011  # of a hundredth, as it is written down


def _signal(pid: int, started: float, number: int) -> bool:
    try:
        # By a descriptor, where there are such: between a look and a signal the number may have become another's.
        descriptor = os.pidfd_open(pid) if sys.platform == "linux" else None
        try:
            if not _is_same(pid, started):
                return False
            if sys.platform == "linux" and descriptor is not None:
                signal.pidfd_send_signal(descriptor, number)
            else:
                os.kill(pid, number)
        finally:
            if descriptor is not None:
                os.close(descriptor)
    except ProcessLookupError:
        return False
    return True


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.job")):
        if (record := _record(folder, path.stem)) is not None:
            yield record


def _record(folder: Path, slot: str) -> dict[str, Any] | None:
    try:
        found = json.loads(read_regular(folder / f"{slot}.job", LARGEST_RECORD))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(folder: Path, record: Mapping[str, Any]) -> None:
    write_bytes(folder / f"{record['slot']}.job", json.dumps(record).encode(), private=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Exclude other questions: one whose connection was cut may still be under way. A keeper does not hold the lock."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX)  # of the process, unlike flock's: a fork has no part in it
        yield
    finally:
        os.close(descriptor)


def _socket(folder: Path) -> str:
    """Return a new path for a tunnel's socket, after that of a former tunnel is removed."""
    if (former := keeper.read_connection(folder)) is not None:
        keeper.remove_socket(Path(former["socket"]))
    return str(launch.socket_path(folder / secrets.token_hex(8)))


def main(arguments: Sequence[str]) -> None:
    """Answer the question on standard input, or hold a tunnel's end."""
    if arguments[:1] == ["hold"]:
        hold(folder_of(arguments[1]))
        return
    try:
        said = answer(json.loads(sys.stdin.buffer.read(LARGEST_QUESTION)))
    except KeyError as error:
        said = {"error": f"does not know {error}"}
    except (OSError, ServerError) as error:
        said = {"error": str(error)}
    print(f"{MARK}{json.dumps({'version': cqltui.__version__, **said})}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
