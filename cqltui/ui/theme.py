"""The colours: few, quiet, and never the only carrier of a meaning."""

from textual.theme import Theme

DARK = Theme(
    name="cqltui",
    dark=True,
    primary="#7aa2d6",
    secondary="#8fb8c9",
    accent="#d9b36c",
    success="#8fbc8b",
    warning="#d9a05b",
    error="#d9737a",
    foreground="#c9d1dc",
    background="#11151b",
    surface="#161b23",
    panel="#1d2430",
    variables={
        "dim": "#8a95a6",
        "faint": "#465264",
        "border": "#2c3645",
        "border-blurred": "#2c3645",
        "footer-background": "#11151b",
        "block-cursor-background": "#2a3a52",
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
ANSI = "ansi-dark"
"""Used for NO_COLOR: the other themes still give greys."""
EXTRA = {"dim": "ansi_default", "faint": "ansi_default"}
"""Our variables in themes that do not have them."""
