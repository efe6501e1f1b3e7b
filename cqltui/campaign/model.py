"""What to run: frozen, pure. Made by `load`, read by everyone."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import time
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from cqltui.algorithms import named
from cqltui.algorithms.base import Algorithm, Quantity
from cqltui.campaign.defaults import STALL_S
from cqltui.campaign.hosts import SshConfig
from cqltui.campaign.occasion import Occasion
from cqltui.errors import InputError
from trainer.config import DataConfig, Precision, TrainerConfig

Device = Literal["auto", "cuda", "mps", "cpu"]
ParamValue = str | float | int | bool | tuple[str, ...] | tuple[int, ...]
"""Of a parameter of a criterion or a question."""
ID_LENGTH, FORMER_ID_LENGTH = 16, 8
"""Hex digits of a task's id; the latter in runs that began when it had so few. Of 100,000 tasks two had the same then,
more often than not."""


class TaskSpec(Struct, frozen=True):
    """One training run of a campaign. Its id is empty until `Campaign.identified` has seen the data."""

    phase: str
    title: str
    """What a list shows: the file's description, or what sets the task apart within its grid."""
    description: str
    """As in the file; empty for tasks of a grid."""
    priority: int
    trainer: TrainerConfig
    baseline_loss: float | None = None
    digest: str = ""
    """SHA-256 over phase and all that determines the weights; empty until the data is known."""
    auto_precision: bool = False
    """The file leaves the precision to the machine; `trainer.precision` is fp32 until that is known."""
    id_length: int = ID_LENGTH
    """As of the campaign."""

    @property
    def id(self) -> str:
        """The first hex digits of the digest, `id_length` of them."""
        return self.digest[: self.id_length]

    @property
    def algorithm(self) -> Algorithm:
        """What kind of training it is."""
        return named(self.trainer.algorithm)


class Criterion(Struct, frozen=True, cache_hash=True):
    """When a phase has succeeded: a text for people, and a named check with its parameters."""

    text: str
    check: str
    """A name in `cqltui.campaign.criteria`: "metric" compares a reduced metric, others are named checks."""
    params: tuple[tuple[str, ParamValue], ...] = ()

    def param(self, name: str) -> ParamValue | None:
        """Return the parameter's value, or None."""
        return dict(self.params).get(name)


class Question(Struct, frozen=True, cache_hash=True):
    """What a phase is to answer: a text for people, and the figures that answer it, by name, if any do."""

    text: str
    answer: str = ""
    """A name in `cqltui.campaign.answers`; empty: it is left to people."""
    params: tuple[tuple[str, ParamValue], ...] = ()


Asked = Criterion | Question


class Phase(Struct, frozen=True):
    """Tasks that answer a set of questions together."""

    name: str
    title: str
    priority: int
    goal: str
    questions: tuple[Question, ...]
    expected: str
    tasks: tuple[TaskSpec, ...]
    criteria: tuple[Criterion, ...]
    defaults: Mapping[str, Any] = {}
    """Setting -> what a task has that does not set it, where that is known. For people only: the tasks are complete."""
    listed: int = 0
    """So many of the tasks, the first ones, came one by one; the others are a grid's."""

    @property
    def asked(self) -> tuple[Asked, ...]:
        """All that is asked of the tasks: criteria, and the questions that figures answer."""
        return (*self.criteria, *(question for question in self.questions if question.answer))


class WorkersConfig(Struct, frozen=True):
    """How the campaign's workers are run."""

    count: int | None = None
    """None: one a core, or one a GPU. 0: no block of the file is of this machine."""
    device: Device = "auto"
    min_priority: int | None = None
    poll_interval_s: float = 1.0
    checkpoint_s: float = 5.0
    lease_s: float = 30.0
    stall_s: float = STALL_S
    max_deaths: int = 3
    retry_s: float = 10.0
    """Before the first retry of a task; doubled with each further one."""
    weight: int = 1
    """Of the campaign beside others, where workers are shared."""
    keep_awake: bool = True
    """While the campaign runs the machine does not fall asleep by itself, where it can be told so."""


