"""A worker's own way to a run on another machine, which cannot reach this one."""

import getpass
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from cqltui.campaign.model import BlockConfig
from cqltui.errors import ServerError
from cqltui.placement.dial import Dial
from cqltui.placement.protocol import PlacementError
from cqltui.results.rundir import RunDir


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


def words(run_dir: RunDir, block: BlockConfig) -> str:
    """Return what to type on a machine of the block, for its first worker."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's, who has no name
        user = "USER"
    place = f"{user}@{socket.gethostname()}:{run_dir.guest(block.name).absolute()}"
    typed = ["cqltui", "worker", "--worker-id", block.slots[0], "--through", place]
    for option, value in (("--dir", block.dir), ("--data-root", block.data_root)):
        typed += [option, value] if value is not None else []
    if block.device != "auto":
        typed += ["--device", block.device]
    return shlex.join(typed)
