"""The key that opens the campaign file in the user's editor, and what follows: mistakes, changes, a yes, a restart."""

import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import App, SuspendNotSupported

from cqltui.errors import CqltuiError
from cqltui.later import Later
from cqltui.state.plain import plain
from cqltui.ui.background import Background
from cqltui.ui.control import Control
from cqltui.ui.ports import CampaignFile, FileChanges, LeaveChoice

if TYPE_CHECKING:
    from cqltui.ui.screens import dialog
else:
    dialog = Later("cqltui.ui.screens.dialog")

AROUND = 11
"""Rows of a question beside its details."""
LEAST = 3
CELLS = 400
WIDE, INDENT = 70, "    "


class Editing:
    """One at a time: what follows the editor is asked before the next."""

    def __init__(
        self,
        app: App[LeaveChoice],
        file: CampaignFile | None,
        background: Background,
        control: Control,
        post: Callable[[Callable[[], None]], object],
    ) -> None:
        """`post` has something done in the screen's thread, by any other."""
        self._app, self._file, self._background, self._control = app, file, background, control
        self._post = post
        self._busy = False

    def begin(self) -> None:
        """Open the file, unless something else is asked just now."""
        if self._app.screen.is_modal or self._busy or not self._control.can_change():
            return
        if self._file is None:
            self._fail(CqltuiError("There is no campaign file to edit here."))
            return
        self._busy = True
        self._background.call(self._file.path, self._edit, self._fail)

    def _edit(self, path: Path) -> None:
        assert self._file is not None, "begun with it"
        failed: Exception | None = None
        try:
            with self._app.suspend():
                try:
                    self._file.edit(path)
                except Exception as error:  # an error that leaves the block leaves the screen without its terminal
                    failed = error
        except SuspendNotSupported:
            failed = CqltuiError(f"This terminal cannot be given to an editor: edit {path} in another one.")
        if isinstance(failed, CqltuiError):
            self._fail(failed)
        elif failed is not None:
            raise failed
        else:
            self._background.call(self._file.changes, self._ask, partial(self._wrong, path))

    def _wrong(self, path: Path, error: CqltuiError) -> None:
        """Show the mistakes; the editor again, or not."""
        choices = (
            dialog.Choice("e", "edit", "Edit it again"),
            dialog.Choice("n", "", "Leave it: the run goes on as it is"),
        )
        lines = self._fitting(str(error).replace(f"{path}:", "line ").splitlines())
        self._show(dialog.Dialog("The file cannot be used", lines, choices), partial(self._edit, path))

    def _ask(self, changes: FileChanges) -> None:
        """Show what would change; apply it after a yes."""
        if not changes.lines:
            self._busy = False
            self._app.notify("The file changes nothing of this run.", markup=False)
            return
        no, yes = (
            dialog.Choice("n", "", "No, the run goes on as it is"),
            dialog.Choice("y", "apply", "Yes, go on with the changed file"),
        )
        note = ("", "Then it goes on in the background; what trains is checkpointed first.")
        lines = (*self._fitting(changes.lines), *note)
        self._show(dialog.Dialog("Apply the changed file?", lines, (no, yes)), partial(self._apply, changes))

    def _show(self, question: "dialog.Dialog", then: Callable[[], None]) -> None:
        def answered(answer: str | None) -> None:
            if answer:
                then()
            else:
                self._busy = False

        self._app.push_screen(question, answered)

    def _fitting(self, lines: Sequence[str]) -> tuple[str, ...]:
        room = max(self._app.size.height - AROUND, LEAST)
        wrapped = [part for line in lines for part in textwrap.wrap(plain(line, CELLS), WIDE, subsequent_indent=INDENT)]
        return (*wrapped[:room], f"and {len(wrapped) - room} more lines") if len(wrapped) > room else tuple(wrapped)

    def _apply(self, changes: FileChanges) -> None:
        assert self._file is not None, "begun with it"

        def applied(_: None) -> None:
            self._busy = False
            self._app.notify("The run goes on with the changed file.", markup=False)

        def tell(what: str) -> None:
            self._post(partial(self._app.notify, plain(what, CELLS), markup=False))

        self._background.call(partial(self._file.apply, changes, tell), applied, self._fail)

    def _fail(self, error: CqltuiError) -> None:
        self._busy = False
        self._app.notify(plain(str(error), 600), severity="error", timeout=20, markup=False)
