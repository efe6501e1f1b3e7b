"""A pytest plugin for a process of its own: one module is loaded from another text, named in the environment."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

MODULE, PATH, TEXT = "MUTANT_MODULE", "MUTANT_PATH", "MUTANT_TEXT"


class _Loader(importlib.abc.SourceLoader):
    """The other text, and never compiled code from a cache."""

    def get_filename(self, fullname: str) -> str:
        return os.environ[PATH]

    def get_data(self, path: str | bytes) -> bytes:
        if str(path) != os.environ[PATH]:
            raise OSError("no cached code")
        return Path(os.environ[TEXT]).read_bytes()


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The one module; all others are found as ever."""
        if fullname != os.environ[MODULE]:
            return None
        return importlib.util.spec_from_file_location(fullname, os.environ[PATH], loader=_Loader())


if MODULE in os.environ:
    sys.meta_path.insert(0, _Finder())
