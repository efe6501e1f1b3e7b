"""Numba, without the settings that a folder has: it reads `.numba_config.yaml` of the current one wherever PyYAML is
installed, which may switch the compiler off, or have it compile for another processor. NUMBA_* variables count as ever.

Everybody imports it from here.
"""

import os
import sys
import warnings
from typing import Any

_yaml: Any = sys.modules.get("yaml")
sys.modules["yaml"] = None  # type: ignore[assignment]  # its import fails, as where it is not installed
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that such a file is there, and cannot be read
        import numba
        from numba.core import config
        from numba.extending import overload
finally:
    del sys.modules["yaml"]
    if _yaml is not None:
        sys.modules["yaml"] = _yaml

config._config_fname = os.devnull  # before each compilation it looks again, and would warn each time

__all__ = ["numba", "overload"]
