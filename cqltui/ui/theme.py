"""The colours: few, quiet, and never the only carrier of a meaning."""

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

_COLOURS = {
    # of          dark       light      high contrast
    "primary": ("#7aa2d6", "#1d5596", "#7cc4ff"),
    "secondary": ("#8fb8c9", "#1f6076", "#6fe3e8"),
    "accent": ("#d9b36c", "#7a4f00", "#ffd75f"),
    "success": ("#8fbc8b", "#2a6330", "#7ee787"),
    "warning": ("#d9a05b", "#854900", "#ffb454"),
    "error": ("#e5858c", "#a81c2a", "#ff9492"),
    "foreground": ("#c9d1dc", "#222931", "#ffffff"),
    "background": ("#11151b", "#f8f9fb", "#000000"),
    "surface": ("#161b23", "#f0f2f6", "#000000"),
    "panel": ("#1d2430", "#e6eaf0", "#1a1a1a"),
}
"""Of each role, in the dark, the light and the high-contrast theme."""
_VARIABLES = {
    "dim": ("#8a95a6", "#56606d", "#d0d0d0"),
    "faint": ("#6c7b91", "#6b7684", "#a8a8a8"),
    "border": ("#2c3645", "#c3cbd6", "#a8a8a8"),
    "block-cursor-background": ("#233044", "#d5e1f0", "#003a6b"),
    "block-cursor-foreground": ("#e8edf4", "#10151b", "#ffffff"),
    "input-selection-background": ("#3a5273", "#b9cfea", "#005a9e"),
    "scrollbar-hover": ("#3a475a", "#aab5c3", "#d0d0d0"),
    "scrollbar-active": ("#4a5a72", "#8f9cad", "#ffffff"),
}
"""The same of what Textual has as variables."""
_AS = {
    "border-blurred": "border",
    "scrollbar": "border",
    "footer-background": "background",
    "scrollbar-background": "background",
    "scrollbar-background-hover": "background",
    "scrollbar-background-active": "background",
}
"""Variables that have the colour of another role."""


def _theme(column: int, name: str, dark: bool) -> Theme:
    colours = {role: of[column] for role, of in _COLOURS.items()}
    variables = {role: of[column] for role, of in _VARIABLES.items()}
    every = colours | variables
    return Theme(
        name=name,
        dark=dark,
        primary=colours["primary"],
        secondary=colours["secondary"],
        accent=colours["accent"],
        success=colours["success"],
        warning=colours["warning"],
        error=colours["error"],
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["panel"],
        variables=variables | {name: every[role] for name, role in _AS.items()},
    )


DARK, LIGHT = _theme(0, "dark", dark=True), _theme(1, "light", dark=False)
HIGH_CONTRAST = _theme(2, "high-contrast", dark=True)
_STOCK = BUILTIN_THEMES["ansi-dark"]
ANSI = replace(
    _STOCK,
    name="ansi",
    variables=_STOCK.variables | {"border": "ansi_default", "border-blurred": "ansi_default"},
)
"""The terminal's own colours; also used where there are none: the other themes still give greys."""
THEMES = {theme.name: theme for theme in (DARK, LIGHT, HIGH_CONTRAST, ANSI)}
EXTRA = {"dim": "ansi_default", "faint": "ansi_default"}
"""Our variables in themes that do not have them."""


def after(name: str) -> str:
    """Return the theme that comes after this one."""
    names = list(THEMES)
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]
