"""The ways from machines elsewhere to a run's embedded server, and who may use them: as long as it is supervised."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from cqltui.app.blocks import NO_TUNNELS, Tunnels, host_engine, starting_of
from cqltui.broker.server.guests import Entry, Guests
from cqltui.campaign.hosts import SshConfig
from cqltui.campaign.model import Campaign
from cqltui.errors import ServerError
from cqltui.placement.tunnel import LOOK_S, Tunnel
from cqltui.results.rundir import RunDir
from trainer.files import write_bytes

log = logging.getLogger(__name__)


class Door:
    """Keeps the file by which the machines of a block that dials in find the server and are let in."""

    def __init__(self, guests: Guests, block: str, path: Path) -> None:
        self._guests, self._block, self._path = guests, block, path
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"door {block}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Have it end; `join` waits for that."""
        self._closing.set()

    def join(self) -> None:
        """Wait until it has ended, and take the file away."""
        self._thread.join(2 * LOOK_S)
        self._path.unlink(missing_ok=True)

    def _work(self) -> None:
        entry: Entry | None = None
        trouble = ""
        while not self._closing.is_set():
            try:
                if entry is None or self._guests.is_stale(entry):
                    entry = self._guests.admit(self._block)
                    write_bytes(self._path, json.dumps(entry.at(entry.socket)).encode(), private=True)
                trouble = ""
            except (ServerError, OSError) as error:
                if trouble != str(error):
                    trouble = str(error)
                    log.warning("block %s: nobody is let in: %s", self._block, error)
            self._closing.wait(LOOK_S)


@contextmanager
def kept(campaign: Campaign, run_dir: RunDir, redis_url: str | None) -> Iterator[Tunnels]:
    """Keep up the tunnels of the campaign's blocks, each with a user of the embedded server's, who is sent away in the
    end. Nothing of the kind where the server is the user's own."""
    if redis_url is not None:
        yield NO_TUNNELS
        return
    guests = Guests(run_dir.path, campaign.redis.namespace)
    _dismiss(guests)  # of a supervisor that was killed
    tunnels: dict[tuple[str, str], Tunnel] = {}
    doors: list[Door] = []
    try:
        for block in campaign.blocks:
            if not isinstance(block.on, SshConfig):
                continue
            admit = partial(guests.admit, block.name)
            if block.on.dials_in:
                doors.append(Door(guests, block.name, run_dir.guest(block.name)))
            for host in block.on.hosts:
                engine = host_engine(block.on, host, starting_of(campaign, block, run_dir, None))
                tunnels[block.name, host] = Tunnel(engine, admit, guests.is_stale)
        yield tunnels
    finally:
        ways: list[Tunnel | Door] = [*tunnels.values(), *doors]
        for way in ways:
            way.close()
        for way in ways:
            way.join()
        _dismiss(guests)


def _dismiss(guests: Guests) -> None:
    try:
        guests.dismiss()
    except ServerError as error:  # with the server its users are gone
        log.info("%s", error)
