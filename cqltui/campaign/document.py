"""The text of a campaign file -> its tables, as TOML has them."""

import codecs
import re
import tomllib
from pathlib import Path
from typing import Any

from cqltui.errors import InputError

KEY_PARTS = 10
_DOTTED = rb"""(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}""" % KEY_PARTS
_LONG_KEY = re.compile(rb"(?<![A-Za-z0-9_.-])" + _DOTTED)
"""The parser takes time in the square of a key's parts: half a minute for 80 kB."""
_PIECE = re.compile(
    rb'''"""(?:[^"\\]++|\\.|"(?!""))*+"*+|\'\'\'(?:[^']++|'(?!\'\'))*+'*+|'''
    rb"""#[^\n]*+|(?P<key>%b)|[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\.)*+"?|'[^'\n]*+'?""" % _DOTTED,
    re.DOTALL,
)
"""What may hold dots, or hide them: text, comments and keys."""

TWICE = ": it is there already; [name] and [[name]] are one name, as of [workers], the short form of one block"
"""Added to what tomllib says of such a line."""


def parse_toml(content: bytes, path: Path) -> dict[str, Any]:
    """Return the document; InputError with line and column where it is not TOML or not UTF-8. A byte order mark, as
    some editors write it, is passed over."""
    content = content.removeprefix(codecs.BOM_UTF8)
    if (at := _long_key(content)) >= 0:
        line = content.count(b"\n", 0, at) + 1
        raise InputError(f"{path}: line {line}: a key of more than {KEY_PARTS} parts")
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{content[error.start]:02x}"
        raise InputError(f"{path}: line {line}: not UTF-8 ({byte}); save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
        if place is None:
            raise InputError(f"{path}: not valid TOML: {error}") from None
        message, line_number, column = place.groups()
        if line_number and content.split(b"\n")[int(line_number) - 1].lstrip().startswith(b"["):
            message += TWICE if message == "Cannot overwrite a value" else ""
        where = f"line {line_number}, column {column}" if line_number else "end of the file"
        raise InputError(f"{path}: {where}: not valid TOML: {message}") from None
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits; brackets nested too deeply
        raise InputError(f"{path}: not valid TOML: {str(error).split(';')[0]}") from None


def _long_key(content: bytes) -> int:
    """Return where a key of too many parts begins, which is no text or comment; -1 if there is none."""
    if _LONG_KEY.search(content) is None:
        return -1
    return next((found.start() for found in _PIECE.finditer(content) if found["key"] is not None), -1)
