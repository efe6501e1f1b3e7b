"""What Slurm is told, and what it says: the words of sbatch, squeue and scancel. Pure."""

import re
import shlex
from collections.abc import Iterator, Mapping

from cqltui.campaign.model import SlurmConfig
from cqltui.placement.protocol import End, Handle, State, Why
from cqltui.placement.starting import END_TS, Starting, shell_lines

WARNING_S = 60
"""So long before its end a job is told of it: a checkpoint and the release of its tasks take a moment."""
LIST = ("squeue", "--me", "--states=all", "--noheader", "-O", "JobID:|,Name:|,State:|,exit_code:|,Reason:|")
"""All jobs of the user by one question, ended ones for some minutes too, whether or not there is an accounting."""
AWAY = re.compile(
    r"unable to contact|connect(ion)? (failure|refused|timed out)|timed? ?out|communication|socket|try again"
    r"|temporarily|in standby mode|not responding",
    re.IGNORECASE,
)
"""Words of a controller that is away, which is waited for."""
_PENDING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD"})
_RUNNING = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"})
_ENDS = {
    "TIMEOUT": Why.TIME_LIMIT,
    "DEADLINE": Why.TIME_LIMIT,
    "CANCELLED": Why.CANCELLED,
    "REVOKED": Why.CANCELLED,
    "PREEMPTED": Why.PREEMPTED,
    "NODE_FAIL": Why.NODE_LOST,
    "BOOT_FAIL": Why.NODE_LOST,
    "OUT_OF_MEMORY": Why.OOM,
}


def submit(slurm: SlurmConfig, starting: Starting, slot: str) -> list[str]:
    """Return the words of sbatch, which takes the script on its standard input."""
    log = str(starting.log(slot)).replace("\\", "\\\\").replace("%", "%%")
    words = ["sbatch", "--parsable", f"--job-name={starting.job_name(slot)}"]
    words += [
        "--no-requeue",
        f"--signal=B:TERM@{WARNING_S}",
        "--nodes=1",
        "--ntasks=1",
        f"--cpus-per-task={slurm.cpus}",
    ]
    words += [f"--output={log}", "--open-mode=append", f"--chdir={starting.folder}"]
    given = {"time": slurm.time, "mem": slurm.memory, "gres": f"gpu:{slurm.gpus}" if slurm.gpus else None}
    return [*words, *_given(_charged(slurm) | given), *slurm.options]


def at_once(slurm: SlurmConfig, script: str, patience_s: int) -> list[str]:
    """Return the words of srun that run a script on a machine of the block if there is one soon, for a minute at most,
    and print what it prints."""
    words = ["srun", "--quiet", f"--immediate={patience_s}", "--ntasks=1", "--time=1", "--chdir=/tmp"]
    return [*words, *_given(_charged(slurm)), "sh", "-c", script]


def _charged(slurm: SlurmConfig) -> dict[str, str | None]:
    return {"partition": slurm.partition, "account": slurm.account, "qos": slurm.qos}


def _given(options: Mapping[str, str | None]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items() if value is not None]


def script(slurm: SlurmConfig, starting: Starting, slot: str) -> str:
    """Return the batch script. The worker takes the shell's place, so that the warning reaches it."""
    lines = ["#!/bin/sh", *shell_lines(starting.environment())]
    lines.append(f'if [ -n "$SLURM_JOB_END_TIME" ]; then export {END_TS}="$SLURM_JOB_END_TIME"')
    if slurm.time is not None and (limit_s := seconds(slurm.time)) is not None:
        lines.append(f"else export {END_TS}=$(($(date +%s) + {limit_s}))")
    lines += ["fi", *slurm.setup, f"exec {shlex.join(starting.worker(slot))}"]
    return "\n".join(lines) + "\n"


def seconds(time: str) -> int | None:
    """Return a limit of time in seconds: "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours",
    "days-hours:minutes" or "days-hours:minutes:seconds"; None for none such."""
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":") if part.isdecimal()]
    if not 1 <= len(parts) <= 3 or len(parts) != rest.count(":") + 1 or (dash and not days.isdecimal()):
        return None
    if dash:
        hours, minutes, secs = (*parts, 0, 0)[:3]
    elif len(parts) == 3:
        hours, minutes, secs = parts
    else:
        hours, minutes, secs = 0, *(*parts, 0)[:2]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + secs


def job_of(said: str) -> str | None:
    """Return the job's number that sbatch prints: "12", or "12;cluster"."""
    last = said.strip().splitlines()[-1:] or [""]
    number = last[0].partition(";")[0].strip()
    return number if number.isdecimal() and len(number) < 20 else None


def jobs(said: str, starting: Starting) -> Iterator[tuple[Handle, State, End | None, str]]:
    """Yield each job of the block that squeue tells of: its handle and state, its end once it has ended, and why it
    waits while it does."""
    for line in said.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) < 4 or not fields[0].isdecimal():
            continue
        number, name, state, code, *more = fields
        if (slot := starting.slot(name)) is not None:
            told = state_of(state)
            reason = more[0] if more and told is State.PENDING and more[0] != "None" else ""
            yield Handle(slot, number), told, end_of(state, code), reason


def state_of(state: str) -> State:
    """Return what a state of Slurm's means; one that is not known is no end."""
    if state in _PENDING:
        return State.PENDING
    if state in _RUNNING:
        return State.RUNNING
    return State.ENDED if state in _ENDS or state in ("COMPLETED", "FAILED", "SPECIAL_EXIT") else State.UNKNOWN


def end_of(state: str, code: str) -> End | None:
    """Return how a job ended: `code` is the status of its batch script as `wait` has it, or "code:signal"."""
    if state_of(state) is not State.ENDED:
        return None
    if (why := _ENDS.get(state)) is not None:
        return End(why)
    exit_code, colon, signal = code.partition(":")
    if not exit_code.isdecimal() or (colon and not signal.isdecimal()):
        return End(Why.EXIT, 0 if state == "COMPLETED" else 1)
    value = int(exit_code)
    status, number = (value, int(signal)) if colon else (value >> 8, value & 0x7F)
    return End(Why.SIGNAL, -number) if number else End(Why.EXIT, status)


def cancel(handle: Handle, state: State | None, grace_s: float) -> Iterator[list[str]]:
    """Yield the words of scancel, one after the other. A worker that runs is told as before its time limit; one that
    waits has nothing to save, and is told too, since it may run by now."""
    if grace_s <= 0:
        yield ["scancel", handle.job]
        if state is not State.PENDING:
            yield ["scancel", "--signal=KILL", "--full", handle.job]
        return
    if state is State.PENDING:
        yield ["scancel", "--state=PENDING", handle.job]
    yield ["scancel", "--signal=TERM", "--batch", handle.job]
