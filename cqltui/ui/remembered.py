"""What the screen keeps from one start to the next. Pure: a value, and how it is made from what a file holds."""

from collections.abc import Mapping

from msgspec import Struct

LONGEST, MOST = 200, 64
"""Characters of a text, and texts of a list, that are taken from a file."""

Field = str | bool | int | tuple[str, ...]


class Remembered(Struct, frozen=True):
    """How the user has arranged the screen.

    A field is a line here, with a default of type str, bool, int or tuple[str, ...]: that is all it needs to be read
    and written. To remember something, as with a field `sort: str = ""`, a screen reads it when it is mounted and puts
    another value whenever it changes, which is then written in the background (`Memory`):

        self.tasks.sort_by(memory.now.sort)
        memory.put(replace(memory.now, sort=self.tasks.sort_name))

    The file may hold anything, so whoever reads a field checks that there is such a panel, column or theme.
    """

    hidden: tuple[str, ...] = ()
    """Ids of the panels that are hidden."""
    tab: str = "tasks"
    """The panel that had the keys: where one is seen at a time, it is this one."""
    theme: str = ""
    """The theme that was chosen with its key; empty while none was."""
    sort: str = ""
    """The column that sorts the tasks; empty: the campaign's order."""
    inverted: bool = False
    """Whether it sorts the other way round."""
    columns: tuple[str, ...] = ()
    """The columns of the task list, in order; none: those that fit."""
    filters: tuple[str, ...] = ()
    """Filters that were typed, the newest first."""


def remembered(value: object) -> Remembered:
    """Return what a decoded file says, field by field: one that is missing or of another kind has its default."""
    if not isinstance(value, Mapping):
        return Remembered()
    defaults = Remembered()
    known: dict[str, Field] = {}
    for name in Remembered.__struct_fields__:
        default: Field = getattr(defaults, name)
        known[name] = read_field(value.get(name), default)
    return Remembered(**known)  # type: ignore[arg-type]  # each is of its default's type


def read_field(value: object, default: Field) -> Field:
    """Return the value of a file where it is of the default's kind, else the default."""
    if isinstance(default, tuple):
        if isinstance(value, list) and len(value) <= MOST and all(map(_is_text, value)):
            return tuple(value)
    elif isinstance(default, str):
        if isinstance(value, str) and _is_text(value):
            return value
    elif type(value) is type(default) and abs(value) < 2**31:
        return value
    return default


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST and value.isprintable()
