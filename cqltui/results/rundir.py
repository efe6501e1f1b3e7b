"""The run directory: where everything lies, and how files are read and written so that a crash leaves them whole."""

import codecs
import csv
import errno
import io
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple, fields

from cqltui.broker.server.ownership import close_to_others
from cqltui.state import decode
from trainer.files import not_plain, read_regular, write_bytes
from trainer.progress import METRIC_COLUMNS, EpochMetrics

RESULT_FILES = ("metrics.csv", "model.safetensors", "q_heldout.safetensors", "result.json")
"""What an attempt leaves when it is done. result.json is the last: where it is, the others are whole."""
LARGEST = 1 << 29
"""Bytes of a metrics.csv."""
CAMPAIGN_BYTES = 1 << 27
"""Of a campaign.json, summary.json or an evaluation. A campaign.json of an earlier version, which lists each task, has
half of them for 100,000."""
RESULT_BYTES = 16 << 20
"""Of a result.json: as many as one may have on its way through the server."""
SMALL_BYTES = 1 << 20
"""Of any other document: that of a task has some thousand."""
MEASURED = frozenset(field.name for field in fields(EpochMetrics) if field.required)
"""Columns of a metrics.csv that have a value in each row."""
METRICS_HEADER = f"{','.join(METRIC_COLUMNS)}\n".encode()
AUDIT_FORMAT = "cqltui.audit/1"
"""What an audit.json says that it is."""
STAYS = "[stays here]"
"""Marks a line of a worker's log that quotes the user's data: it goes to nobody else when the worker dies."""
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""What may become a file's name: ids and tokens come over the network, and must not lead out of the directory."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class _At:
    """A fixed place within the directory."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, run_dir: "RunDir", _: object = None) -> Path:
        return run_dir.path / self._name


class RunDir(Struct, frozen=True):
    """Paths within the directory of one run. Makes no folder and reads no file."""

    path: Path

    campaign_json = _At("campaign.json")
    """The campaign as it was resolved, with versions and the data's digest."""
    audit_json = _At("audit.json")
    """The leak audit of its data, as it was when the run was started with it."""
    journal = _At("journal.jsonl")
    """Lifecycle events, one JSON object a line."""
    history = _At("history.jsonl")
    """How the run stood every few seconds, one JSON object a line."""
    notified_json = _At("notified.json")
    """What the user's program and webhook have been told."""
    server = _At("server")
    """The embedded server's own folder."""
    logs = _At("logs")
    """One log a process."""
    proofs = _At("proofs")
    """What workers on other machines and the supervisor write, each for the other to see."""
    tasks = _At("tasks")
    """One folder a task."""
    results = _At("results")
    """Tables and summary."""
    earlier = _At("results/earlier")
    """Tables and summaries of what the run was before its file changed."""
    evaluation = _At("evaluation")
    """What the networks are worth."""
    evaluation_json = _At("evaluation/evaluation.json")
    """Every figure with its interval."""
    bets_csv = _At("evaluation/bets.csv")
    """A row for each bet of each policy."""
    bets_parquet = _At("evaluation/bets.parquet")
    """The same rows, typed, where pyarrow is installed."""
    validation_json = _At("evaluation/validation.json")
    """The same of validation rows, as `cqltui evaluate --validation` has asked for it."""
    validation_bets_csv = _At("evaluation/validation_bets.csv")
    """Its bets."""
    validation_bets_parquet = _At("evaluation/validation_bets.parquet")
    """The same, typed."""
    test_opened = _At("evaluation/test_opened.jsonl")
    """When, by which code and why the test rows were looked at."""
    report = _At("report")
    """The report: page, figures, tables."""
    report_html = _At("report/report.html")
    """Its page, one file."""
    report_json = _At("report/report.json")
    """What it was made of, and its files."""
    export = _At("export")
    """What other programs read of the run, a folder a kind, as `cqltui export` has written it."""
    summary_json = _At("results/summary.json")
    """The summary for programs."""
    summary_txt = _At("results/summary.txt")
    """The summary for people."""
    answers_json = _At("results/answers.json")
    """The answers to the questions for programs, where figures answer any."""

    def phase_csv(self, number: int, phase: str) -> Path:
        """Return the table of a phase. `number` counts from 1."""
        return self.results / f"phase{number}_{_safe(phase)}_results.csv"

    def guest(self, block: str) -> Path:
        """Return the file by which workers of a block find the embedded server from elsewhere, and are let in."""
        return self.server / f"{block}.guest"

    def log(self, worker_id: str) -> Path:
        """Return a worker's log."""
        return self.logs / f"{_safe(worker_id)}.log"

    def task(self, task_id: str) -> Path:
        """Return a task's folder: task.json and the files of its accepted result."""
        return self.tasks / _safe(task_id)

    def task_json(self, task_id: str) -> Path:
        """Return where the task was when it was last written down."""
        return self.task(task_id) / "task.json"

    def metrics_csv(self, task_id: str) -> Path:
        """Return the accepted run's metrics, a row an epoch."""
        return self.task(task_id) / "metrics.csv"

    def model(self, task_id: str) -> Path:
        """Return the accepted run's weights."""
        return self.task(task_id) / "model.safetensors"

    def q_heldout(self, task_id: str) -> Path:
        """Return the accepted run's Q values of the validation rows."""
        return self.task(task_id) / "q_heldout.safetensors"

    def result_json(self, task_id: str) -> Path:
        """Return the accepted result."""
        return self.task(task_id) / "result.json"

    def run(self, task_id: str, run: int) -> Path:
        """Return the folder of one run of a task; a resubmission is a new run."""
        return self.task(task_id) / f"run-{int(run)}"

    def attempt(self, task_id: str, run: int, token: str) -> Path:
        """Return the folder in which the holder of that token writes, and nobody else."""
        return self.run(task_id, run) / _safe(token)


