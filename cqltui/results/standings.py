"""How tasks stand, as the results look at them."""

from cqltui.results.record import TaskStanding
from cqltui.state.model import RunState, TaskState


def standings(state: RunState) -> dict[str, TaskStanding]:
    """Return how each task stands, for the results."""
    return {task.id: standing(task) for task in state.tasks.values()}


def standing(task: TaskState) -> TaskStanding:
    """Return how a task stands, for the results."""
    return TaskStanding(task.status, task.life.attempt, task.life.error, task.life.token)
