"""A task's settings, and which of them differ from what its phase sets."""

from collections.abc import Mapping
from typing import Any

from cqltui.algorithms.base import REQUIRED, setting_text
from cqltui.state.model import TaskState
from cqltui.state.plain import plain
from cqltui.ui import format as fmt
from cqltui.ui.details.field import LABEL, LEAST, field
from cqltui.ui.line import Line, clip, left, width

DIFFERS = "≠"
VALUE = 14
"""Cells of a value before what the phase has instead."""
MACHINE = "auto"
"""A default that says nothing: what it stands for depends on the machine."""


def setting_lines(task: TaskState, defaults: Mapping[str, Any] | None, cells: int) -> list[Line]:
    """Return all settings. `defaults`: the phase's; None where they are not known, and the algorithm's count."""
    if defaults is None:
        defaults = {s.name: s.default for s in task.algorithm.settings if s.default is not REQUIRED}
    values = task.info.settings
    lines: list[Line] = []
    for setting in task.algorithm.settings:
        if setting.name in values:
            text = _text(values[setting.name])
            usual = _text(defaults[setting.name]) if setting.name in defaults else text
            lines.append(_line(setting.label, text, "" if usual in {text, MACHINE} else usual, cells))
    return [
        *lines,
        field("parameters", fmt.count(task.info.params)),
        field("steps per epoch", fmt.count(task.info.epoch_steps)),
        field("FLOPs per step", fmt.scaled(task.info.step_flops)),
    ]


def settings_title(defaults: Mapping[str, Any] | None) -> str:
    """Return what stands above them: what follows the sign."""
    return f"Settings ({DIFFERS} default of {'the algorithm' if defaults is None else 'the phase'})"


def _text(value: object) -> str:
    return fmt.NONE if value is None else plain(setting_text(value), 200)


def _line(label: str, text: str, usual: str, cells: int) -> Line:
    """Return a setting; `usual`: what is set by default where that is something else."""
    if not usual:
        return field(label, text)
    value = left(text, VALUE) if width(((text, ""),)) < VALUE and cells >= LABEL + VALUE + LEAST else text
    room = cells - LABEL - width(((value, ""),))
    return (*field(label, value, "accent"), (clip(f" {DIFFERS} {usual}", max(room, 2)), "dim"))
