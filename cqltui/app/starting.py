"""Start the supervisor behind a screen, or join the one that a run has."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cqltui.app import auditing, options, rerun
from cqltui.app.dataset import load_data
from cqltui.app.opening import Tell
from cqltui.app.options import RunOptions
from cqltui.broker.server.ownership import take
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.child import PYTHON
from cqltui.errors import CqltuiError, ExitCode, InputError
from cqltui.results.rundir import RunDir, read_json
from cqltui.supervisor import manifest
from cqltui.supervisor.lastwords import last_words
from cqltui.supervisor.lock import is_supervised, place, unusable
from trainer.files import make_folder, plain_file

START_S = 300.0
"""A supervisor may test devices first, which takes `app.selftest.LIMIT_S` at most for each."""
STOP_S = 180.0
"""A run that is asked to stop ends its workers after a minute."""
POLL_S = 0.05


def check(chosen: RunOptions, tell: Tell, *, yes: bool) -> None:
    """Raise InputError for data that cannot be used or trusted, or for a folder that cannot be a run's, which is made.

    `tell` says what is waited for; `yes`: data that the leak audit finds wrong is trained on all the same.
    """
    tell("Reading the data.")
    load_data(chosen.campaign)  # wrong input leaves nothing behind
    if is_supervised(chosen.run_dir):  # it is joined, or refused
        return

    def step(what: str, done: int = 0, total: int = 0) -> None:
        tell(f"{what.capitalize()}.")

    audited = auditing.at_start(chosen.campaign.data, chosen.run_dir, step)
    auditing.expect_agreed(audited, yes=yes)
    make(chosen.run_dir)
    auditing.keep(chosen.run_dir, audited)


def ensure_supervisor(chosen: RunOptions, arguments: Sequence[str]) -> None:
    """Start a supervisor in a session of its own unless the run has one; returns when the run can be attached to."""
    campaign, data = load_data(chosen.campaign)  # wrong input is told here, not in a log
    if is_supervised(chosen.run_dir):
        _join(chosen.run_dir, campaign, data)
        return
    child = _start(chosen, arguments)
    try:
        _wait_ready(chosen.run_dir, child)
    except CqltuiError:
        if child.poll() is None or not is_supervised(chosen.run_dir):
            raise
        _join(chosen.run_dir, campaign, data)  # another start, at the same moment, was first


def replace_supervisor(chosen: RunOptions, arguments: Sequence[str], stop: Callable[[], object]) -> None:
    """Have another supervisor go on with the run, once the one that it has has heeded `stop`; return when the run can
    be attached to. Whoever calls this may die meanwhile: the other one waits already. Raises CqltuiError."""
    child = _start(chosen, [*arguments, "--in-turn"])
    try:
        stop()
    except BaseException:
        child.terminate()
        raise
    _wait_ready(chosen.run_dir, child)


def wait_turn(run_dir: RunDir) -> None:
    """Wait until the run has no supervisor. Raises CqltuiError."""
    deadline = time.monotonic() + STOP_S
    while is_supervised(run_dir):
        if time.monotonic() > deadline:
            raise CqltuiError(
                f"the run has been asked to stop and has not after {STOP_S:.0f} s; once it has, its command goes "
                f"on with the changed file (cqltui status {place(run_dir)})"
            )
        time.sleep(POLL_S)


def _start(chosen: RunOptions, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    make(chosen.run_dir)
    with open(chosen.run_dir.logs / "supervisor.log", "ab", opener=plain_file) as log:
        return subprocess.Popen(
            [*PYTHON, "-m", "cqltui", "supervise", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=options.environment_with(chosen.redis_url),
        )


def _join(run_dir: RunDir, campaign: Campaign, data: DataSummary) -> None:
    """Wait until the run that another process supervises can be attached to; expect it to be of this campaign."""
    _wait_ready(run_dir, None)
    known = manifest.known(run_dir)
    _expect_same(run_dir, known, manifest.resolved(rerun.as_begun(campaign, data, run_dir), beside=known))


def make(run_dir: RunDir) -> None:
    """Make a run's directory and that of its logs. Raise InputError if it cannot be."""
    try:
        make_folder(run_dir.path)
        take(run_dir.path)
        make_folder(run_dir.logs)
    except OSError as error:
        raise unusable(run_dir, error) from error


def _expect_same(run_dir: RunDir, known: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    """Raise InputError if the run that goes on is of another version of the file, or of other options."""
    other = [key for key in ("data", "phases", "workers") if known.get(key) != mine[key]]
    if other:
        raise InputError(
            f"{run_dir.path}: the run that goes on has other settings ({', '.join(other)}). See it with "
            f"`cqltui attach {place(run_dir)}`; to change it: `cqltui stop {place(run_dir)}`, then this command again"
        )


def _wait_ready(run_dir: RunDir, child: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        said = read_json(run_dir.path / "supervisor.json")
        if said is not None and said.get("ready") and (child is None or said.get("pid") == child.pid):
            return
        code = child.poll() if child is not None else None if is_supervised(run_dir) else 0
        if code is not None:
            raise _failure(run_dir, code)
        time.sleep(POLL_S)
    raise CqltuiError(f"the supervisor is not ready after {START_S:.0f} s: see {run_dir.logs / 'supervisor.log'}")


def _failure(run_dir: RunDir, code: int) -> CqltuiError:
    log = run_dir.logs / "supervisor.log"
    text = "\n".join(["the supervisor did not start:", *(f"  {line}" for line in last_words(log)[-5:]), f"see {log}"])
    return InputError(text) if code == ExitCode.INPUT else CqltuiError(text)
