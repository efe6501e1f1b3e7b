"""The terminal's answer to the question for its background, when it comes so late that it is read as keys. Pure."""

import re

WAIT_S = 10.0
"""After the start; an answer that takes longer is not one."""
BURST_S = 0.02
"""Keys of one answer come together; nobody types so fast."""
_BEGINS, _OPENS = "circumflex_accent", "right_square_bracket"
"""How the reader of keys tells an ESC that begins no sequence it knows, where another ESC ends it; and what follows."""
_MIDDLE = re.compile(r"[0-9a-fA-F;:/rgb\]]")
_ENDS = frozenset({"ctrl+g", "alt+backslash", "backslash"})


class LateAnswer:
    """Takes the keys of one answer out of those that are typed: `ESC ] 11 ; rgb : ...` and its end.

    Where the answer ends with a BEL its ESC is not told. Its bracket may be the user's, and is left; what comes with it
    in one burst is not.
    """

    def __init__(self) -> None:
        self._inside = False
        self._opened_s = float("-inf")
        self.text = ""
        """What it says, so far."""
        self.over = False
        """Whether the answer has come."""

    def takes(self, key: str, character: str | None, time_s: float) -> bool:
        """Return whether a key is part of the answer. For each key, in order, with its time."""
        if self.over:
            return False
        if not self._inside:
            self._inside = key == _BEGINS or (key == "1" and time_s - self._opened_s < BURST_S)
            self._opened_s = time_s if key == _OPENS else float("-inf")
            return self._inside
        if key in _ENDS:
            self.over = True
            return True
        if character is not None and _MIDDLE.fullmatch(character):
            self.text += character
            return True
        self._inside, self.text = False, ""  # a key of the user's
        return False
