"""Join a queue as a worker, on the run's machine or on another that reaches the server."""

import faulthandler
import logging
import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from cqltui.app import devices, options
from cqltui.app.logform import log_plainly
from cqltui.app.selftest import SelfTests
from cqltui.app.stores import open_store
from cqltui.broker.protocol.records import check_name
from cqltui.broker.server.access import Server
from cqltui.broker.server.ownership import take
from cqltui.errors import InputError
from cqltui.machine import here
from cqltui.placement.starting import END_TS
from cqltui.results.rundir import RunDir, read_json, within
from cqltui.state import decode
from cqltui.state.described import CampaignInfo
from cqltui.store.base import Store
from cqltui.store.errand import PATIENCE_S
from cqltui.store.folder import prove
from cqltui.supervisor import manifest
from cqltui.supervisor.lock import unusable
from cqltui.worker.main import Worker, WorkerOptions, choose_device
from cqltui.worker.timing import Deadline
from cqltui.worker.turn import Turn
from trainer import allowance
from trainer.files import make_folder, plain_file

log = logging.getLogger(__name__)

NAMED_PATIENCE_S = 60.0
"""Of a worker elsewhere that was given the run directory: a supervisor may just be starting again."""


class Joining(Struct, frozen=True):
    """How a worker joins."""

    worker_id: str
    device: str = "auto"
    share: int | None = None
    """Workers that share the device; None: one a core."""
    min_priority: int | None = None
    poll_interval_s: float = 1.0
    data_root: Path | None = None
    """On another machine: the folder that has the file of data."""
    folder: Path | None = None
    """On another machine: where this worker writes; None: below the current folder."""
    store: str | None = None
    """On another machine: the URL of the campaign's objects."""
    turn: Turn = field(default_factory=Turn)
    """For how long."""


def join(joining: Joining, open_run: Callable[[], tuple[Server, RunDir | None]]) -> int:
    """Work until there is nothing left to do. Raise InputError for what cannot be, before the server is asked."""
    check_name("worker", joining.worker_id)
    if (root := joining.data_root) is not None and not root.is_dir():
        raise InputError(f"--data-root: {root}: there is no such folder")
    chosen = joining.device if joining.device == "auto" else choose_device(joining.device)
    server, run_dir = open_run()
    try:
        place, is_here = place_of(server, joining.worker_id, joining.folder, run_dir)
        try:
            log_to(within(place, place.log(joining.worker_id)))
        except OSError as error:  # another user's, for one
            raise unusable(place, error) from error
        device = chosen if chosen != "auto" else choose_device(auto_device(server.queue.campaign(), is_here=is_here))
        settings = WorkerOptions(
            joining.worker_id,
            device,
            joining.min_priority,
            joining.poll_interval_s,
            share=joining.share or (allowance.cores().amount if device == "cpu" else 1),
            shown_device=os.environ.get(devices.SHOWN_DEVICE, ""),
            hands_over=not is_here,
            data_root=root,
            store=_store(server, joining, place if is_here else None),
            deadline=Deadline.told_by(os.environ.get(END_TS)),
            turn=joining.turn,
        )
        return Worker(server.queue, server.another_queue(), place, settings).run()
    finally:
        server.leave()


def auto_device(campaign: Mapping[str, Any], *, is_here: bool) -> str:
    """Return what "auto" is for a worker that joins: where the campaign trains. On another machine than the run's that
    is a device only that has passed its self test there, else the CPU."""
    kind = campaign.get("device")
    if kind == "cpu" or kind not in devices.KINDS:
        return "cpu"
    torch, found = devices.probe()
    device = next((device for device in found if device.kind == kind), None)
    if device is None or not (is_here or SelfTests(torch, log.info).verdict(device).passed):
        log.warning("the campaign trains on %s, which cannot be used here: this worker trains on the CPU", kind)
        return "cpu"
    return device.name