class SlurmConfig(Struct, frozen=True):
    """What jobs of Slurm are asked for with; None: as Slurm has it."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    time: str | None = None
    """The limit, as Slurm writes it."""
    cpus: int = 1
    memory: str | None = None
    gpus: int = 0
    options: tuple[str, ...] = ()
    """Further ones of sbatch."""
    setup: tuple[str, ...] = ()
    """Lines of shell before the worker."""


class CommandConfig(Struct, frozen=True):
    """Programs that start, list and stop workers, by their words; or a preset that has them."""

    preset: str | None = None
    start: tuple[str, ...] = ()
    list: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    image: str | None = None
    """Of kubectl's containers, as all that follows."""
    secret: str | None = None
    """The Secret whose `worker.env` has the server's URL."""
    cpus: int = 1
    memory: str | None = None
    gpus: int = 0


class BlockConfig(Struct, frozen=True):
    """Workers that an engine starts elsewhere."""

    name: str
    on: SlurmConfig | CommandConfig | SshConfig
    count: int
    """Of ssh: on each host."""
    device: Device = "auto"
    min_priority: int | None = None
    poll_interval_s: float = 1.0
    python: str | None = None
    """None: the path of the one here."""
    shared: bool = True
    """The run directory is there at the same path."""
    dir: str | None = None
    """Where its workers write that do not see the run directory; None: below their working folder."""
    data_root: str | None = None
    log: str | None = None
    """The folder there where what its workers print goes; None: as of the engine."""
    env_file: str | None = None
    """The file there with what is secret, which the user has put there; None: it is ours to put somewhere."""

    @property
    def kind(self) -> str:
        """What kind of engine it is."""
        return "ssh" if isinstance(self.on, SshConfig) else "slurm" if isinstance(self.on, SlurmConfig) else "command"

    @property
    def slots(self) -> list[str]:
        """The ids of its workers."""
        hosts = max(1, len(self.on.hosts)) if isinstance(self.on, SshConfig) else 1
        return [f"{self.name}-{number + 1}" for number in range(self.count * hosts)]


class RedisConfig(Struct, frozen=True):
    """Where the queue lives. No url: the embedded server."""

    url: str | None = None
    namespace: str = ""


class StoreConfig(Struct, frozen=True):
    """How files get to workers that do not see the run directory."""

    url: str | None = None
    """Of objects, for what is too large for the server; no url: there is no such place."""
    send_data: bool = False
    """The data may leave this machine."""


class EvaluateConfig(Struct, frozen=True):
    """How the run is evaluated (`trainer.evaluation`)."""

    automatic: bool = True
    """Once every task is done; else by `cqltui evaluate` alone."""
    confident: float = 0.2
    """Share of the ensemble's bets on validation that count as confident."""
    resamples: int = 2_000
    """Of the weeks, for intervals and comparisons."""
    seed: int = 16
    """Of the resamples and of the random policy: the same run gives the same figures."""
    price_per_hour: float | None = None
    """Of a cloud machine, in any currency: what the report compares the run's cost with."""

    def settings(self) -> dict[str, Any]:
        """Return what the figures of an evaluation depend on: a price is none of it."""
        return {name: value for name, value in to_builtins(self).items() if name != "price_per_hour"}


class ReportConfig(Struct, frozen=True):
    """How the run is reported (`cqltui.report`)."""

    auto: bool = True
    """Once every task has ended; else by `cqltui report` alone."""


class NotifyConfig(Struct, frozen=True):
    """Who is told what happens, beside those who look. Nothing of it belongs to a task."""

    command: tuple[str, ...] = ()
    webhook: str | None = None
    bell: bool = True
    eta_past: time | None = None
    """An hour of the day, by the machine's clock."""
    on: tuple[Occasion, ...] = tuple(Occasion)


