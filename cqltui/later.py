"""Modules that are loaded when they are wanted: the screen is seen before what few ask for is there."""

import gc
import importlib
from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import Any

from cqltui.garbage import uncollected


def load(module: str, *, running: bool = False) -> ModuleType:
    """Return the module. What it loads stays to the end, and is kept from the garbage collector, which would take a
    fifth of the time for finding nothing in it. `running`: there are other objects by now, which do not stay."""
    with uncollected():
        try:
            return importlib.import_module(module)
        finally:
            if not running:
                gc.freeze()


def later(module: str, name: str) -> Callable[..., Any]:
    """Return a function that loads `module` when it is called, and calls what is called `name` there."""

    def call(*arguments: object, **named: object) -> Any:
        return getattr(load(module, running=True), name)(*arguments, **named)

    return call


class Later:
    """A module that is loaded when something of it is first used. For whoever checks types it is the module itself:

    if TYPE_CHECKING:
        from cqltui.room import module
    else:
        module = Later("cqltui.room.module")
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(load(self._module, running=True), name)
        setattr(self, name, found)  # found without this the next time
        return found


class _Made:
    def __init__(self, module: str, name: str, given: tuple[object, ...]) -> None:
        self._module, self._name, self._given = module, name, given

    @cached_property
    def _made(self) -> Any:
        return getattr(load(self._module, running=True), self._name)(*self._given)

    def __call__(self, *arguments: object, **named: object) -> Any:
        return self._made(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)


def made_later(module: str, name: str, *given: object) -> Any:
    """Return what stands for an object: the first use makes it, of what is called `name` in `module`, which is loaded
    then. For one thread."""
    return _Made(module, name, given)
