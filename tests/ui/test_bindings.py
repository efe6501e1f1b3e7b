"""Every key of the screen says who it is, and what it does."""

import re
from collections import Counter
from pathlib import Path

import pytest

from cqltui.ui.bindings import declared, key_rows, keys_of, merged, shown_key
from cqltui.ui.panels.log import LogPanel

PAGE = Path(__file__).parents[2] / "docs" / "terminal.md"


def test_every_binding_has_an_id_a_description_and_a_sentence() -> None:
    for one in declared():
        for binding in one.bindings:
            where = f"{one.owner.__name__}: {binding.key}"
            assert re.fullmatch(r"[a-z_]+\.[a-z_]+[0-9]?", binding.id or ""), where
            assert binding.description, where
            assert len(binding.description) <= 16, f"{where}: the last line has little room"
            assert binding.tooltip, where
            assert not binding.tooltip.endswith("."), where
            assert binding.tooltip[0].isupper(), where


def test_ids_are_unique() -> None:
    ids = Counter(binding.id for one in declared() for binding in one.bindings)
    assert [name for name, times in ids.items() if times > 1] == []
    assert len(ids) > 25  # the classes were found


def test_the_users_keys_stand_in_place_of_the_declared_ones() -> None:
    keymap = {"log.wrap": "W,f9"}
    stock, found = merged(LogPanel, {}), merged(LogPanel, keymap)
    assert stock["w"].id == found["W"].id == found["f9"].id == "log.wrap"
    assert set(stock) - set(found) == {"w"}
    rows = {row.id: row.keys for row in key_rows(keymap)}
    assert (rows["log.wrap"], rows["log.follow"]) == (("W", "f9"), ("f",))


def test_the_page_names_every_key() -> None:
    named = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", PAGE.read_text("utf-8"), flags=re.DOTALL)))
    for one in declared():
        for binding in one.bindings:
            missing = [shown for key in keys_of(binding) if (shown := shown_key(key)) not in named]
            assert not missing, f"{binding.id}: docs/terminal.md names no {missing}"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("question_mark", "?"),
        ("ctrl+d", "Ctrl+D"),
        ("shift+tab", "Shift+Tab"),
        ("G", "G"),
        ("escape", "Esc"),
        ("f5", "F5"),
        ("pagedown", "PgDn"),
        ("minus", "-"),
        ("full_stop", "."),
    ],
)
def test_keys_are_shown_as_people_know_them(key: str, shown: str) -> None:
    assert shown_key(key) == shown
