"""The fleet in lines: machines and blocks, their workers, what each does, and who waits for a machine. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from cqltui.state.live import live_workers
from cqltui.state.model import WorkerState
from cqltui.state.placed import BlockInfo, JobInfo, block_line
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, clip, left, right

MEBIBYTE = 1024**2
ROOMY = 100
"""Cells from which on names are whole."""
WAITS = {"pending": "waits for a machine", "running": "has a machine, and has not come to the server", "unknown": ""}
"""Of a job whose worker the server does not know, by its state."""


def fleet_lines(frame: Frame, blocks: Sequence[BlockInfo], cells: int) -> tuple[Line, ...]:
    """Return a line of totals, then each block and each machine with its workers. Those that left are left out."""
    workers = {worker.id: worker for _, worker in sorted(frame.state.workers.items()) if not worker.stopped}
    live = {worker.id for worker in live_workers(frame.state, frame.as_of)}
    placed = {job.slot for block in blocks for job in block.jobs}
    lines: list[Line] = [((clip(_totals(frame, workers, live, blocks), cells), "strong"),)]
    if frame.stale:
        lines.append(((clip(f"as of {fmt.stamp(frame.as_of)}", cells), "warning"),))
    hosts: dict[str, list[WorkerState]] = {}
    for worker in workers.values():
        if worker.id not in placed:
            hosts.setdefault(plain(worker.host, 60) or "a machine without a name", []).append(worker)
    for host, there in hosts.items():
        lines += [(), ((clip(f"{host}: {len(there)} worker{'s' * (len(there) > 1)}", cells), "title"),)]
        lines += [_row(worker, worker.id in live, frame, cells, with_host=False) for worker in there]
    for block in blocks:
        lines += [(), ((clip(plain(block_line(replace(block, trouble="")), 400), cells), "title"),)]
        if block.trouble:
            lines.append(((clip(plain(block.trouble, 400), cells), "warning"),))
        lines += _jobs(block, workers, live, frame, cells)
    if not hosts and not blocks:
        lines += [(), (("No worker has come to the server yet, or all have left.", "dim"),)]
    return tuple(lines)


def _totals(frame: Frame, workers: Mapping[str, WorkerState], live: set[str], blocks: Sequence[BlockInfo]) -> str:
    idle = sum(not workers[one].tasks for one in live)
    waiting = sum(job.state == "pending" for block in blocks for job in block.jobs)
    machines = len({workers[one].host for one in live})
    parts = [f"{machines} machine{'s' * (machines != 1)}", f"{len(live) - idle} at work"]
    for count, what in ((idle, "idle"), (len(workers) - len(live), "silent"), (waiting, "waiting for a machine")):
        if count:
            parts.append(f"{count} {what}")
    speed = sum(workers[one].samples_per_s for one in live)
    return "   ".join((*parts, f"{fmt.count(speed)} samples/s"))


def _jobs(
    block: BlockInfo, workers: Mapping[str, WorkerState], live: set[str], frame: Frame, cells: int
) -> Iterator[Line]:
    for job in block.jobs:
        worker = workers.get(job.slot)
        # The hash of a former worker of this slot may be there while the next one waits.
        if worker is not None and (job.state != "pending" or worker.id in live):
            yield _row(worker, worker.id in live, frame, cells, with_host=True)
        else:
            yield _waiting(job, cells)


def _waiting(job: JobInfo, cells: int) -> Line:
    said = WAITS.get(job.state) or "its engine does not tell how it stands"
    reason = f": {plain(job.reason)}" if job.reason else ""
    name = _name(cells)
    text = f"{said}{reason} (job {plain(job.job, 40)})"
    role = "queued" if job.state == "pending" else "warning"
    return (("… ", role), (left(plain(job.slot), name), "text"), ("  ", "text"), (clip(text, cells - name - 4), role))


def _row(worker: WorkerState, live: bool, frame: Frame, cells: int, *, with_host: bool) -> Line:
    name, host = _name(cells), (20 if cells >= ROOMY else 12) if with_host else 0
    titles = [frame.state.tasks[t].info.title or t if t in frame.state.tasks else t for t in worker.tasks]
    doing = (f"{len(titles)} tasks: " if len(titles) > 1 else "") + plain(titles[0]) if titles else "idle"
    memory = f"{worker.memory_bytes / MEBIBYTE:,.0f}M" if worker.memory_bytes else fmt.NONE
    silent = f"silent for {fmt.duration(frame.as_of - worker.ts)}"
    return (
        ("● " if live else "○ ", "done" if live else "dead"),
        (left(plain(worker.id), name), "text"),
        (left(f" {plain(worker.host)}", host), "dim"),
        (left(f" {plain(worker.device)}", 7), "dim"),
        (right(f"{fmt.scaled(worker.samples_per_s)}/s", 9), "text"),
        (right(memory, 8), "dim"),
        ("  ", "text"),
        (clip(doing if live else silent, cells - name - host - 28), "text" if live and titles else "dim"),
    )


def _name(cells: int) -> int:
    return 20 if cells >= ROOMY else 12