def is_writable(run_dir: RunDir) -> bool:
    """Return whether it is this user's, and can be written to; else it may be looked at only. It is known to exist."""
    return run_dir.path.stat().st_uid == os.geteuid() and os.access(run_dir.path, os.W_OK)


def within(run_dir: RunDir, folder: Path) -> Path:
    """Return a folder of the run directory, once no link on the way leads elsewhere, and nobody else can put one there.
    Raises OSError."""
    place = run_dir.path
    for name in folder.relative_to(run_dir.path).parts:
        place /= name
        try:
            found = place.lstat()
        except (FileNotFoundError, NotADirectoryError):  # it will be made, or cannot
            break
        if stat.S_ISLNK(found.st_mode):
            raise not_plain(place)
        if found.st_uid not in (os.geteuid(), 0):
            raise PermissionError(errno.EPERM, f"{place} belongs to another user (uid {found.st_uid}); remove it")
        close_to_others(place)
    return folder


def _safe(name: str) -> str:
    if not SAFE_NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} cannot name a file: expected letters, digits and . _ : - only")
    return name


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, atomically; the same value gives the same bytes. A half of a surrogate pair, as of a path
    that is no UTF-8, becomes a question mark."""
    content = json.dumps(value, indent=1, ensure_ascii=False).encode(errors="replace") + b"\n"
    write_bytes(path, content)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file, or None if the file is missing, cannot be read, is larger than what it is about
    can need, or holds something else."""
    try:
        return parse_json(path)
    except (OSError, ValueError):
        return None


def why_unreadable(path: Path) -> str:
    """Return why `read_json` finds nothing in a file; empty where it finds something, or there is no file."""
    try:
        parse_json(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except ValueError as error:
        empty = isinstance(error, json.JSONDecodeError) and not error.doc.strip()
        return "is empty" if empty else f"is no JSON: {error}"
    return ""


def parse_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises OSError and ValueError. A half of a surrogate pair is an error, as it is
    to `codec.decode_object`: no message and no file can carry it on."""
    text = read_regular(path, largest_json(path)).removeprefix(codecs.BOM_UTF8).decode()
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, found {type(value).__name__}")
    return value


def largest_json(path: Path) -> int:
    """Return how many bytes a document of that name may have."""
    names = ("campaign.json", "summary.json", "answers.json", "evaluation.json", "validation.json", "notified.json")
    return (dict.fromkeys(names, CAMPAIGN_BYTES) | {"result.json": RESULT_BYTES}).get(path.name, SMALL_BYTES)


def read_metrics(path: Path) -> tuple[EpochMetrics, ...]:
    """Return the rows of a metrics.csv up to the first that is damaged or cut off; none if there is no file.

    A writer that is killed leaves a torn last line, and what comes before it is still true.
    """
    try:
        content = read_regular(path, LARGEST)
    except OSError:
        return ()
    return tuple(metrics_rows(content))


def metrics_rows(content: bytes) -> Iterator[EpochMetrics]:
    """Yield the rows of a metrics.csv, one after the other as they are wanted, up to the first that is damaged."""
    whole = content[: content.rfind(b"\n") + 1].decode(errors="replace")
    rows = csv.reader(whole.splitlines())
    try:
        header = next(rows, [])
        if len(set(header)) == len(header) and set(header) >= MEASURED:
            for row in rows:
                yield _metrics(header, row)
    except (ValueError, csv.Error):  # the last: a field of more than 128 KiB
        return


def metrics_lines(rows: Iterable[EpochMetrics]) -> bytes:
    """Return the rows as metrics.csv holds them, below `METRICS_HEADER`; `read_metrics` gives the same figures back."""
    text = io.StringIO()
    table = (["" if value is None else value for value in astuple(row)] for row in rows)
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue().encode()


def _metrics(header: list[str], row: list[str]) -> EpochMetrics:
    """Return one row. Columns that an earlier version did not write are None. ValueError if it is damaged."""
    if len(row) != len(header):
        raise ValueError("a row of metrics.csv has the wrong number of columns")
    cells = {name: cell for name, cell in zip(header, row, strict=True) if name in METRIC_COLUMNS and name != "epoch"}
    values: dict[str, Any] = {n: float(c) if c or n in MEASURED else None for n, c in cells.items()}
    epoch = int(row[header.index("epoch")])
    if not 0 < epoch <= decode.LARGEST:
        raise ValueError("a row of metrics.csv is of an epoch that cannot be")
    return EpochMetrics(epoch, **values)
