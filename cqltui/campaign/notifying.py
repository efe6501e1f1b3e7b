"""The [notify] table. A webhook's address, and a command's words, may hold a secret: messages quote neither."""

import re
from datetime import time
from typing import Any
from urllib.parse import urlsplit

from cqltui.campaign.key import Key, Table
from cqltui.campaign.model import NotifyConfig
from cqltui.campaign.occasion import Occasion
from cqltui.fields import INVALID, Problems, Reader, accepting, boolean, list_of

MOST_WORDS, LONGEST_WORD = 100, 4000
_DEFAULTS = NotifyConfig()
_URL = "https://... or http://..., without spaces, user and password"
_WORDS = f"a program and its arguments: a list of 1 to {MOST_WORDS} texts without control characters"
_HOUR = 'an hour of the day such as "07:30"'
_HOUR_PATTERN = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"


def _read_webhook(value: object, key: str, problems: Problems) -> Any:
    if isinstance(value, str) and _is_url(value):
        return value
    problems.add(key, f"expected {_URL}")
    return INVALID


def _is_url(text: str) -> bool:
    if len(text) > LONGEST_WORD or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and "@" not in parts.netloc
        return known and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no number for a port, brackets that do not close
        return False


def _read_command(value: object, key: str, problems: Problems) -> Any:
    if isinstance(value, list) and 1 <= len(value) <= MOST_WORDS and value[0] and all(map(_is_word, value)):
        return tuple(value)
    problems.add(key, f"expected {_WORDS}")
    return INVALID


def _is_word(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_WORD and (value.isprintable() or not value)


def _accept_hour(value: object) -> Any:
    if isinstance(value, time):  # TOML has hours too
        return value.replace(second=0, microsecond=0)
    return time.fromisoformat(value) if isinstance(value, str) and re.fullmatch(_HOUR_PATTERN, value) else INVALID


def _accept_occasion(value: object) -> Any:
    return Occasion(value) if isinstance(value, str) and value in list(Occasion) else INVALID


_OCCASION = accepting(f"one of {', '.join(Occasion)}", {"enum": list(Occasion)}, _accept_occasion)

NOTIFY: Table = {
    "command": Key(
        Reader(
            _read_command,
            _WORDS,
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_WORDS},
        ),
        "A program that is started with each notice: JSON on its standard input, `CQLTUI_TEXT` and others in its "
        "environment.",
    ),
    "webhook": Key(
        Reader(_read_webhook, _URL, {"type": "string", "pattern": "^https?://"}),
        "An address that each notice is posted to, as JSON.",
    ),
    "bell": Key(boolean, "Ring the terminal's bell where a screen is open.", _DEFAULTS.bell),
    "eta_past": Key(
        accepting(_HOUR, {"type": "string", "pattern": _HOUR_PATTERN}, _accept_hour),
        "Tell when the run is expected to end after this hour, the next one from its start on by the machine's clock.",
    ),
    "on": Key(
        list_of(_OCCASION, f"of {', '.join(Occasion)}", low=0, high=len(Occasion), unique=True),
        "What is told.",
        list(_DEFAULTS.on),
    ),
}