def _store(server: Server, joining: Joining, run_dir: RunDir | None) -> Store:
    """Return where this worker finds and leaves files. Which objects those are our own side says, and not the
    server."""
    url = joining.store
    if url is None and run_dir is not None:
        known = manifest.outlined(run_dir).get("store")
        url = decode.text(known, "url") or None if isinstance(known, Mapping) else None
    campaign = decode.campaign(server.queue.campaign()) if url is not None else None
    name = check_name("campaign", campaign.name) if campaign is not None else ""
    return open_store(server.queue, url, name, campaign.started_ts if campaign is not None else 0.0)


def place_of(
    server: Server, worker_id: str, folder: Path | None = None, named: RunDir | None = None
) -> tuple[RunDir, bool]:
    """Return where to write, and whether that is the run directory itself: on another machine it is a folder of our
    own, from which results travel through the server, unless the supervisor is seen to have the same directory.

    `named`: the run directory that the user has named, of which the same has to be seen on another machine: it may be a
    copy. `folder`: where that of our own is, which is asked for by it. Raises InputError if the server has no campaign.
    """
    if named is not None and server.embedded:  # found by that directory, which is therefore on this machine
        return named, True
    said = server.queue.campaign()
    if named is not None and (not said or _is_same(server, said, named, worker_id)):
        return named, True
    campaign = decode.campaign(said)
    if campaign is None or not campaign.run_dir:
        raise InputError("the campaign on this server has no run directory: it was not started by cqltui")
    # A path means the same where processes do; in doubt results travel through the server, which is never wrong.
    is_here = decode.process(said.get("process")).shares_numbers(here())
    if (
        folder is None
        and named is None
        and (there := _own_run(campaign)) is not None
        and (is_here or _is_shared(server, there, worker_id))
    ):
        return there, True
    name = check_name("campaign", campaign.name)
    own = RunDir(((folder or options.RUNS) / f"{name}@{worker_id}").absolute())
    if own.path.is_symlink():  # in a folder that somebody else has prepared, to lead us into another run
        raise InputError(f"{own.path}: is a link, which is not written to; remove it")
    take(own.path)  # may be open to others, from an archive
    return own, False


def _is_same(server: Server, said: Mapping[str, Any], named: RunDir, worker_id: str) -> bool:
    """Return whether the directory that was named is the run's: where its path means the same, or is seen to."""
    if decode.process(said.get("process")).shares_numbers(here()):
        return True
    return _is_shared(server, named, worker_id, NAMED_PATIENCE_S)


def _is_shared(server: Server, there: RunDir, worker_id: str, patience_s: float = PATIENCE_S) -> bool:
    """Return whether the run directory is the supervisor's own, and not a copy of it on another machine."""
    is_proved = prove(server.queue, there, worker_id, patience_s)
    log.info("%s %s", there.path, "is shared with the supervisor" if is_proved else "is not the supervisor's own")
    return is_proved


def _own_run(campaign: CampaignInfo) -> RunDir | None:
    """Return the run directory that the server names, if it is this user's and its campaign.json is the campaign's.

    Who works for somebody else's server writes nowhere else: its links are resolved first, and what counts is there.
    """
    try:
        there = RunDir(Path(campaign.run_dir).resolve(strict=True))
        folder, file = there.path.stat(), there.campaign_json.lstat()
    except (OSError, ValueError, RuntimeError):  # a null byte; links in a circle
        return None
    known = read_json(there.campaign_json) or {}
    is_ours = (
        stat.S_ISDIR(folder.st_mode) and stat.S_ISREG(file.st_mode) and {folder.st_uid, file.st_uid} == {os.geteuid()}
    )
    said = known.get("campaign")
    name = said.get("name") if isinstance(said, dict) else campaign.name
    return there if is_ours and known.get("created_ts") == campaign.started_ts and name == campaign.name else None


def log_to(path: Path) -> None:
    """Into the worker's file, and to the terminal if there is one."""
    make_folder(path.parent)
    file = open(path, "a", encoding="utf-8", errors="backslashreplace", opener=plain_file)  # noqa: SIM115
    faulthandler.enable(file)  # what kills the process leaves a traceback there
    logging.raiseExceptions = False  # a line that finds no room on a full disk is lost, and no more
    handlers: list[logging.Handler] = [logging.StreamHandler(file)]
    if sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    log_plainly(*handlers)
