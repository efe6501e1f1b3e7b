"""When Python's garbage collector does not look: while hundreds of thousands of objects are made that stay, it goes
through all of them again and again, which takes a third of the time, and finds nothing."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 50_000
"""Objects; to go through them takes 20 ms."""


@contextmanager
def paused() -> Iterator[None]:
    """Switch it off meanwhile: what is made and goes with its last reference before the end is never looked at."""
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch it off meanwhile. Where very many objects were made it never looks at them: they go with their last
    reference, as all do that are in no cycle."""
    looks = gc.isenabled()
    with paused():
        try:
            yield
        finally:
            if looks and gc.get_count()[0] > MANY:
                gc.freeze()
