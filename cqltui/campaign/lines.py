"""On which line of a campaign file each key stands, for messages: the standard library's TOML parser does not tell."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from cqltui.fields import item_path, key_path

# Possessive throughout: what can be given back costs a hundred bytes a character.
_STRING = r""""(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+'"""
_KEY = rf"(?:[A-Za-z0-9_-]++|{_STRING})"
_KEYS = rf"{_KEY}(?:[ \t]*+\.[ \t]*+{_KEY})*+"
_HEADER = re.compile(rf"[ \t]*+(\[\[?+)[ \t]*+({_KEYS})[ \t]*+\]")
_ASSIGNMENT = re.compile(rf"[ \t]*+({_KEYS})[ \t]*+=")
_TOKEN = re.compile(rf'''"""|\'\'\'|{_STRING}|\#[^\n]*+|[\[{{]|[\]}}]|\n''')
_LONG_QUOTES = ('"""', "'''")

Path = tuple[str | int, ...]


def line_of(content: bytes, document: Callable[[], dict[str, Any]]) -> Callable[[str], int | None]:
    """Return what tells the line, from 1, of a key path as messages write it: `phase.quality.task[0].lr`.

    A value within a list or an inline table has the line of the nearest key around it. `document` parses the content;
    it is called with the first question, since most files have no mistake.
    """

    @cache
    def lines() -> dict[str, int]:
        parsed = document()
        return {_written(path, parsed): line for path, line in _assignments(content.decode(errors="replace"))}

    def find(key: str) -> int | None:
        while key:
            if key in lines():
                return lines()[key]
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return None

    return find


def _assignments(content: str) -> Iterator[tuple[Path, int]]:
    """Yield (path, line) of each key and table header, at the top level of nesting."""
    table: Path = ()
    counts: dict[Path, int] = {}
    """Arrays of tables, with the number of tables so far."""
    position, line = 0, 1
    while position < len(content):
        if header := _HEADER.match(content, position):
            keys = _parts(header[2])
            table = _resolved(keys[:-1], counts)
            if header[1] == "[[":
                counts[(*table, keys[-1])] = counts.get((*table, keys[-1]), 0) + 1
            table = _resolved(keys, counts)
            yield table, line
            position = header.end()
        elif assignment := _ASSIGNMENT.match(content, position):
            yield (*table, *_parts(assignment[1])), line
            position = assignment.end()
        start, position = position, _end_of_value(content, position)
        line += content.count("\n", start, position)


def _end_of_value(content: str, position: int) -> int:
    """Return the position after the line break that ends the value; its strings and brackets may span several lines."""
    depth = 0
    while token := _TOKEN.search(content, position):
        position = token.end()
        if token[0] in _LONG_QUOTES:
            position = _end_of_string(content, position, token[0])
        elif token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        elif token[0] == "\n" and depth <= 0:
            return position
    return len(content)


def _end_of_string(content: str, position: int, quotes: str) -> int:
    """Return the position after the string of several lines that has begun before `position`."""
    while (end := content.find(quotes, position)) >= 0:
        before = content[position:end]
        position = end + 1
        if quotes == "'''" or (len(before) - len(before.rstrip("\\"))) % 2 == 0:  # else the quote is escaped
            return end + len(quotes)
    return len(content)


def _parts(keys: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_KEY, keys)]


def _resolved(keys: list[str], counts: dict[Path, int]) -> Path:
    """Return the path with the number of the latest table wherever it leads through an array of tables."""
    path: Path = ()
    for key in keys:
        path = (*path, key)
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


def _written(path: Path, document: Any) -> str:
    """Return the path as messages write it: tables of an array that have a name by their name."""
    written = ""
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            document = None
        written = item_path(written, part, document) if isinstance(part, int) else key_path(written, part)
    return written
