"""`dataclass` as in `dataclasses`, but a class's methods are made when the first of them is called.

The standard decorator writes and compiles six methods for every class as it is defined. The screen loads 130 of our
classes and uses a third of them until it is seen: that was a sixth of its start.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        *, frozen: bool = False, slots: bool = False, eq: bool = True, kw_only: bool = False
    ) -> Callable[[type], type]:
        """Return a decorator that makes a dataclass: one that is frozen and has slots, method by method."""
        if not (frozen and slots):
            return dataclasses.dataclass(frozen=frozen, slots=slots, eq=eq, kw_only=kw_only)

        def decorate(cls: type) -> type:
            cls.__doc__ = cls.__doc__ or cls.__name__  # else `dataclasses` makes one from the signature
            own = set(vars(cls))
            made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
            names = ["__init__", "__repr__", *(["__eq__", "__hash__"] if eq else [])]
            _defer(made, [name for name in names if name not in own])
            made.__setattr__, made.__delattr__ = _refuse_set, _refuse_delete
            made.__getstate__, made.__setstate__ = _state, _set_state
            return made

        return decorate


def _defer(cls: type, names: list[str]) -> None:
    """Give the class methods that make themselves."""

    def deferred(name: str) -> Callable[..., Any]:
        def method(self: object, *args: object, **named: object) -> Any:
            _make(cls, names)
            return getattr(cls, name)(self, *args, **named)

        return method

    for name in names:
        setattr(cls, name, deferred(name))


def _make(cls: type, names: list[str]) -> None:
    """Take the methods from a dataclass of the same fields."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    members: dict[str, Any] = {"__annotations__": {name: field.type for name, field in fields.items()}, **fields}
    if hasattr(cls, "__post_init__"):
        members["__post_init__"] = None  # that there is one: it is called by its name
    members |= {"__module__": cls.__module__, "__doc__": cls.__doc__}
    full: type = dataclasses.dataclass(frozen=True)(type(cls.__name__, (), members))
    for name in names:
        method = vars(full)[name]
        method.__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, method)


def _refuse_set(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
