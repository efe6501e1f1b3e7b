"""The colours: few, quiet, and never the only carrier of a meaning."""

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

DARK = Theme(
    name="dark",
    dark=True,
    primary="#7aa2d6",
    secondary="#8fb8c9",
    accent="#d9b36c",
    success="#8fbc8b",
    warning="#d9a05b",
    error="#e5858c",
    foreground="#c9d1dc",
    background="#11151b",
    surface="#161b23",
    panel="#1d2430",
    variables={
        "dim": "#8a95a6",
        "faint": "#6c7b91",
        "border": "#2c3645",
        "border-blurred": "#2c3645",
        "footer-background": "#11151b",
        "block-cursor-background": "#233044",
        "block-cursor-foreground": "#e8edf4",
        "input-selection-background": "#3a5273",
        "scrollbar": "#2c3645",
        "scrollbar-hover": "#3a475a",
        "scrollbar-active": "#4a5a72",
        "scrollbar-background": "#11151b",
        "scrollbar-background-hover": "#11151b",
        "scrollbar-background-active": "#11151b",
    },
)
LIGHT = Theme(
    name="light",
    dark=False,
    primary="#1d5596",
    secondary="#1f6076",
    accent="#7a4f00",
    success="#2a6330",
    warning="#854900",
    error="#a81c2a",
    foreground="#222931",
    background="#f8f9fb",
    surface="#f0f2f6",
    panel="#e6eaf0",
    variables={
        "dim": "#56606d",
        "faint": "#6b7684",
        "border": "#c3cbd6",
        "border-blurred": "#c3cbd6",
        "footer-background": "#f8f9fb",
        "block-cursor-background": "#d5e1f0",
        "block-cursor-foreground": "#10151b",
        "input-selection-background": "#b9cfea",
        "scrollbar": "#c3cbd6",
        "scrollbar-hover": "#aab5c3",
        "scrollbar-active": "#8f9cad",
        "scrollbar-background": "#f8f9fb",
        "scrollbar-background-hover": "#f8f9fb",
        "scrollbar-background-active": "#f8f9fb",
    },
)
HIGH_CONTRAST = Theme(
    name="high-contrast",
    dark=True,
    primary="#7cc4ff",
    secondary="#6fe3e8",
    accent="#ffd75f",
    success="#7ee787",
    warning="#ffb454",
    error="#ff9492",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    variables={
        "dim": "#d0d0d0",
        "faint": "#a8a8a8",
        "border": "#a8a8a8",
        "border-blurred": "#a8a8a8",
        "footer-background": "#000000",
        "block-cursor-background": "#003a6b",
        "block-cursor-foreground": "#ffffff",
        "input-selection-background": "#005a9e",
        "scrollbar": "#a8a8a8",
        "scrollbar-hover": "#d0d0d0",
        "scrollbar-active": "#ffffff",
        "scrollbar-background": "#000000",
        "scrollbar-background-hover": "#000000",
        "scrollbar-background-active": "#000000",
    },
)
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
