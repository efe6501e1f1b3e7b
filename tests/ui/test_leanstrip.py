"""A line in fewer bytes looks the same in a terminal."""

import random
from itertools import product

import pyte
import pytest
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cqltui.ui.leanstrip import RESET, LeanStrip

CELLS = 60
LOOKS = (None, "bold", "bold underline", "reverse", "dim", "not bold")
SYSTEMS = ("standard", "256", "truecolor")


def styles_of(red: int) -> list[Style]:
    """All there may be: of one system alone, as a style remembers its codes."""
    colors = (
        None,
        Color.from_rgb(red, 209, 220),
        Color.from_rgb(red, 21, 27),
        Color.parse("default"),
        Color.from_ansi(4),
    )
    looks = [Style.parse(look) if look else None for look in LOOKS]
    return [Style(color=color, bgcolor=below) + look for color, below, look in product(colors, colors, looks)]


def shown(text: str) -> list[object]:
    """What a terminal has in its line, and how it would go on: as after a reset."""
    screen = pyte.Screen(CELLS, 1)
    pyte.Stream(screen).feed(f"\x1b[0;35m{text}|")
    return [screen.buffer[0][x] for x in range(CELLS)]


def console(system: str) -> Console:
    return Console(color_system=system, force_terminal=True)  # type: ignore[arg-type]  # one of three


@pytest.mark.parametrize("system", SYSTEMS)
def test_it_looks_as_textual_draws_it(system: str) -> None:
    chosen, every = random.Random(7), styles_of(100 + SYSTEMS.index(system))
    shorter = 0
    for _ in range(300):
        styles = chosen.choices([None, *every], k=chosen.randrange(1, 6))
        parts = [Segment(f"a{number} 漢", style) for number, style in enumerate(styles)]
        stock, lean = Strip(parts), LeanStrip(parts)
        out = console(system)
        # Textual leaves whatever was on before for a part without a style, of which ours has none either.
        wanted, found = f"\x1b[0m{stock.render(out)}", f"\x1b[0m{lean.render(out)}"
        assert shown(found) == shown(wanted), styles
        assert lean.render(out) is lean.render(out)
        shorter += len(found) < len(wanted)
        assert len(found) <= len(wanted) + len(styles) * len(RESET)
        part, whole = lean.crop(2, 7), stock.crop(2, 7)
        assert list(part) == list(whole)
        assert isinstance(part, LeanStrip)
        assert part is lean.crop(2, 7)
        assert shown(f"\x1b[0m{part.render(out)}") == shown(f"\x1b[0m{whole.render(out)}")
    assert shorter > 50


def test_the_whole_of_it_is_itself() -> None:
    lean = LeanStrip([Segment("abc"), Segment("def")])
    assert lean.crop(0) is lean
    assert lean.crop(0, 6) is lean
    assert lean.crop(0, 9) is lean
    assert [part.text for part in lean.crop(4)] == ["ef"]


def test_links_and_controls_are_left_to_textual() -> None:
    linked = [Segment("a", Style(link="https://example.org", color="red")), Segment("b")]
    assert LeanStrip(linked).render(console("truecolor")) == Strip(linked).render(console("truecolor"))


def test_one_part_behind_the_other_says_what_differs() -> None:
    below = Color.parse("#101010")
    parts = [Segment(text, Style(color=color, bgcolor=below)) for text, color in (("a", "#010203"), ("b", "#040506"))]
    text = LeanStrip(parts).render(console("truecolor"))
    assert text.count("48;2;16;16;16") == 1
    assert text.endswith("\x1b[38;2;4;5;6mb\x1b[0m")
