"""Train one pack of claimed tasks until each member has ended, one way or another."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import numpy as np
from safetensors.numpy import save as tensor_bytes

from cqltui.algorithms import named
from cqltui.algorithms.base import Run
from cqltui.algorithms.keeping import kept_names
from cqltui.broker.protocol.records import Claim, Directive
from cqltui.campaign import payload
from cqltui.campaign.payload import NewerSpecError, SpecError
from cqltui.results.rundir import RESULT_FILES
from cqltui.state.model import Status
from cqltui.worker.attempt import Attempt
from cqltui.worker.context import Context
from cqltui.worker.failure import is_out_of_memory, message, retry_s
from cqltui.worker.link import PATIENCE_S
from cqltui.worker.outbox import KEPT_S, Outbox
from cqltui.worker.telling import PROGRESS_INTERVAL_S, Telling
from cqltui.worker.timing import PATIENT_S, EpochClock
from trainer import memory
from trainer.checkpoint import Checkpoint
from trainer.data.types import DataError, Float
from trainer.files import write_bytes

log = logging.getLogger(__name__)


class _EpochLeftError(Exception):
    """The worker is to leave, and the end of the epoch is too far away."""


class Session:
    """One pack. `directives` may be called from another thread."""

    def __init__(self, context: Context, claims: Sequence[Claim]) -> None:
        self._context = context
        self._queue = context.link.queue
        self._refused: dict[str, tuple[Claim, SpecError]] = {}
        """Claims that are no tasks of a campaign, until that is told."""
        self._newer: dict[str, Claim] = {}
        """Claims of tasks of a later version, until they are given back."""
        self._waiting: dict[str, Claim] = {}
        """Claims that are neither ended nor in `_attempts` yet."""
        self._attempts: list[Attempt] = []
        self._outbox = Outbox(context.link, context.stop, KEPT_S if context.hands_over else PATIENCE_S)
        self._unsaved: set[str] = set()
        """Tasks whose last checkpoint could not be written; the user is told when it begins."""
        self._directives: dict[str, Directive] = {}
        self._next_report = 0.0
        self._telling = Telling(context.link)
        self._steps = 0
        self.clock = EpochClock()
        self._ends: dict[str, Checkpoint] = {}
        """Each task as of its last whole epoch, where epochs are long: training cannot go back within one."""
        for claim in claims:
            try:
                payload.check_spec(claim.id, claim.spec)
            except NewerSpecError as error:
                self._newer[claim.id] = claim
                context.unable = str(error)
            except SpecError as error:
                self._refused[claim.id] = claim, error
            else:
                self._waiting[claim.id] = claim
        self.lease_s = min((float(claim.spec["lease_s"]) for claim in self._waiting.values()), default=math.inf)
        """The shortest of the tasks' leases."""
        self._validation: Float = np.empty((0, 0), dtype=np.float32)
        """States of the validation rows, [N, D]."""

    def leases(self) -> dict[str, str]:
        """Task id to token of what this session holds."""
        claims = [*self._waiting.values(), *self._newer.values(), *(claim for claim, _ in list(self._refused.values()))]
        held = self._outbox.leases() | {claim.id: claim.token for claim in claims}
        return held | {attempt.id: attempt.claim.token for attempt in list(self._attempts)}

    def directives(self, said: Mapping[str, Directive]) -> None:
        """Do what the server asks for, by task id."""
        self._directives.update(said)

    @property
    def samples_per_s(self) -> float:
        """Of all members together."""
        return sum(a.last.samples_per_s for a in list(self._attempts) if a.last)

    def figures(self) -> dict[str, float]:
        """Return how the worker does, with every report: a reader keeps the latest only."""
        return {"samples_per_s": round(self.samples_per_s, 1), "memory_bytes": self._context.memory_bytes()}

    def run(self) -> bool:
        """Train; returns when no member is left and the server knows how each has ended, or did not listen for long.

        False if the memory was not enough for all of them at once.
        """
        enough = True
        self._refuse()
        self._leave_newer()
        while self._waiting:
            if not self._train():
                enough = False
                self._halve()
        self._outbox.empty()
        return enough

    def _refuse(self) -> None:
        """Fail what cannot be trained, for good; its mates are none the worse."""
        for claim, error in list(self._refused.values()):
            log.error("%s is refused: %s", claim.id, error)
            self._outbox.post(partial(self._queue.fail, claim.id, claim.token, message(error), None), claim)
            del self._refused[claim.id]

    def _leave_newer(self) -> None:
        """Give back what a later version has submitted, and leave once the others have ended: it would be claimed again
        and again."""
        if not self._newer:
            return
        log.error("%s", self._context.unable)
        self._warn(f"worker {self._context.worker['id']}: {self._context.unable}")
        for claim in list(self._newer.values()):
            self._outbox.post(partial(self._queue.release, claim.id, claim.token, Status.QUEUED), claim)
            del self._newer[claim.id]
        self._context.stop.set()

    def _train(self) -> bool:
        """Train what waits to the end; False if memory ran out and fewer members might do."""
        try:
            trainer = self._start()
            self._settle_all(trainer)
            while self._attempts:
                self.clock.start(int(self._attempts[0].claim.spec["epoch_steps"]))
                for member, metrics in enumerate(trainer.run_epoch(self._on_step)):
                    self._attempts[member].record(metrics)
                    self._attempts[member].keep(metrics, partial(trainer.model, member))
                is_long = self.clock.end() > PATIENT_S
                self._settle_all(trainer)
                self._ends = self._unsaved_ends(trainer) if is_long else {}
                self._report()
        except _EpochLeftError:
            self._leave_epoch()
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
        memory.empty_cache(self._context.device)
        claims = [*(attempt.claim for attempt in self._attempts), *self._waiting.values()]
        self._attempts.clear()
        kept = (len(claims) + 1) // 2
        self._waiting = {claim.id: claim for claim in claims[:kept]}
        for claim in claims[kept:]:
            self._outbox.post(partial(self._queue.release, claim.id, claim.token, Status.QUEUED), claim)

    def _start(self) -> Run:
        first = next(iter(self._waiting.values()))
        dataset = self._context.dataset(payload.read_data(first.spec), str(first.spec["data_digest"]))
        self._validation = dataset.validation.states
        for claim in list(self._waiting.values()):
            self._attempts.append(Attempt(claim, self._context.run_dir))
            del self._waiting[claim.id]
        configs = [attempt.config for attempt in self._attempts]
        trainer = named(configs[0].algorithm).open(configs, dataset, self._context.device)
        self._context.travel.bring(self._attempts, self._warn)
        for member, attempt in enumerate(self._attempts):
            attempt.resume(partial(trainer.restore, member), self._warn)
        return trainer

    def _on_step(self) -> None:
        self._steps += 1
        self.clock.step()
        self._report()
        if self.clock.left_s > PATIENT_S and self._context.stop.is_set():
            raise _EpochLeftError

    def _unsaved_ends(self, trainer: Run) -> dict[str, Checkpoint]:
        unsaved = [(m, attempt) for m, attempt in enumerate(self._attempts) if attempt.epoch > attempt.saved_epoch]
        return {attempt.id: trainer.capture(member) for member, attempt in unsaved}

    def _leave_epoch(self) -> None:
        """Give all back as of the end of their last epoch, or of their newest checkpoint: what was trained since is
        trained again, with the same bits."""
        while self._attempts:
            attempt = self._attempts.pop()
            log.info("%s the epoch under way is left", attempt.id)
            self._answer(attempt, partial(self._ends.get, attempt.id))
            attempt.close()
        self._ends.clear()

    def _report(self) -> None:
        """Publish progress, a few times a second; a server that is away is no reason to stop training."""
        if time.monotonic() < self._next_report:
            return
        if self._telling.is_due:
            self.directives(self._telling.tell(self._attempts, self._step, self.figures()))
        self._outbox.flush()
        for attempt in self._attempts:
            attempt.flush()
            self._note_checkpoint(attempt)
        self._next_report = time.monotonic() + PROGRESS_INTERVAL_S

    def _warn(self, text: str) -> None:
        """Tell the user, now or later."""
        self._outbox.post(partial(self._context.link.notice, "warning", text))

    def _step(self, attempt: Attempt) -> int:
        """Training steps of the task; those of the epoch under way are counted too, so that a long epoch shows life."""
        steps = int(attempt.claim.spec["epoch_steps"])
        return attempt.epoch * steps + self._steps % steps

    def _settle_all(self, trainer: Run) -> None:
        for member in reversed(range(len(self._attempts))):
            if self._settle(trainer, member):
                self._attempts.pop(member).close()  # first: whatever happens now, it has ended
                trainer.remove(member)

    def _settle(self, trainer: Run, member: int) -> bool:
        """Do what is due for a member at the end of an epoch; whether it is over here."""
        attempt = self._attempts[member]
        if not (attempt.failed or attempt.ended) or self._is_lost(attempt):
            if self._answer(attempt, partial(trainer.capture, member)):
                return True
            if attempt.checkpoint_due:
                self._save(attempt, trainer.capture(member))
            return False
        self._directives.pop(attempt.id, None)
        if attempt.failed:
            log.error("%s the loss is not a number at epoch %d", attempt.id, attempt.epoch)
            error = f"the loss is not a number at epoch {attempt.epoch}: try a smaller lr"
            self._outbox.post(partial(self._queue.fail, attempt.id, attempt.claim.token, error, None), attempt.claim)
            return True
        try:
            self._finish(trainer, member)
        except OSError as error:  # a full disk, for one: the others can go on
            log.exception("%s", attempt.id)
            with suppress(OSError):
                attempt.discard_result()
            self._fail(attempt.claim, error)
        return True

    def _is_lost(self, attempt: Attempt) -> bool:
        return self._directives.get(attempt.id) is Directive.LOST or self._context.link.fenced

    def _answer(self, attempt: Attempt, capture: Callable[[], Checkpoint | None]) -> bool:
        """Do what is asked of a task that has not ended; whether it is over here. `capture` returns it as of its last
        epoch's end, if that can be had."""
        is_lost = self._is_lost(attempt)
        asked = self._directives.pop(attempt.id, Directive.OK)
        if self._context.stop.is_set() and asked in (Directive.OK, Directive.PAUSE):
            asked = Directive.STOP
        if is_lost:
            log.warning("%s was given to another worker: this attempt is dropped", attempt.id)
        elif asked is Directive.CANCEL:
            self._release(attempt, Status.CANCELLED)
        elif asked in (Directive.PAUSE, Directive.STOP):
            if attempt.epoch > attempt.saved_epoch and (state := capture()) is not None:
                self._save(attempt, state)
            self._release(attempt, Status.PAUSED if asked is Directive.PAUSE else Status.QUEUED)
        return is_lost or asked in (Directive.CANCEL, Directive.PAUSE, Directive.STOP)

    def _save(self, attempt: Attempt, state: Checkpoint) -> None:
        trouble = attempt.save(state, len(self._attempts))
        if trouble and not self._unsaved:
            self._warn(f"task {attempt.id}: no checkpoint could be written, it trains on: {trouble}")
        (self._unsaved.add if trouble else self._unsaved.discard)(attempt.id)
        self._note_checkpoint(attempt)

    def _note_checkpoint(self, attempt: Attempt) -> None:
        """Tell of the newest checkpoint, once; while the server is away it is told later."""
        if attempt.saved_epoch != attempt.noted_epoch:  # fewer than was told, where the newest could not be used
            self._context.link.ask(partial(self._context.travel.note, attempt, len(self._attempts), self._warn))

    def _release(self, attempt: Attempt, to: Status) -> None:
        log.info("%s %s at epoch %d", attempt.id, to, attempt.epoch)
        self._last_word(attempt)
        members = len(self._attempts)

        def release() -> bool:
            if to is not Status.CANCELLED and attempt.saved_epoch != attempt.noted_epoch:
                self._context.travel.note(attempt, members, self._warn, leaving=True)
            return self._queue.release(attempt.id, attempt.claim.token, to, report=attempt.saved_report)

        self._outbox.post(release, attempt.claim)

    def _finish(self, trainer: Run, member: int) -> None:
        """Write the result, then tell of it. Raises OSError."""
        attempt = self._attempts[member]
        claim = attempt.claim
        model = trainer.model(member)
        kept = attempt.write_models(model)
        if self._context.hands_over:
            kept = {name: epoch for name, epoch in kept.items() if name in kept_names(attempt.config)}
        write_bytes(attempt.folder / "q_heldout.safetensors", tensor_bytes({"q": model.q_values(self._validation)}))
        result = attempt.result(self._context.worker, self._context.versions, kept)
        attempt.publish_result(result)
        if attempt.epoch > attempt.saved_epoch and not self._context.hands_over:
            attempt.keep_end(trainer.capture(member))  # after the result, which is to have the room
        names = (*RESULT_FILES, *kept) if self._context.hands_over else ()
        files = {name: (attempt.folder / name).read_bytes() for name in names}
        self._last_word(attempt)

        def complete() -> bool:
            told = self._context.travel.hand_over(claim, files, result) if files else result
            accepted = self._queue.complete(claim.id, claim.token, told)
            if accepted:
                log.info("%s done after %d epochs", claim.id, attempt.epoch)
            else:
                log.warning("%s its result was refused: the task was given to another worker", claim.id)
            return accepted

        self._outbox.post(complete, claim)

    def _last_word(self, attempt: Attempt) -> None:
        """Send the task's final report, before its lease goes."""
        step = attempt.epoch * int(attempt.claim.spec["epoch_steps"])
        self._context.link.progress([attempt.progress(step)], self.figures())

    def _fail(self, claim: Claim, error: Exception) -> None:
        text, wait_s = message(error), retry_s(error, claim.attempt, float(claim.spec["retry_s"]))
        self._outbox.post(partial(self._queue.fail, claim.id, claim.token, text, wait_s), claim)

    def _fail_all(self, error: Exception) -> None:
        """Fail each member of a pack that broke, with the reason; it is tried again unless that is hopeless."""
        log.exception("%s", ", ".join(self.leases()))
        if self._context.hands_over and isinstance(error, DataError):
            worker = self._context.worker
            self._context.unable = str(error)
            self._warn(f"worker {worker['id']} on {worker.get('host', '')} leaves, and gives its tasks back: {error}")
            for claim in self._waiting.values():
                self._outbox.post(partial(self._queue.release, claim.id, claim.token, Status.QUEUED), claim)
            self._waiting.clear()
            self._context.stop.set()
        for claim in [*self._waiting.values(), *(attempt.claim for attempt in self._attempts)]:
            self._fail(claim, error)
        self._waiting.clear()