class Campaign(Struct, frozen=True):
    """A campaign file, checked and resolved."""

    name: str
    title: str
    description: str
    data: DataConfig
    workers: WorkersConfig
    redis: RedisConfig
    phases: tuple[Phase, ...]
    path: Path
    """The file it came from."""
    evaluate: EvaluateConfig = EvaluateConfig()
    report: ReportConfig = ReportConfig()
    notify: NotifyConfig = NotifyConfig()
    store: StoreConfig = StoreConfig()
    blocks: tuple[BlockConfig, ...] = ()
    """Workers elsewhere."""
    id_length: int = ID_LENGTH
    """Digits of the tasks' ids, as of the run: `results.known.id_length`."""

    @property
    def workers_elsewhere(self) -> int:
        """How many those of all blocks are."""
        return sum(len(block.slots) for block in self.blocks)

    @property
    def tasks(self) -> Iterator[TaskSpec]:
        """All tasks in the order of the file."""
        return (task for phase in self.phases for task in phase.tasks)

    @property
    def queue_order(self) -> list[TaskSpec]:
        """All tasks in the order in which workers take them: priority, then the file."""
        return sorted(self.tasks, key=lambda task: -task.priority)

    @property
    def state_dim(self) -> int:
        """Features of a state."""
        return len(self.data.state_cols)

    def phase(self, name: str) -> Phase:
        """Return the phase of that name; KeyError if there is none."""
        return {phase.name: phase for phase in self.phases}[name]

    def quantity(self, task: TaskSpec, rows: int) -> Quantity:
        """Return what the task costs on `rows` training transitions."""
        return task.algorithm.quantity(task.trainer, self.state_dim, rows)

    def memory_bytes(self, task: TaskSpec, members: int, rows: int, validation_rows: int) -> int:
        """Return the memory of a pack of so many tasks like this one."""
        return task.algorithm.memory_bytes([task.trainer] * members, self.state_dim, rows, validation_rows)

    def with_auto_precision(self, precision: Precision) -> "Campaign":
        """Return the same campaign with this precision wherever the file says "auto". Before `identified`: ids follow
        it."""

        def resolved(task: TaskSpec) -> TaskSpec:
            return replace(task, trainer=replace(task.trainer, precision=precision)) if task.auto_precision else task

        return self._with_tasks(resolved)

    def _with_tasks(self, change: Callable[[TaskSpec], TaskSpec]) -> "Campaign":
        phases = tuple(replace(phase, tasks=tuple(map(change, phase.tasks))) for phase in self.phases)
        return replace(self, phases=phases)

    def identified(self, data_digest: str) -> "Campaign":
        """Return the same campaign with every task's digest filled in. `data_digest` as of
        `trainer.data.Dataset.digest`.

        Raises InputError if two tasks have the same id: the same task twice, or a collision of their first digits.
        """
        length = self.id_length
        campaign = self._with_tasks(lambda task: replace(task, digest=task_digest(task, data_digest), id_length=length))
        seen: dict[str, TaskSpec] = {}
        for task in campaign.tasks:
            if (other := seen.setdefault(task.id, task)) is not task:
                raise InputError(
                    f"{self.path}: phase.{other.phase} {other.title!r} and phase.{task.phase} {task.title!r} have the "
                    f"same id {task.id}: change the seed or another setting of one of them"
                )
        return campaign


def task_digest(task: TaskSpec, data_digest: str) -> str:
    """Return the SHA-256 (hex) over the phase's name and exactly what determines the task's weights."""
    return settings_digest(task.phase, task.trainer, data_digest)


def settings_digest(phase: str, trainer: TrainerConfig, data_digest: str) -> str:
    """Return the digest of the task that has these settings."""
    identity = {"phase": phase, "trainer": named(trainer.algorithm).identity(trainer), "data": data_digest}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
