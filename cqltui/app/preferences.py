"""The user's settings of the screen: $XDG_CONFIG_HOME/cqltui/config.toml, the options, and what the terminal says."""

import argparse
import importlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from msgspec import Struct, field

from cqltui.app import remembering, terminal
from cqltui.errors import InputError
from cqltui.later import later, load
from cqltui.ui.ground import Question
from cqltui.ui.preferences import AUTO, THEME_NAMES, Preferences
from trainer.files import read_regular
from trainer.names import suggestion

parse_toml = later("cqltui.campaign.document", "parse_toml")  # most have no such file

LARGEST = 256 * 1024
KNOWN = ("theme", "ascii", "plain", "keys")
EXPECTED = {"theme": f"one of {', '.join(THEME_NAMES)}", "ascii": "true or false", "plain": "true or false"}


class Settings(Struct, frozen=True):
    """What the file says; None where it says nothing."""

    theme: str | None = None
    ascii: bool | None = None
    plain: bool | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    path: Path | None = None
    text: str = ""

    def place(self, name: str) -> str:
        """Return file and line of a setting, or of the keys of an action, for a message."""
        found = line_of(self.text, name)
        return f"{self.path}: line {found}" if found else f"{self.path}"


def config_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return where the file is, which need not be there; None without a home."""
    chosen = environment.get("XDG_CONFIG_HOME", "")
    with suppress(RuntimeError):  # no home
        return (Path(chosen) if chosen.startswith("/") else Path.home() / ".config") / "cqltui" / "config.toml"
    return None


def read_settings(path: Path | None) -> Settings:
    """Return what the file says, nothing where there is none. InputError names file, line and fix."""
    if path is None:
        return Settings()
    try:
        content = read_regular(path, LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror or error}; remove it, or make it readable"
        ) from error
    document = parse_toml(content, path)
    settings = Settings(path=path, text=content.decode("utf-8-sig"))
    problems = [
        f"{settings.place(name)}: unknown {name!r}{suggestion(name, KNOWN)}" for name in document.keys() - KNOWN
    ]
    problems += [
        f"{settings.place(name)}: {name} = {document[name]!r}: expected {expected}"
        for name, expected in EXPECTED.items()
        if name in document and not _fits(name, document[name])
    ]
    keys, wrong = _keys(document.get("keys", {}), settings)
    if problems or wrong:
        raise InputError(*problems, *wrong)
    said = {name: document.get(name) for name in EXPECTED}
    return Settings(**said, keys=keys, path=path, text=settings.text)


def _fits(name: str, value: object) -> bool:
    return value in THEME_NAMES if name == "theme" else isinstance(value, bool)


def _keys(table: object, settings: Settings) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return the keys by id, and what is wrong: `"tasks.mark" = "m"`, `tasks.mark = ["m", "space"]`."""
    if not isinstance(table, dict):
        return {}, [f"{settings.place('keys')}: keys: expected a table: [keys]"]
    keys: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    for name, value in _flat(table):
        if isinstance(value, str):
            keys[name] = (value,)
        elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            keys[name] = tuple(value)
        else:
            problems.append(f'{settings.place(name)}: [keys] {name}: expected a key such as "m", or a list of keys')
    return keys, problems


def _flat(table: dict[str, Any], before: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in table.items():
        whole = f"{before}{name}"
        found += _flat(value, f"{whole}.") if isinstance(value, dict) else [(whole, value)]
    return found


def line_of(text: str, name: str) -> int:
    """Return the number of the line that sets a name, as it stands at the top or below [keys]; 0 if none does."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = _bare(stripped.split("]")[0].strip("[ ")) + "."
            if table.removesuffix(".") == name:
                return number
        elif "=" in stripped and f"{table}{_bare(stripped.split('=')[0])}".removeprefix("keys.") == name:
            return number
    return 0


def _bare(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


def check_settings() -> None:
    """Raise InputError for what is wrong in the user's file."""
    checked_keys(read_settings(config_file()))


def open_screen(arguments: argparse.Namespace) -> tuple[ModuleType, Preferences]:
    """Return `cqltui.app.screen`, which loads Textual, and how the user wants the screen.

    Raises InputError for what is wrong in the user's file.
    """
    settings = read_settings(config_file())
    theme = arguments.theme or settings.theme or _remembered_theme()
    browser: Literal["", "look", "control"] = getattr(arguments, "browser", "")
    if browser:  # which has colours and characters, and answers nobody
        screen = load("cqltui.app.screen")
        read_only = arguments.read_only or browser == "look"
        theme, keymap = "dark" if theme == AUTO else theme, checked_keys(settings)
        return screen, Preferences(
            theme=theme, plain=bool(settings.plain), keymap=keymap, browser=browser, read_only=read_only
        )
    asks = theme == AUTO and terminal.may_ask(os.environ)
    with Question(ask=asks) as question:
        screen = load("cqltui.app.screen")
        keymap = checked_keys(settings)
        background = question.answer()
    plain = arguments.plain_ui or bool(settings.plain)
    ascii_only = terminal.is_ascii(os.environ) if settings.ascii is None else settings.ascii
    return screen, Preferences(
        theme=terminal.theme(os.environ) if theme == AUTO else theme,
        asks=asks,
        background=background,
        colors=terminal.has_colors(os.environ),
        ascii=arguments.ascii or ascii_only,
        plain=plain,
        keymap=keymap,
        read_only=arguments.read_only,
    )


def _remembered_theme() -> str:
    name = remembering.load().theme
    return name if name in THEME_NAMES else AUTO


def checked_keys(settings: Settings) -> dict[str, str]:
    """Return the keymap of the file. Loads Textual if there is one. Raises InputError with every problem's line."""
    if not settings.keys:
        return {}
    keymap, problems = importlib.import_module("cqltui.ui.keymap").checked(settings.keys)
    if problems:
        raise InputError(*(f"{settings.place(one.id)}: [keys] {one.id}: {one.text}" for one in problems))
    return dict(keymap)
