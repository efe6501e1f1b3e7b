"""Who asks something of a run, for the others who look at it."""

import getpass
import os
import re
import socket

USER_LIMIT, HOST_LIMIT = 32, 40
_OTHER = re.compile(r"[^A-Za-z0-9._-]")


def asker(how: str = "") -> str:
    """Return this user, as in "anna@host screen". For people: whoever may command the run may call himself as he
    likes."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = str(os.getuid())
    return f"{_plain(user, USER_LIMIT)}@{_plain(socket.gethostname(), HOST_LIMIT)} {how}".rstrip()


def _plain(name: str, limit: int) -> str:
    return _OTHER.sub("?", name[:limit])
