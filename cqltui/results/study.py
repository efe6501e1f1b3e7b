"""What criteria and questions need of finished tasks, read from the run directory once for each accepted result."""

from collections.abc import Mapping
from typing import Any

from cqltui.campaign.model import Asked, Campaign
from cqltui.judging.answers import Answered, answer_all
from cqltui.judging.judge import evaluate_all, figures, watching
from cqltui.judging.outcomes import Left, TaskOutcome
from cqltui.results.evaluated import evaluation_of
from cqltui.results.record import TaskStanding, read_q_heldout, read_result
from cqltui.results.rundir import RunDir, read_metrics
from cqltui.state.described import Verdict
from cqltui.state.model import Status


class Study:
    """Knows a run's finished tasks by their figures, judges its criteria by them, and answers its questions."""

    def __init__(self, run_dir: RunDir, campaign: Campaign, validation_rows: int | None = None) -> None:
        """`validation_rows`: of the validation data, where it is known."""
        self._run_dir = run_dir
        self._campaign = campaign
        self._validation_rows = validation_rows
        self._watching = watching(campaign)
        self._tasks = {task.id: task for task in campaign.tasks}
        self._known: dict[str, tuple[str, Mapping[Asked, Any]]] = {}
        """Task id -> the token of the result that was looked at, and its figures."""

    def take(self, task_id: str, standing: TaskStanding) -> Mapping[Asked, Any] | None:
        """Return the figures of a task that is done: of a result that is known already nothing is read. None: no
        result.

        A published result of another token than the standing's, or of none, counts, and is read again the next time.
        """
        token, known = self._known.get(task_id, ("", None))
        if known is not None and token == standing.token:
            return known
        result = read_result(self._run_dir, task_id)
        task = self._tasks.get(task_id)
        if result is None or task is None:
            return None
        left = Left(
            lambda: read_metrics(self._run_dir.metrics_csv(task_id)) or (result.metrics,),
            lambda: read_q_heldout(self._run_dir.q_heldout(task_id), self._validation_rows),
            result.seconds,
        )
        found = figures(self._watching[task.phase], task, left)
        self._known[task_id] = (result.token, found)
        return found

    def verdicts(self, standings: Mapping[str, TaskStanding]) -> dict[str, tuple[Verdict, ...]]:
        """Phase name -> the verdicts on its criteria. What has not been taken in is read now."""
        evaluation = evaluation_of(self._run_dir, standings)
        return evaluate_all(self._campaign, self._outcomes(standings), evaluation)

    def answers(
        self, standings: Mapping[str, TaskStanding], evaluation: Mapping[str, Any] | None
    ) -> tuple[Answered, ...]:
        """Return the answers to the questions, with an evaluation of these very results if there is one."""
        return answer_all(self._campaign, self._outcomes(standings), evaluation)

    def _outcomes(self, standings: Mapping[str, TaskStanding]) -> list[TaskOutcome]:
        outcomes = []
        for task_id, task in self._tasks.items():
            standing = standings.get(task_id, TaskStanding())
            found = self.take(task_id, standing) if standing.status is Status.DONE else None
            outcomes.append(TaskOutcome(task, standing.status, found, standing.error))
        return outcomes
