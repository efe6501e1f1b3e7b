"""Which of very many tasks a reader holds. Pure."""

from msgspec import Struct

SIZE = 2_000
"""Tasks of a page, at most."""


class Page(Struct, frozen=True):
    """Tasks in a row that a reader of very many holds, beside those that something happens to."""

    ids: tuple[str, ...] = ()
    """As they were submitted."""
    first: int = 0
    """How many tasks were submitted before the first of them; 0 where they were found by words."""
    filter: str = ""
    """The words by which they were found; empty: they are all that there are from `first` on."""
    looked_at: int = 0
    """How many tasks were looked at for these words."""
    through: bool = True
    """Whether that is all that are to be looked at: there are no more, or enough were found."""
