"""The worker process: claim, train, report, until there is nothing left to do or it is told to leave."""

import gc
import logging
import os
import platform
import signal
import socket
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path
from pkgutil import resolve_name
from types import FrameType

import numpy as np
import psutil
from msgspec import Struct, field, to_builtins

import cqltui
from cqltui.broker.protocol.queue import Queue
from cqltui.child import STARTED_BY
from cqltui.errors import InputError
from cqltui.machine import here
from cqltui.results.rundir import RunDir
from cqltui.store.base import Store
from cqltui.worker.context import Context
from cqltui.worker.heartbeat import Heartbeat, interval_s
from cqltui.worker.link import Link
from cqltui.worker.session import Session
from cqltui.worker.timing import Deadline
from cqltui.worker.turn import Turn
from trainer import memory
from trainer.engines import engine
from trainer.packing import PACK_LIMIT
from trainer.threads import one_thread

log = logging.getLogger(__name__)

IDLE_LEAVE_S = 600.0
MEMORY_SHARE = 0.8
"""Of the memory that is free, the share that packs may take."""


class WorkerOptions(Struct, frozen=True):
    """What the command line says."""

    worker_id: str
    device: str
    """A torch device, resolved."""
    min_priority: int | None = None
    poll_interval_s: float = 1.0
    share: int = 1
    """Workers that the device's memory is for, this one included."""
    shown_device: str = ""
    """What the device is called outside of this process, which may see one GPU only; empty: the same."""
    hands_over: bool = False
    """The run directory is on another machine."""
    data_root: Path | None = None
    """A folder that has the file of data, in place of where the run says that it is."""
    store: Store | None = None
    """Where files travel; None: through the server."""
    deadline: Deadline = field(default_factory=Deadline)
    """When this machine is taken away."""
    turn: Turn = field(default_factory=Turn)
    """For how long this campaign has the process."""


class Worker:
    """One process, one thread of computation, one pack at a time."""

    def __init__(self, queue: Queue, beat_queue: Queue, run_dir: RunDir, options: WorkerOptions) -> None:
        """`beat_queue`: the same queue over a connection of its own, for the heartbeat's thread."""
        engine(options.device, "fp32")  # one that cannot be loaded is told before the server hears of this process
        gc.freeze()  # it stays to the end: garbage is not looked for in it again and again
        process = psutil.Process()
        self._beat_queue = beat_queue
        self._options = options
        self._stop = threading.Event()
        self._session: Session | None = None
        self._limit = PACK_LIMIT
        self._longest_epoch_s = 0.0
        self._process = process
        self._worker = {
            "id": options.worker_id,
            "pid": process.pid,
            "process": to_builtins(here()),
            "host": socket.gethostname(),
            "device": options.shown_device or options.device,
            "program": cqltui.__version__,
            "started_by": os.environ.get(STARTED_BY, ""),
            "started_ts": time.time(),
            "memory_total_bytes": memory.total_bytes(options.device),
        }
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # before the server hears of this process
            signal.signal(number, self._on_signal)
        if options.turn.is_stopped:
            self._stop.set()
        self._timer = self._leave_in_time()  # which may be while it waits for the server, or for a place there
        self._link = Link(queue, options.worker_id, self._worker, self._stop, options.turn.user)
        own = (self._link, self._worker, run_dir, versions(), self._stop, options.hands_over)
        self._context = Context(*own, store=options.store)
        self._context.memory_bytes = self._memory_bytes
        self._context.device = options.device
        self._context.data_root = options.data_root
        self._heartbeat = Heartbeat(self._beat)

    def run(self) -> int:
        """Work until the queue is idle for ten minutes or a signal says to stop; the exit code. Raises InputError for
        data that this machine lacks."""
        one_thread()
        log.info("worker %s on %s, pid %d", self._options.worker_id, self._options.device, os.getpid())
        self._heartbeat.start()
        try:
            self._loop()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._heartbeat.stop()
            self._link.sign_off()
            log.info("worker %s leaves", self._options.worker_id)
        if self._context.unable:
            raise InputError(self._context.unable)
        return 0

    def _loop(self) -> None:
        idle_since = time.monotonic()
        while not self._stop.is_set():
            if not self._options.deadline.is_enough(self._longest_epoch_s):
                log.info("the time that is left here is too short for a further task")
                return
            if claims := self._link.claim(self._limit, self._options.min_priority, self._free_bytes()):
                self._session = Session(self._context, claims)
                self._heartbeat.pace(interval_s(self._session.lease_s))
                if not self._session.run():  # the memory was not enough, whatever the estimate said
                    self._limit = max(1, len(claims) // 2)
                self._longest_epoch_s = max(self._longest_epoch_s, self._session.clock.longest_s)
                self._session = None
                idle_since = time.monotonic()
                if self._options.turn.session_ended():
                    return
            elif self._options.turn.found_nothing():
                return
            elif time.monotonic() - idle_since > IDLE_LEAVE_S:
                log.info("nothing to do for %.0f minutes", IDLE_LEAVE_S / 60)
                return
            else:
                self._stop.wait(self._options.poll_interval_s)

    def _leave_in_time(self) -> threading.Timer | None:
        """Stop before the machine goes, though nobody says so then."""
        left_s = self._options.deadline.left_s
        if left_s > threading.TIMEOUT_MAX:
            return None
        timer = threading.Timer(max(0.0, left_s), self._stop.set)
        timer.daemon = True
        timer.start()
        return timer

    def _beat(self) -> None:
        session = self._session
        leases = session.leases() if session else {}
        data = session.figures() if session else {"samples_per_s": 0.0, "memory_bytes": self._memory_bytes()}
        directives = self._link.beat(self._beat_queue, leases, data)
        if session:
            session.directives(directives)
        self._options.turn.beat()

    def _free_bytes(self) -> int:
        """Return what a pack may take. Workers of one device share its memory."""
        free = memory.free_bytes(self._options.device, psutil.virtual_memory().available)
        return int(free // self._options.share * MEMORY_SHARE)

    def _memory_bytes(self) -> int:
        return memory.held_bytes(self._options.device, int(self._process.memory_info().rss))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stop.is_set() and number == signal.SIGINT:
            sys.exit(130)
        self._stop.set()
        self._options.turn.stop()


def choose_device(wanted: str) -> str:
    """Return the torch device that `--device` means here. Raises InputError."""
    if wanted == "cpu":
        return wanted
    devices = resolve_name("trainer.devices")  # with PyTorch, which training on the CPU needs for nothing
    try:
        return str(devices.choose(wanted, [device.name for device in devices.probe()]))
    except ValueError as error:
        raise InputError(f"--device: {error}") from error


def versions() -> dict[str, str]:
    """Return what a result was computed with."""
    return {
        "cqltui": cqltui.__version__,
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": np.__version__,
        "platform": platform.platform(),
    }
