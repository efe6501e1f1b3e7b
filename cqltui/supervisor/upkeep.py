"""Keeps the server, and the queue on it, true to the run directory."""

import logging
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cqltui
from cqltui.broker.server.access import Server
from cqltui.broker.server.connect import eviction
from cqltui.broker.server.epoch import open_epoch
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.errors import InputError
from cqltui.identity import Life
from cqltui.machine import life, machine_id
from cqltui.results.rundir import RunDir
from cqltui.state import decode
from cqltui.state.described import CampaignInfo
from cqltui.state.live import live_workers
from cqltui.state.model import RunState, Wanted
from cqltui.state.reduce import reduce
from cqltui.supervisor.audit import Audit
from cqltui.supervisor.records import Records
from cqltui.supervisor.sizing import Sizing
from cqltui.supervisor.submissions import submissions
from cqltui.supervisor.submit import submit

log = logging.getLogger(__name__)


class Upkeep:
    """What is finished is true in the run directory; if the server's data is lost or outdated, it is made again."""

    def __init__(
        self,
        server: Server,
        run_dir: RunDir,
        campaign: Campaign,
        data: DataSummary,
        records: Records,
        sizing: Sizing,
        describe: Callable[[RunState], Mapping[str, Any]],
    ) -> None:
        """`describe`: the run as `state.decode.campaign` reads it."""
        self._server = server
        self._queue = server.queue
        self._run_dir = run_dir
        self._campaign = campaign
        self._data = data
        self._records = records
        self._sizing = sizing
        self._describe = describe
        self._asked: Wanted | None = None
        """What somebody asked of the run while the server's data was lost: they were told that it was done."""
        ids = [task.id for task in campaign.tasks]
        self._audit = Audit(server.queue, records, ids, lambda: submissions(campaign, data))

    def open(self, created_ts: float) -> None:
        """Take the queue over at the start. Raises InputError if it is another run's, RedisError and CqltuiError."""
        self._fill(None, discard=self._is_former(created_ts))
        self._forget_workers()
        self._tell_aside()
        if (warning := eviction(self._queue.client)) is not None:
            log.warning("%s", warning)
            self._queue.notice("warning", warning)

    def ensure(self, state: RunState) -> None:
        """Bring the server back if it is ours to bring, and its queue if it was lost. Raises RedisError, CqltuiError
        and OSError, and may be called again."""
        self._server.restart()
        self._fill(state, discard=False)
        self._tell_aside()

    def audit(self, state: RunState) -> None:
        """Notice what a server that is there has lost, and make it again. Raises as `ensure` does."""
        self._server.expect_reachable()
        self._audit.step(state)

    def tell(self, state: RunState) -> None:
        """How the run and its criteria stand. Raises RedisError."""
        self._queue.set_campaign(self._describe(state))

    def _fill(self, state: RunState | None, *, discard: bool) -> None:
        path, namespace, known = self._run_dir.server / "epoch", self._campaign.redis.namespace, self._records.version
        self._asked = self._queue.asked_since_loss() or self._asked
        _, rebuilt = open_epoch(self._queue.client, path, namespace, known, self._server.keep_data, discard=discard)
        if rebuilt:
            log.warning("the server's data was lost or outdated: the queue is made again from the run directory")
            self._queue.notice("warning", "the server's data was lost: the queue was made again from the run directory")
        filled = self._queue.is_filled()
        self._queue.set_workers(self._sizing.total)
        self._queue.set_program(cqltui.__version__)  # before there are tasks
        wanted = None if state is None or filled else self._asked or state.wanted
        if wanted is not None and wanted is not Wanted.RUNNING:
            self._queue.want(wanted)  # before too: workers ask for tasks while they come back
        submit(self._queue, self._campaign, self._data, self._records)
        if wanted is not None and state is not None:
            self.tell(state)
            self._queue.want(wanted)  # what a pause of the campaign has held goes on, now that it is there
            self._sizing.put_back()
        self._queue.set_filled()  # last: whoever is interrupted before begins again
        self._asked = None

    def _forget_workers(self) -> None:
        """Those that spoke last before anybody used this server: in a copied run directory they are the original's,
        and live."""
        since = self._server.fresh_ts
        workers = reduce(RunState(), self._queue.snapshot()).workers.values() if since else ()
        for worker in workers:
            if worker.ts < since and life(worker.process) is not Life.DEAD:  # a death is noticed, and told
                self._queue.unregister_worker(worker.id)

    def _tell_aside(self) -> None:
        if (aside := self._server.take_set_aside()) is not None:
            log.warning("the server's data was damaged, and is kept in %s", aside)
            self._queue.notice("warning", f"the server's data was damaged, and is kept in {aside}")

    def _is_former(self, created_ts: float) -> bool:
        """Return whether the server still holds an earlier run of this very directory, which was moved aside since.

        Raises InputError if it holds another run that has not finished.
        """
        if self._server.embedded:
            return False
        said = self._queue.campaign()
        other = decode.campaign(said)
        if other is None or not other.run_dir:
            return False
        if other.run_dir == str(self._run_dir.path) and self._is_ours(said, other, created_ts):
            return other.started_ts != created_ts
        if other.started_ts == created_ts and self._was_moved(said, other):
            return False
        if self._queue.is_finished():
            return True
        raise InputError(
            f"this server holds the queue of another run, {other.run_dir} on {decode.text(said, 'host')}, which has "
            "not finished: end that one (cqltui stop), or give this campaign a name of its own on the server, "
            '[redis] namespace = "..." in its file'
        )

    def _was_moved(self, said: Mapping[str, Any], other: CampaignInfo) -> bool:
        """Return whether the directory of that run is no more where it was on this machine, and nobody works there."""
        if decode.process(said.get("process")).machine != machine_id() or Path(other.run_dir).exists():
            return False
        return not live_workers(reduce(RunState(), self._queue.snapshot()), time.time())

    def _is_ours(self, said: Mapping[str, Any], other: CampaignInfo, created_ts: float) -> bool:
        """Return whether the run of that path is one of this directory, and not of another machine's of the same
        path."""
        machine = decode.process(said.get("process")).machine
        if machine == machine_id() or (not machine and said.get("host") == socket.gethostname()):
            return True
        # The directory knows the run, whose machine is another or has changed its name: it may be a shared one, or a
        # copy of one where the run goes on.
        state = reduce(RunState(), self._queue.snapshot())
        return other.started_ts == created_ts and not live_workers(state, time.time())
