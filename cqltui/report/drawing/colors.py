"""The colors of figures, on paper and on a page, which may be dark."""

PALETTE = ("#0077bb", "#ee7733", "#332288", "#009e73", "#555555", "#cc79a7", "#117733")
"""By place: of Tol's and of Okabe and Ito's colors those that differ most for everyone. The first three differ in grey
too, and all stand out on white."""
DARK = ("#4fb0ea", "#f59a63", "#a99cf5", "#35c99e", "#b4b4b4", "#e8aacb", "#71bf7c")
"""The same places where the ground is dark."""
INK, GRID, PAPER = "#262626", "#e4e4e4", "#ffffff"
DARK_GRID = "#3a3a3a"
VARIABLES = {
    INK: "currentColor",
    GRID: f"var(--plot-grid, {GRID})",
    PAPER: f"var(--plot-paper, {PAPER})",
    **{color: f"var(--plot-{place}, {color})" for place, color in enumerate(PALETTE)},
}
"""What stands for each color in the SVG of a page, whose style can change it: the text's color, and variables for the
grid, the ground and each place in the palette."""


def dark_style(selector: str, paper: str) -> str:
    """Return the CSS rule that makes the SVGs of a page fit for a dark ground of the color `paper`."""
    colors = {f"--plot-{place}": color for place, color in enumerate(DARK)}
    named = {**colors, "--plot-grid": DARK_GRID, "--plot-paper": paper}
    return f"{selector} {{ {' '.join(f'{name}: {color};' for name, color in named.items())} }}"


def color_of(place: int) -> str:
    """Return a color of the palette, which begins again at its end."""
    return PALETTE[place % len(PALETTE)]
