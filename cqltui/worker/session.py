"""Train one pack of claimed tasks until each member has ended, one way or another."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

from cqltui.broker.records import Claim, Directive
from cqltui.campaign import payload
from cqltui.errors import CqltuiError
from cqltui.results.rundir import RESULT_FILES, RunDir
from cqltui.state.model import Status
from cqltui.worker.attempt import Attempt
from cqltui.worker.link import PATIENCE_S, UNREACHABLE, Link
from trainer import data
from trainer.checkpoint import CheckpointError
from trainer.config import DataConfig
from trainer.data.types import DataError, Dataset, Float
from trainer.model import write_model
from trainer.train import PackTrainer

log = logging.getLogger(__name__)

PROGRESS_INTERVAL_S = 0.4
MAX_ATTEMPTS = 3
RETRY_S = 10.0
MAX_RETRY_S = 600.0
LEAVE_S = 10.0
"""How long a worker that is to leave waits for a server that does not answer."""
HOPELESS = (DataError, CheckpointError, CqltuiError, ValueError, KeyError, TypeError)
"""What another attempt would meet again."""


def retry_s(attempt: int) -> float | None:
    """Seconds until the next attempt after a failure of this one; None: no more."""
    return None if attempt >= MAX_ATTEMPTS else min(RETRY_S * 2 ** (attempt - 1), MAX_RETRY_S)


OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")
"""What a RuntimeError of PyTorch says, on a CPU (of several systems) or on MPS: they have no exception of their own."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether less work at once might do."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(said in str(error) for said in OUT_OF_MEMORY)
    )


@dataclass(slots=True)
class Context:
    """What a worker process has, for all of its sessions."""

    link: Link
    worker: dict[str, Any]
    """id, pid, host, device, started_ts."""
    run_dir: RunDir
    versions: dict[str, str]
    stop: threading.Event
    """Set: checkpoint, give the tasks back, leave."""
    hands_over: bool = False
    """The run directory is on another machine: results travel through the server."""
    memory_bytes: Callable[[], int] = lambda: 0
    """What this process holds on its device now."""
    datasets: dict[str, Dataset] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """The torch device trained on."""
        return str(self.worker["device"])

    def dataset(self, config: DataConfig, digest: str) -> Dataset:
        """The task's data, checked to be what the campaign was planned with."""
        if digest not in self.datasets:
            loaded = data.load(config)
            if loaded.digest() != digest:
                where = config.path or f"the {config.source} source"
                raise DataError(f"{where}: the data is not what the task was submitted with. Run the campaign again.")
            self.datasets = {digest: loaded}
        return self.datasets[digest]


