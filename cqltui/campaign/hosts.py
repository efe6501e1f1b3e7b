"""Machines that are reached by the user's own `ssh`, whose configuration says how."""

from collections.abc import Sequence

from msgspec import Struct


class SshConfig(Struct, frozen=True):
    """The machines of a block, each of which has as many workers as the block's count."""

    hosts: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Further ones of ssh."""
    dials_in: bool = False
    """They cannot be reached from here: their workers are started by hand, and reach this machine."""

    def share(self, slots: Sequence[str], host: str) -> Sequence[str]:
        """Return the workers of one host, of which each has one in turn."""
        return slots[self.hosts.index(host) :: len(self.hosts)]
