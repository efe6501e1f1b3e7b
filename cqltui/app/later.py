"""Modules that are loaded when they are wanted: the screen is seen before what few ask for is there."""

import gc
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any


def load(module: str) -> ModuleType:
    """Return the module. What it loads stays to the end, and is kept from the garbage collector, which would take a
    fifth of the time for finding nothing in it."""
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def later(module: str, name: str) -> Callable[..., Any]:
    """Return a function that loads `module` when it is called, and calls what is called `name` there."""

    def call(*arguments: object, **named: object) -> Any:
        return getattr(load(module), name)(*arguments, **named)

    return call
