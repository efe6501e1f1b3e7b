"""A list with a heading and a cursor that follows what it is on, whatever row that is in."""

from cqltui.ui.panels.panel import Panel

HEADING = 1


class CursorPanel(Panel):
    """Rows by their keys, and a cursor on one of them."""

    def __init__(self, id: str, title: str) -> None:
        super().__init__(id, title)
        self._keys: tuple[str, ...] = ()
        self._cursor = ""
        """The key of the row that the cursor is on; empty if there is none."""
        self._following = True
        """Until the user moves or acts, the cursor goes where the list puts it."""

    def moved(self) -> None:
        """Hear that the cursor is on another row."""

    def row_of(self, key: str) -> int:
        """Return the row of a key; the first if there is no such row."""
        return self._keys.index(key) if key in self._keys else 0

    @property
    def row(self) -> int:
        """The row of the cursor."""
        return self.row_of(self._cursor)

    def key_at(self, y: int) -> str:
        """Return the key of the row on a line of the panel; empty if there is none."""
        row = y - HEADING + self.scroll_offset.y
        return self._keys[row] if y >= HEADING and row < len(self._keys) else ""

    def set_keys(self, keys: tuple[str, ...], row: int, cursor: str = "", steady: bool = False) -> None:
        """List these rows, the cursor on that of the key; without one on the row that it is on, or at its height, the
        `row`, if that is gone. `steady`: what is seen stays where it is on the screen, as rows come and go above."""
        top, rows = self.scroll_offset.y, self.size.height - HEADING
        held = self._keys[top] if steady and top < len(self._keys) else ""
        self._keys = keys
        self.hold_lines(len(keys) + HEADING)
        found = cursor or (self._cursor if self._cursor in keys else keys[min(row, len(keys) - 1)] if keys else "")
        if self._cursor != found:
            self._cursor = found
            self.moved()
        if held and top <= row < top + rows:
            self.scroll_to(y=self.row - (row - top), animate=False, force=True)
        elif held and held in keys:
            self.scroll_to(y=self.row_of(held), animate=False, force=True)
        else:
            self.show_cursor()
        self.refresh()

    def show_cursor(self, again: bool = False) -> None:
        """Scroll as little as shows the cursor; while it moves by itself, to the middle (`again`: in any case)."""
        row = self.row
        height = self.size.height - HEADING
        top = self.scroll_offset.y
        if height > 0 and (again or not top <= row < top + height):
            edge = row if row < top else row - height + 1
            # Forced: the scrollbar of a list that has just grown appears only with the next layout.
            self.scroll_to(y=row - height // 2 if self._following else edge, animate=False, force=True)

    def hold(self) -> None:
        """Stay on this row: the user has chosen it."""
        self._following = False

    def move_to(self, row: int) -> None:
        """Put the cursor on a row, for the user."""
        self.hold()
        self.go_to(row)

    def go_to(self, row: int) -> None:
        """Put the cursor on a row."""
        if not self._keys:
            return
        row = min(max(row, 0), len(self._keys) - 1)
        key = self._keys[row]
        if key == self._cursor:
            return
        for y in (self.row, row):
            self.refresh_row(y + HEADING - self.scroll_offset.y)
        self._cursor = key
        self.show_cursor()
        self.moved()

    def refresh_key(self, key: str) -> None:
        """Draw the row of a key anew."""
        self.refresh_row(self.row_of(key) + HEADING - self.scroll_offset.y)

    def step(self, by: int) -> None:
        """Move the cursor by so many rows, for the user."""
        self.move_to(self.row + by)

    def action_down(self) -> None:
        """Move to the next row."""
        self.step(1)

    def action_up(self) -> None:
        """Move to the row before."""
        self.step(-1)

    def action_top(self) -> None:
        """Move to the first row."""
        self.move_to(0)

    def action_bottom(self) -> None:
        """Move to the last row."""
        self.move_to(len(self._keys) - 1)

    def action_page_down(self) -> None:
        """Move a page down."""
        self.step(max(self.size.height - HEADING - 1, 1))

    def action_page_up(self) -> None:
        """Move a page up."""
        self.step(-max(self.size.height - HEADING - 1, 1))