class Session:
    """One pack. `directives` may be called from another thread."""

    def __init__(self, context: Context, claims: Sequence[Claim]) -> None:
        self._context = context
        self._queue = context.link.queue
        self._waiting = {claim.id: claim for claim in claims}
        """Claims that are neither ended nor in `_attempts` yet."""
        self._attempts: list[Attempt] = []
        self._directives: dict[str, Directive] = {}
        self._next_report = 0.0
        self._steps = 0
        self._heldout: Float = np.empty((0, 0), dtype=np.float32)
        """States of the held-out rows, [N, D]."""

    def leases(self) -> dict[str, str]:
        """Task id to token of what this session holds."""
        held = {claim.id: claim.token for claim in list(self._waiting.values())}
        return held | {attempt.id: attempt.claim.token for attempt in list(self._attempts)}

    def directives(self, said: Mapping[str, Directive]) -> None:
        """What the server asks for, by task id."""
        self._directives.update(said)

    @property
    def samples_per_s(self) -> float:
        """Of all members together."""
        return sum(a.last.samples_per_s for a in list(self._attempts) if a.last)

    def figures(self) -> dict[str, float]:
        """How the worker does, with every report: a reader keeps the latest only."""
        return {"samples_per_s": round(self.samples_per_s, 1), "memory_bytes": self._context.memory_bytes()}

    def run(self) -> bool:
        """Train; returns when no member is left. False if the memory was not enough for all of them at once."""
        enough = True
        while self._waiting:
            if not self._train():
                enough = False
                self._halve()
        return enough

    def _train(self) -> bool:
        """Train what waits to the end; False if memory ran out and fewer members might do."""
        try:
            trainer = self._start()
            self._settle_all(trainer)
            while self._attempts:
                for attempt, metrics in zip(self._attempts, trainer.run_epoch(self._on_step), strict=True):
                    attempt.record(metrics)
                self._settle_all(trainer)
                self._report()
        except Exception as error:
            if is_out_of_memory(error) and len(self.leases()) > 1:
                log.warning("the memory is not enough for %d tasks at once: %s", len(self.leases()), error)
                return False
            self._fail_all(error)
        finally:
            for attempt in self._attempts:
                attempt.close()
        return True

    def _halve(self) -> None:
        """Give half of the members back to the queue; the others start again from their newest checkpoints."""
        torch.cuda.empty_cache()  # no-op without a GPU in use
        claims = [*(attempt.claim for attempt in self._attempts), *self._waiting.values()]
        self._attempts.clear()
        kept = (len(claims) + 1) // 2
        self._waiting = {claim.id: claim for claim in claims[:kept]}
        for claim in claims[kept:]:
            self._deliver(partial(self._queue.release, claim.id, claim.token, Status.QUEUED))

    def _start(self) -> PackTrainer:
        first = next(iter(self._waiting.values()))
        dataset = self._context.dataset(payload.read_data(first.spec), str(first.spec["data_digest"]))
        self._heldout = dataset.heldout.states
        for claim in list(self._waiting.values()):
            self._attempts.append(Attempt(claim, self._context.run_dir))
            del self._waiting[claim.id]
        trainer = PackTrainer([attempt.config for attempt in self._attempts], dataset, self._context.device)
        for member, attempt in enumerate(self._attempts):
            if (saved := attempt.resume()) is not None:
                trainer.restore(member, saved)
        return trainer

    def _on_step(self) -> None:
        self._steps += 1
        self._report()

    def _report(self) -> None:
        """Publish progress, a few times a second; a server that is away is no reason to stop training."""
        now = time.monotonic()
        if now < self._next_report:
            return
        self._next_report = now + PROGRESS_INTERVAL_S
        members = [attempt.progress(self._step(attempt)) for attempt in self._attempts]
        try:
            self.directives(self._context.link.progress(members, self.figures()))
        except UNREACHABLE:
            self._next_report = now + 1.0
        for attempt in self._attempts:
            attempt.flush()

    def _step(self, attempt: Attempt) -> int:
        """Training steps of the task; those of the epoch under way are counted too, so that a long epoch shows life."""
        steps = int(attempt.claim.spec["epoch_steps"])
        return attempt.epoch * steps + self._steps % steps

    def _settle_all(self, trainer: PackTrainer) -> None:
        for member in reversed(range(len(self._attempts))):
            if self._settle(trainer, member):
                self._attempts.pop(member).close()  # first: whatever happens now, it has ended
                trainer.remove(member)

    def _settle(self, trainer: PackTrainer, member: int) -> bool:
        """Do what is due for a member at the end of an epoch; whether it is over here."""
        attempt = self._attempts[member]
        asked = self._directives.pop(attempt.id, Directive.OK)
        if self._context.stop.is_set() and asked in (Directive.OK, Directive.PAUSE):
            asked = Directive.STOP
        if asked is Directive.LOST or self._context.link.fenced:
            log.warning("%s was given to another worker: this attempt is dropped", attempt.id)
        elif attempt.failed:
            log.error("ERROR %s the loss is not a number at epoch %d", attempt.id, attempt.epoch)
            error = f"the loss is not a number at epoch {attempt.epoch}: try a smaller lr"
            self._deliver(lambda: self._queue.fail(attempt.id, attempt.claim.token, error, None))
        elif attempt.epoch >= attempt.epochs:
            self._finish(trainer, member)
        elif asked is Directive.CANCEL:
            self._release(attempt, Status.CANCELLED)
        elif asked in (Directive.PAUSE, Directive.STOP):
            if attempt.epoch > attempt.resumed_epoch:
                attempt.save(trainer.capture(member))
            self._release(attempt, Status.PAUSED if asked is Directive.PAUSE else Status.QUEUED)
        else:
            if attempt.checkpoint_due:
                attempt.save(trainer.capture(member), len(self._attempts))
                self._note_checkpoint(attempt)
            return False
        return True

    def _note_checkpoint(self, attempt: Attempt) -> None:
        try:
            self._queue.checkpoint(attempt.id, attempt.claim.token, attempt.epoch)
        except UNREACHABLE as error:
            log.debug("%s checkpoint not noted: %s", attempt.id, error)

    def _release(self, attempt: Attempt, to: Status) -> None:
        log.info("%s %s at epoch %d", attempt.id, to, attempt.epoch)
        self._last_word(attempt)
        self._deliver(lambda: self._queue.release(attempt.id, attempt.claim.token, to))

    def _finish(self, trainer: PackTrainer, member: int) -> None:
        attempt = self._attempts[member]
        model = trainer.model(member)
        write_model(attempt.folder / "model.safetensors", model, {"task": attempt.id, "config": asdict(attempt.config)})
        q_heldout = model.q_values(self._heldout)
        save_file({"q": q_heldout}, attempt.folder / "q_heldout.safetensors")
        result = attempt.result(self._context.worker, self._context.versions)
        attempt.publish_result(result)
        self._last_word(attempt)
        if self._context.hands_over:
            files = {name: (attempt.folder / name).read_bytes() for name in RESULT_FILES}
            self._deliver(lambda: self._queue.put_files(attempt.id, attempt.claim.token, files))
        if self._deliver(lambda: self._queue.complete(attempt.id, attempt.claim.token, result)):
            log.info("%s done after %d epochs", attempt.id, attempt.epoch)
        else:
            log.warning("%s its result was refused: the task was given to another worker", attempt.id)

    def _last_word(self, attempt: Attempt) -> None:
        """The task's final report, before its lease goes."""
        step = attempt.epoch * int(attempt.claim.spec["epoch_steps"])
        try:
            self._context.link.progress([attempt.progress(step)], self.figures())
        except UNREACHABLE as error:
            log.debug("%s last progress not sent: %s", attempt.id, error)

    def _deliver(self, send: Callable[[], bool]) -> bool:
        """Send what must arrive, again and again while the server is away; False if it was refused."""
        pause_s, leave_at = 0.2, time.monotonic() + PATIENCE_S
        while True:
            try:
                return send()
            except UNREACHABLE as error:
                log.warning("the server does not answer, trying again in %.1f s: %s", pause_s, error)
            if self._context.stop.is_set():
                leave_at = min(leave_at, time.monotonic() + LEAVE_S)
            if time.monotonic() > leave_at:
                return False
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, 5.0)

    def _fail_all(self, error: Exception) -> None:
        """The pack broke: each member fails with the reason, and is tried again unless that is hopeless."""
        log.exception("ERROR %s", ", ".join(self.leases()))
        hopeless = isinstance(error, HOPELESS)
        text = f"{type(error).__name__}: {error}"
        if self._context.hands_over and isinstance(error, DataError):
            log.error("ERROR this machine does not have the campaign's data: the worker leaves, its tasks go back")
            for claim in self._waiting.values():
                self._deliver(partial(self._queue.release, claim.id, claim.token, Status.QUEUED))
            self._waiting.clear()
            self._context.stop.set()
        for claim in [*self._waiting.values(), *(attempt.claim for attempt in self._attempts)]:
            wait = None if hopeless else retry_s(claim.attempt)
            self._deliver(partial(self._queue.fail, claim.id, claim.token, text, wait))
        self._waiting.clear()
