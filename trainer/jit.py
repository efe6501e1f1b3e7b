"""Numba, without the settings that a folder has: it reads `.numba_config.yaml` of the current one wherever PyYAML is
installed, which may switch the compiler off, or have it compile for another processor. NUMBA_* variables count as ever.

Everybody imports it from here.
"""

import gc
import os
import sys
import warnings
from typing import Any

_collects = gc.isenabled()
gc.disable()  # what is loaded stays: looking for garbage meanwhile takes a fifth of the time and finds none
_yaml: Any = sys.modules.get("yaml")
sys.modules["yaml"] = None  # type: ignore[assignment]  # its import fails, as where it is not installed
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that such a file is there, and cannot be read
        import numba
        from numba.core import config
        from numba.core.caching import FunctionCache
        from numba.core.runtime.nrt import rtsys
        from numba.extending import overload
finally:
    if _collects:
        gc.enable()
    del sys.modules["yaml"]
    if _yaml is not None:
        sys.modules["yaml"] = _yaml

config._config_fname = os.devnull  # before each compilation it looks again, and would warn each time

__all__ = ["keep_code", "numba", "overload"]


class _KeptCode(FunctionCache):
    """Numba's cache of a function's code, which takes code from the disk without what only compiling needs.

    Numba loads every function that code might call first, and their types, which takes longer than the code itself.
    What was compiled is linked with the runtime, which allocates arrays, and nothing else of them.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for these types of arguments; None if there is none, which Numba then compiles."""
        rtsys.initialize(target_context)
        kept: Any = self  # has no types
        with kept._guard_against_spurious_io_errors():
            return kept._load_overload(sig, target_context)


def keep_code(function: Any) -> None:
    """Keep a compiled function's code in Numba's folder, and take it from there, as `enable_caching` does."""
    if hasattr(function, "enable_caching"):  # not where NUMBA_DISABLE_JIT is set
        cache: Any = _KeptCode
        function._cache = cache(function.py_func)
