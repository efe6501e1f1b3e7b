"""The text of a campaign file -> its tables, as TOML has them."""

import codecs
import re
import tomllib
from pathlib import Path
from typing import Any

from cqltui.errors import InputError

KEY_PARTS = 100
_LONG_KEY = re.compile(
    rb"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){%d}""" % KEY_PARTS
)
"""The parser takes time in the square of a key's parts: half a minute for 80 kB."""


def parse_toml(content: bytes, path: Path) -> dict[str, Any]:
    """The document; InputError with line and column where it is not TOML or not UTF-8. A byte order mark, as some
    editors write it, is passed over."""
    content = content.removeprefix(codecs.BOM_UTF8)
    if (found := _LONG_KEY.search(content)) is not None:
        line = content.count(b"\n", 0, found.start()) + 1
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
        where = f"line {line_number}, column {column}" if line_number else "end of the file"
        raise InputError(f"{path}: {where}: not valid TOML: {message}") from None
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits; brackets nested too deeply
        raise InputError(f"{path}: not valid TOML: {str(error).split(';')[0]}") from None
