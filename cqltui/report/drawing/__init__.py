"""Figures as pictures, by matplotlib, which is loaded nowhere else; and without the settings that the user, a notebook
or the current folder has for it: a figure looks the same everywhere, and a folder's file is not read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWN = {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}


@contextmanager
def _without_settings() -> Iterator[None]:
    """Have matplotlib find nothing while it is loaded: it looks into the current folder before all others."""
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    before = {name: os.environ.get(name) for name in OWN}
    os.environ.update(OWN)
    os.chdir(Path(__file__).parent)
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


with _without_settings():
    import matplotlib as matplotlib
