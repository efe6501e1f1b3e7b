"""What a widget looks like is what Textual would make of it each time."""

from collections.abc import Mapping
from typing import Any

import pytest
from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget

from tests.ui.conftest import Bench
from tests.ui.driving import started, table

KEYS = "3 2 1 _ 3 _ slash x escape 2 t 1 2 t 1 2 t z 5 1"


def styles(bench: Bench) -> Mapping[Widget, Mapping[str, object]]:
    """The rules of all widgets that are there."""
    return {node: dict(node.styles.base.get_rules()) for node in bench.app.screen.walk_children(Widget)}


async def test_what_is_kept_is_what_would_be_found_now() -> None:
    async with started(size=(160, 48)) as (bench, pilot):
        seen: set[str] = set()
        for _ in range(2):  # what the first turn has found is used in the second
            for key in KEYS.split():
                await pilot.press(key)
                await bench.settle(pilot)
                for name in ("-wrong", "-low"):
                    bench.app.screen.query_one("FilterLine").toggle_class(name)
                await bench.settle(pilot)
                kept = styles(bench)
                Stylesheet.update_nodes(Stock(bench.app.stylesheet), bench.app.screen.walk_children(Widget))
                assert styles(bench) == kept, key
                seen.add(str(kept[table(bench)]["border_top"]))
        assert len(seen) > 2, "with the keys and without, in two themes"


class Stock(Stylesheet):
    """Textual's own, of the same rules."""

    def __init__(self, sheet: Stylesheet) -> None:
        super().__init__()
        self.source, self._rules, self._require_parse = sheet.source, sheet.rules, False


async def test_it_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[DOMNode] = []
    apply = Stylesheet.apply

    def counted(sheet: Stylesheet, node: DOMNode, **how: Any) -> None:
        looked.append(node)
        apply(sheet, node, **how)

    async with started(size=(160, 48)) as (bench, pilot):
        for turn in range(4):
            if turn == 3:
                monkeypatch.setattr(Stylesheet, "apply", counted)
            for key in "31":
                await pilot.press(key)
                await bench.settle(pilot)
        assert not looked
        timeline, sheet = bench.app.screen.query_one("#timeline"), bench.app.stylesheet
        timeline.add_class("new")
        await bench.settle(pilot)
        assert looked, "of another class it is not known"
        sheet.update(timeline)
        sheet.add_source("#timeline { tint: red; }")
        sheet.update(timeline)
        assert timeline.styles.tint == Color.parse("red"), "there are more rules"
