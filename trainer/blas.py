"""SciPy's BLAS for compiled code: the one module that it calls, without the package around it."""

import importlib
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

NAME = "scipy.linalg.cython_blas"
"""Where Numba looks for it."""


def load_blas() -> None:
    """Load what `numpy.dot` in compiled code calls. Raises ModuleNotFoundError if SciPy is missing.

    Imported by its name it brings all of `scipy.linalg`, which takes a quarter of a worker's start and is not used.
    """
    if NAME in sys.modules:
        return
    package = importlib.import_module("scipy")  # which knows where its libraries lie
    spec = PathFinder.find_spec(NAME, [str(Path(folder) / "linalg") for folder in package.__path__])
    if spec is not None and spec.loader is not None:
        module = sys.modules[NAME] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except ImportError:  # it does not stand alone in this version of SciPy
            del sys.modules[NAME]
    importlib.import_module(NAME)
