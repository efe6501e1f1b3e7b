"""Libraries that only an extra brings."""

import importlib
from types import ModuleType

from cqltui.errors import InputError


def needed(module: str, extra: str, what: str = "this format") -> ModuleType:
    """Return a library that an extra brings. Raises InputError that says what needs it, and how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise InputError(f"{module} cannot be loaded ({error}): pip install 'cqltui[{extra}]'") from error
        raise InputError(f"{module} is not installed, which {what} needs: pip install 'cqltui[{extra}]'") from None
