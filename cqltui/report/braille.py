"""Dots on a grid of characters: each Braille character has two columns of four."""

ACROSS, DOWN = 2, 4
"""Dots of a character."""
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of each, by column and row (Unicode's block from 2800)."""
_FIRST = 0x2800


class Canvas:
    """A picture of `cells` by `rows` characters, its dots counted from the left upper corner."""

    def __init__(self, cells: int, rows: int) -> None:
        self.width, self.height = cells * ACROSS, rows * DOWN
        self._bits = [[0] * cells for _ in range(rows)]

    def dot(self, x: int, y: int) -> None:
        """Set a dot; one outside of the picture is not seen."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._bits[y // DOWN][x // ACROSS] |= DOTS[x % ACROSS][y % DOWN]

    def stroke(self, start: tuple[int, int], end: tuple[int, int], *, every: int = 1) -> None:
        """Draw a straight line, of which only one in `every` dots is set."""
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for i in range(0, steps + 1, every):
            self.dot(*(round(a + (b - a) * i / steps) for a, b in zip(start, end, strict=True)))

    def lines(self) -> list[str]:
        """Return the picture, top line first."""
        return ["".join(map(character, row)) for row in self._bits]

    def bits(self, cell: int, row: int) -> int:
        """Return the dots of a character, as of `character`; 0 where it has none."""
        return self._bits[row][cell]


def character(bits: int) -> str:
    """Return the character that has these dots."""
    return chr(_FIRST + bits)
