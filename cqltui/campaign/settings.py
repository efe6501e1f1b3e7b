"""`--set KEY=VALUE`: changes to the campaign file from the command line, before it is checked."""

import re
import tomllib
from collections.abc import Sequence
from typing import Any

from cqltui.fields import Problems, item_path, key_path
from trainer.names import suggestion

EPOCHS_SCALE = "epochs_scale"


def parse_settings(settings: Sequence[str], problems: Problems) -> dict[str, Any]:
    """Dotted key -> value, the last one given if a key comes twice. `a[0].b` may be written for `a.0.b`."""
    parsed: dict[str, Any] = {}
    for setting in settings:
        key, equals, raw = setting.partition("=")
        key = re.sub(r"\[(\d+)\]", r".\1", key.strip())
        if not equals or not all(key.split(".")):
            problems.add_line(f"--set {setting!r}: expected KEY=VALUE, e.g. trainer.lr=5e-5")
            continue
        parsed[key] = parse_value(raw.strip())
    return parsed


def parse_value(raw: str) -> Any:
    """Return a TOML value if it is one, else the text itself, so that data.source=games needs no quotes."""
    try:
        document = tomllib.loads(f"value = {raw}")
    except (ValueError, RecursionError):  # ValueError: no TOML, or an integer of thousands of digits
        return raw
    return document["value"] if list(document) == ["value"] else raw


def apply_settings(document: dict[str, Any], settings: dict[str, Any], problems: Problems) -> set[str]:
    """Change `document` in place. Returns the paths set, as problems name them: `phase.quality.task[0].lr`."""
    return {path for key, value in settings.items() if (path := _apply(document, key, value, problems))}


def _apply(document: dict[str, Any], key: str, value: Any, problems: Problems) -> str:
    """Set one value; the key path that was set, or "" where the way leads nowhere (a problem is recorded)."""
    node: Any = document
    path = ""
    *way, last = key.split(".")
    for position, part in enumerate([*way, last]):
        final = position == len(way)
        if isinstance(node, list):
            index = _index(node, part)
            if index is None:
                known = [item_path("", number, item).lstrip(".") for number, item in enumerate(node)]
                problems.add_line(f"--set {key}: there is no {path} {part!r}{suggestion(part, known)}")
                return ""
            path = item_path(path, index, node[index])
            if final:
                node[index] = value
            node = node[index]
        elif isinstance(node, dict):
            path = key_path(path, part)
            if final:
                node[part] = value
            elif part not in node:
                node[part] = {}
            node = node[part]
        else:
            problems.add_line(f"--set {key}: {path} is a value and has no key {part!r}")
            return ""
    return path


def _index(items: list[Any], part: str) -> int | None:
    """Position of the item of that name (phases have one), or at that number from 0; None if there is none."""
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get("name") == part:
            return index
    return int(part) if part.isdecimal() and len(part) < 10 and int(part) < len(items) else None
