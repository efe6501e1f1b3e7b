"""Drawing put off until an app is at rest."""

from typing import Any

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor

from cqltui.ui.app import CqltuiApp


class LateDraws:
    """What is to be drawn is, when it is asked for: half of the time went into draws on the way to there."""

    def __init__(self, app: CqltuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on, for as long as the patch lasts."""
        self._app, self._draw, self._undrawn = app, Compositor.render_update, False
        monkeypatch.setattr(Compositor, "render_update", lambda compositor, **how: self._put_off(compositor, **how))

    @staticmethod
    def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
        """Draw nothing at all."""
        monkeypatch.setattr(Compositor, "render_update", lambda compositor, **_: compositor._dirty_regions.clear())

    @staticmethod
    def pictures(monkeypatch: pytest.MonkeyPatch) -> None:
        """Draw what a picture is taken of, and nothing else."""
        draw = Compositor.render_update

        def render(compositor: Compositor, *, full: bool = False, **how: Any) -> RenderableType | None:
            compositor._dirty_regions.clear()
            return draw(compositor, full=True, **how) if full else None

        monkeypatch.setattr(Compositor, "render_update", render)

    def _put_off(self, compositor: Compositor, *, full: bool = False, **how: Any) -> RenderableType | None:
        if full:  # a picture is taken; what the screen itself draws may be part of it
            return self._draw(compositor, full=True, **how)
        compositor._dirty_regions.clear()
        self._undrawn = True
        return None

    def draw(self) -> None:
        """The whole screen, if anything of it has changed."""
        if self._undrawn and self._app.is_running:
            self._draw(self._app.screen._compositor, full=True, screen_stack=self._app._background_screens)
            self._undrawn = False
