"""What can be copied of tasks: their ids, the commands that show them, their errors."""

from collections.abc import Sequence

from cqltui.state import select
from cqltui.state.model import TaskState
from cqltui.state.plain import plain, plain_text, word
from cqltui.ui.screens.dialog import Choice, Dialog

LIMIT = 50_000
"""Characters at most: some terminals take no more by OSC 52."""
LINE = 1000
SHOWN = 38


class Copying:
    """The tasks, and the question what of them is to be copied."""

    def __init__(self, tasks: Sequence[TaskState], run_dir: str) -> None:
        self._texts = {"i": " ".join(plain(task.id, 64) for task in tasks)}
        place = f" --run-dir {word(run_dir)}" if run_dir else ""
        self._texts["c"] = "; ".join(f"cqltui logs {plain(task.id, 64)}{place}" for task in tasks)
        errors = [plain_text(select.error_text(task), LINE) for task in tasks if task.life.error]
        if errors:
            self._texts["e"] = "\n\n".join(errors)

    def text(self, what: str) -> str:
        """Return it."""
        return self._texts[what][:LIMIT]

    def dialog(self) -> Dialog:
        """Return the question; its answers are the keys of `text`."""
        names = {"i": "id", "c": "command", "e": "error"}
        choices = [Choice(key, key, f"{names[key]:<8} {_short(text)}") for key, text in self._texts.items()]
        return Dialog("Copy what?", (), [*choices, Choice("n", "", "nothing")])


def _short(text: str) -> str:
    line = plain(text.partition("\n")[0], 200)
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
