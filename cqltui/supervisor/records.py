"""What the run directory keeps of each task, so that the queue can be rebuilt from it."""

import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.broker.protocol.records import Result
from cqltui.results.left import earlier_result, is_large, left_of
from cqltui.results.outline import COUNT, outline
from cqltui.results.rundir import RESULT_FILES, SAFE_NAME, RunDir, read_json, within, write_json
from cqltui.state import decode
from cqltui.state.counting import counted
from cqltui.state.model import Lifecycle, Progress, RunState, TaskInfo, TaskState
from cqltui.state.select import is_untouched
from cqltui.supervisor.accepted import Planned, check_size, checked, is_of, planned_files
from cqltui.supervisor.journal import Journal
from trainer.files import checkpoints, replace_file, write_bytes


class Records:
    """task.json, the journal, and the accepted results. The supervisor alone writes them."""

    def __init__(self, run_dir: RunDir, planned: Mapping[str, Planned] | None = None) -> None:
        """`planned`: the campaign's tasks by id. A server says how a task stands, and not what it is; without them, and
        of tasks that have left the campaign, task.json says it, and the server where there is none yet."""
        self._run_dir = run_dir
        self._planned = planned
        self.journal = Journal(run_dir.journal)
        self._remembered: dict[str, Lifecycle] = {}
        self._is_large = is_large(outline(run_dir) if planned is None else {COUNT: len(planned)})
        self._written: set[str] | None = None
        """Tasks with a folder, once somebody has asked."""

    @property
    def version(self) -> tuple[int, int]:
        """(epoch, seq) of the newest event written down."""
        return self.journal.version

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()

    def goes_without(self, task: TaskState) -> bool:
        """Return whether nothing need be written down of the task: of very many campaign.json says what they are, and
        those that nobody has touched are as they were submitted."""
        if not self._is_large or not is_untouched(task):
            return False
        if self._written is None:
            self._written = self._folders()
        return task.id not in self._written

    def remember(self, task: TaskState) -> None:
        """Write where the task is, one that the campaign does not know only if the run directory does."""
        if self._remembered.get(task.id) == task.life or self.goes_without(task):
            return
        if not self.knows(task.id):
            return
        info = self._info(task.id) or task.info
        within(self._run_dir, self._run_dir.task(task.id))
        write_json(self._run_dir.task_json(task.id), {"info": to_builtins(info), "life": to_builtins(task.life)})
        self._remembered[task.id] = task.life
        if self._written is not None:
            self._written.add(task.id)

    def as_planned(self, state: RunState, task_ids: Iterable[str]) -> RunState:
        """Return the state with these tasks as they were planned, whatever the server says that they are, and without
        those that neither the campaign nor the run directory knows."""
        planned, wrong, unknown = self._planned or {}, {}, set()
        for task_id in task_ids:
            task, known = state.tasks.get(task_id), planned.get(task_id)
            if task is not None and known is not None and task.info != known.info:
                wrong[task_id] = replace(task, info=known.info)
            elif task is not None and known is None and not self.knows(task_id):
                unknown.add(task_id)
        if not wrong and not unknown:
            return state
        known_tasks = {task_id: task for task_id, task in state.tasks.items() if task_id not in unknown}
        tasks = MappingProxyType(known_tasks | wrong)
        return replace(state, tasks=tasks, counted=counted(tasks))

    def knows(self, task_id: str) -> bool:
        """Return whether it is a task of the campaign, or was."""
        return self._planned is None or self._info(task_id) is not None

    def lifecycle(self, task_id: str) -> Lifecycle | None:
        """Return where the task was when it was last written down, or None."""
        raw = read_json(self._run_dir.task_json(task_id))
        life = raw.get("life") if raw else None
        return decode.lifecycle(life, (0, 0)) if isinstance(life, Mapping) else None

    def lifecycles(self, task_ids: Collection[str]) -> dict[str, Lifecycle]:
        """Return where those of these tasks were that have been written down. Of a new run's none is looked for."""
        written = self._folders()
        lives = ((task_id, self.lifecycle(task_id)) for task_id in task_ids if task_id in written)
        return {task_id: life for task_id, life in lives if life is not None}

    def _folders(self) -> set[str]:
        """Return the names of the tasks' folders."""
        try:
            return {path.name for path in self._run_dir.tasks.iterdir()}
        except FileNotFoundError:
            return set()

    def result(self, task_id: str, life: Lifecycle) -> Result | None:
        """Return the result of the attempt that the lifecycle speaks of, its files in place; None if they are not here.

        A supervisor that was killed, or a worker that could not tell, may have left them in the attempt's folder.
        Raises OSError, and RefusedResultError as `publish`.
        """
        if SAFE_NAME.fullmatch(life.token) is None:  # none, or one of a task.json that is not ours
            return None
        attempt = self._run_dir.attempt(task_id, life.run, life.token) / "result.json"
        for path in (self._run_dir.result_json(task_id), attempt):
            data = read_json(path)
            if data is not None and is_of(data, task_id, life.token):
                ts = life.finished_ts or decode.number(data, "finished_ts")
                result = Result(task_id, life.run, life.attempt, life.token, life.worker, ts, data)
                return result if self.publish(result) else None
        return None

    def finished(self, task_id: str, run: int, token: str) -> Mapping[str, Any] | None:
        """Return the result that this attempt has left whole in its folder, accepted or not; None if there is none."""
        if SAFE_NAME.fullmatch(token) is None:
            return None
        data = read_json(self._run_dir.attempt(task_id, run, token) / "result.json")
        return data if data is not None and is_of(data, task_id, token) else None

    def left_of(self, info: TaskInfo, life: Lifecycle) -> Progress | None:
        """Return what there is of a task's training."""
        return left_of(self._run_dir, info, life)

    def earlier(self, info: TaskInfo, digest: str, life: Lifecycle) -> Lifecycle | None:
        """Return how the task was done before it was submitted again; None if it was not."""
        return earlier_result(self._run_dir, info, digest, life)

    def check_sizes(self, task_id: str, sizes: Mapping[str, int]) -> None:
        """Raise RefusedResultError for a file that is larger than the task's result can be."""
        planned = (self._planned or {}).get(task_id)
        for name, size in sizes.items():
            check_size(name, size, self._info(task_id), planned.validation_rows if planned is not None else None)

    def receive(self, result: Result, files: Mapping[str, bytes]) -> None:
        """Put what a worker on another machine handed over into its attempt's folder. Raises RefusedResultError for
        more than a result can be, OSError."""
        self.check_sizes(result.id, {name: len(content) for name, content in files.items()})
        folder = within(self._run_dir, self._run_dir.attempt(result.id, result.run, result.token))
        info = self._info(result.id)
        for name in planned_files(info):
            if name in files:
                write_bytes(folder / name, files[name])

    def publish(self, result: Result) -> bool:
        """Copy what the accepted attempt wrote to the task's folder; False if the attempt left no files here.

        Raises RefusedResultError if they are not what they must be: nothing is published then. Raises OSError.
        The last checkpoint goes with it, for a task of more epochs to go on from; the run's others have served.
        """
        known = read_json(self._run_dir.result_json(result.id))
        if known is not None and known.get("token") == result.token:
            return True
        source = within(self._run_dir, self._run_dir.attempt(result.id, result.run, result.token))
        if not (source / "model.safetensors").is_file():
            return False
        planned = (self._planned or {}).get(result.id)
        digest, validation_rows = (planned.digest, planned.validation_rows) if planned is not None else ("", None)
        document = checked(source, result, self._info(result.id), digest, validation_rows)
        write_json(source / "result.json", document)
        folder = self._run_dir.task(result.id)
        for _, former in checkpoints(folder):  # first: the metrics beside it are about to be another run's
            former.unlink()
        for path in folder.glob("model_*.safetensors"):
            if path.name not in document["kept"]:
                path.unlink()
        for name in (*document["kept"], *RESULT_FILES):
            replace_file(source / name, folder / name)
        for _, last in [found for found in checkpoints(source) if not found[1].is_symlink()][:1]:
            last.replace(folder / last.name)
        for pattern in ("*/checkpoint-*.safetensors", "*/model_*.safetensors"):
            for path in self._run_dir.run(result.id, result.run).glob(pattern):
                # Behind a link it is of another place.
                if not path.parent.is_symlink() and not (path.parent == source and path.name in document["kept"]):
                    path.unlink(missing_ok=True)
        return True

    def _info(self, task_id: str) -> TaskInfo | None:
        """Return the task as it was planned, where that is known."""
        if self._planned is not None and (known := self._planned.get(task_id)) is not None:
            return known.info
        return decode.task_info(task_id, (read_json(self._run_dir.task_json(task_id)) or {}).get("info"))


def set_aside(path: Path) -> Path:
    """Move a folder or file out of the way, keeping it under a name that is free; the new name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.old-{number}")).exists():
        number += 1
    return Path(shutil.move(path, aside))
