"""Whether a tunnel gets through from a host to here: built as a run's is, to a server that answers a PING alone."""

import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from cqltui.placement.protocol import PlacementError
from cqltui.placement.ssh import Ssh
from cqltui.placement.tunnel import END_S, OPEN_S, opened, tell

PONG = "+PONG"


def check(engine: Ssh) -> None:
    """Raise PlacementError, with the reason, if nothing comes back from there."""
    try:
        _check(engine)
    except PlacementError as error:
        raise engine.named(error) from None


def _check(engine: Ssh) -> None:
    with tempfile.TemporaryDirectory(prefix="cqltui-") as folder, socket.socket(socket.AF_UNIX) as server:
        here = str(Path(folder, "s"))
        server.bind(here)
        server.listen(1)
        server.settimeout(OPEN_S)
        threading.Thread(target=_answer, args=(server,), daemon=True).start()
        engine = engine.aside()  # of the run's own tunnel, which may stand
        there, _ = engine.ends()
        with opened(engine.tunnel((there, here)), stdin=subprocess.PIPE) as (process, errors):
            tell(process, {"socket": there}, errors)
            if not (said := engine.hear(there)).startswith(PONG):
                raise PlacementError(f"a PING was answered with {said[:40]!a}")


def _answer(server: socket.socket) -> None:
    with suppress(OSError):
        made, _ = server.accept()
        with made:
            made.settimeout(END_S)
            made.recv(100)
            made.sendall(f"{PONG}\r\n".encode())
