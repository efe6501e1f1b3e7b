"""A worker's own way to a run on another machine, which cannot reach this one."""

from collections.abc import Iterator
from contextlib import contextmanager

from cqltui.errors import ServerError
from cqltui.placement.dial import Dial
from cqltui.placement.protocol import PlacementError


@contextmanager
def dialled(through: str) -> Iterator[str]:
    """Keep up the tunnel, and give the URL by which the server is found. Raises InputError, and ServerError if there is
    none soon."""
    dial = Dial(through)
    try:
        try:
            url = dial.url()
        except PlacementError as error:
            raise ServerError(str(error)) from None
        yield url
    finally:
        dial.close()
        dial.join()
