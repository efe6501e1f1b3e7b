"""The campaign file of a run that goes on: edited, compared with the run, and taken up by it."""

import argparse
import os
import shlex
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from redis.exceptions import RedisError

from cqltui.app import auditing, options, rerun
from cqltui.app.asker import asker
from cqltui.app.before import changes_of
from cqltui.app.dataset import load_data
from cqltui.app.forwarding import forwarded
from cqltui.app.opening import Tell
from cqltui.app.options import RunOptions
from cqltui.app.starting import ensure_supervisor, replace_supervisor
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.trouble import told
from cqltui.broker.server.ownership import expect_ours
from cqltui.child import clean_environment, find_program
from cqltui.errors import CqltuiError, InputError
from cqltui.reporters.difference import difference_lines
from cqltui.results.rundir import RunDir, read_json
from cqltui.state import decode
from cqltui.state.model import Wanted
from cqltui.state.plain import plain
from cqltui.supervisor import manifest
from cqltui.supervisor.lock import is_supervised
from cqltui.ui.ports import FileChanges

EDITORS = ("nano", "vi")
"""Where neither VISUAL nor EDITOR is set."""
SECTIONS = ("data", "phases", "workers", "evaluate", "report")
"""What a file says beside the tasks."""


class RunFile:
    """`ui.ports.CampaignFile`: the file that the run's supervisor was started with, by campaign.json."""

    def __init__(self, run_dir: RunDir, redis_url: str | None, queue: Callable[[], Queue]) -> None:
        """`redis_url`: of the user's own server; None: the embedded one."""
        self._run_dir, self._redis_url, self._queue = run_dir, redis_url, queue
        self.supervised: Callable[[], None] | None = None
        """Starts a supervisor with the file as it was applied last; None if it was not."""

    def path(self) -> Path:
        """Return where the file is. Raises CqltuiError if it is not known, or not here."""
        if not self._run_dir.campaign_json.is_file():
            raise CqltuiError(f"{self._run_dir.path} is not here: edit the campaign file where the run is")
        expect_ours(self._run_dir.path)
        said = read_json(self._run_dir.campaign_json) or {}
        named = decode.text(said, "campaign_path") or decode.text(manifest.known(self._run_dir), "path")
        if not named.startswith("/"):
            raise CqltuiError(
                f"{self._run_dir.campaign_json}: does not say where the campaign file is; use its command"
            )
        if not Path(named).is_file():
            raise CqltuiError(f"{plain(named)}: the campaign file is no longer here; its command names another")
        return Path(named)

    def edit(self, path: Path) -> None:
        """Open it in the user's editor, on this terminal, and wait for its end. Raises CqltuiError."""
        command = [*editor(), str(path)]
        try:
            code = subprocess.run(command, check=False, env=clean_environment()).returncode
        except OSError as error:
            raise CqltuiError(
                f"{command[0]}: cannot be started: {error.strerror}; VISUAL or EDITOR names it"
            ) from error
        if code:
            raise CqltuiError(f"{command[0]} ended with exit code {code}: the file is not applied")

    def changes(self) -> FileChanges:
        """Read the file, and compare it with the run. Raises CqltuiError, with a line for each mistake in the file."""
        chosen, _ = self._read()
        found = changes_of(chosen)
        campaign = rerun.as_begun(*load_data(chosen.campaign), chosen.run_dir)
        known = manifest.known(chosen.run_dir)
        mine = manifest.resolved(campaign, beside=known)
        other = [name for name in SECTIONS if known.get(name) != mine.get(name)]
        lines = difference_lines(found, str(chosen.run_dir.path)) if found.changes else []
        if found.changes:
            other = [name for name in other if name != "phases"]
        elif other:
            lines = ["The tasks stay as they are."]
        if other:
            lines.append(f"What it says otherwise: {', '.join(other)}.")
        return FileChanges(tuple(lines), found.fingerprint)

    def apply(self, changes: FileChanges, tell: Tell) -> None:
        """Have the run go on with the file as it was compared: its supervisor is stopped in good order, so that nothing
        is lost, and another goes on behind the screen. Raises CqltuiError.

        A run that was paused stays so, and the number of workers that was asked for holds unless the file has changed
        it.
        """
        chosen, arguments = self._read()
        auditing.expect_agreed(auditing.at_start(chosen.campaign.data, chosen.run_dir, lambda *_: None), yes=False)
        given = [*forwarded(arguments, chosen.campaign.redis.namespace), "--agreed", changes.fingerprint]
        supervised = partial(ensure_supervisor, chosen, given)
        is_paused, asked = False, 0
        try:
            if is_supervised(chosen.run_dir):
                queue = self._queue()
                is_paused = queue.wanted() is Wanted.PAUSED
                workers = decode.whole(manifest.known(chosen.run_dir).get("workers"), "count")
                asked = queue.asked_workers() if workers == (chosen.campaign.workers.count or 0) else 0
                tell("Stopping the run: its tasks write their checkpoints; then it goes on with the changed file.")
                replace_supervisor(chosen, given, lambda: queue.want(Wanted.STOPPED, asker("screen")))
            else:
                tell("Starting the run with the changed file.")
                supervised()
            self.supervised = supervised
            if is_paused:
                self._queue().want(Wanted.PAUSED, asker("screen"))
            if asked:
                self._queue().ask_workers(asked, asker("screen"))
        except RedisError as error:
            raise CqltuiError(f"{told(error)}: see with cqltui status whether the run goes on") from error

    def _read(self) -> tuple[RunOptions, argparse.Namespace]:
        """Return what is to be run, with the options of the run's command. Raises CqltuiError."""
        arguments = _arguments(read_json(self._run_dir.campaign_json) or {})
        arguments.campaign, arguments.run_dir = self.path(), self._run_dir.path
        campaign = options.as_in(self._run_dir, options.load(arguments))
        return RunOptions(campaign, self._run_dir, self._redis_url or campaign.redis.url), arguments


def editor() -> list[str]:
    """Return the command of the user's editor. Raises CqltuiError if there is none."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    try:
        words = shlex.split(named or "")
    except ValueError as error:
        raise CqltuiError(f"VISUAL or EDITOR is no command: {plain(named or '')}: {error}") from error
    found = words or [path for name in EDITORS if (path := find_program(name))][:1]
    if not found:
        raise CqltuiError("there is no editor: set EDITOR to the one that you like, and start the screen again")
    return found


def _arguments(said: dict[str, object]) -> argparse.Namespace:
    """Return the options of the command that has started the run's supervisor, as far as they are a run's."""
    command = said.get("command")
    words = [str(word) for word in command[1:]] if isinstance(command, list) else []
    if words[:1] in (["supervise"], ["run"]):
        del words[0]
    parser = _Parser(add_help=False)
    options.add_campaign(parser)
    options.add_no_report(parser)
    parser.add_argument("--run-dir")
    found, _ = parser.parse_known_args(words)
    return found


class _Parser(argparse.ArgumentParser):
    """Says what is wrong as an error of ours; campaign.json is not what the user has typed just now."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise InputError(f"campaign.json: the command of the run cannot be read: {plain(message)}")
