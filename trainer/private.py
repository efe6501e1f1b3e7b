"""Whether other users can put something in a folder's place, or into it. Free of torch and of Numba."""

import grp
import os
import pwd
import stat
from pathlib import Path

ALL_IDS = 2**32 - 1
_MAP = Path("/proc/self/uid_map")
_NOBODY = Path("/proc/sys/kernel/overflowuid")


def open_to_others(folder: Path) -> Path | None:
    """Return the folder, or the first above it, that is another user's or that another can write to; None if there is
    none.

    Above it, root's are as good as ours, and so are those where only an owner may remove what is in them (/tmp).
    Raises OSError.
    """
    place, user = folder.resolve(), os.geteuid()
    trusted = (user, 0, *_roots_outside())
    for part in (place, *place.parents):
        found = part.stat()
        to_group = found.st_mode & stat.S_IWGRP and (_has_list(part) or not _is_own_group(found.st_gid))
        shared = found.st_mode & stat.S_IWOTH or to_group
        if part == place:
            safe = found.st_uid == user and not shared
        else:
            safe = found.st_uid in trusted and (not shared or bool(found.st_mode & stat.S_ISVTX))
        if not safe:
            return part
    return None


def _roots_outside() -> tuple[int, ...]:
    """Return the uid as which a container without root's rights shows the owner of the system's own folders: nobody,
    like all users outside of it, who cannot be told apart. Elsewhere nobody is a user like others."""
    try:
        held = sum(int(line.split()[2]) for line in _MAP.read_text(encoding="ascii").splitlines())
        return () if held >= ALL_IDS else (int(_NOBODY.read_text(encoding="ascii")),)
    except (OSError, ValueError, IndexError):  # a system without
        return ()


def _has_list(folder: Path) -> bool:
    """Return whether an access control list says more than the mode, whose bits of the group are then its mask."""
    try:
        return hasattr(os, "getxattr") and bool(os.getxattr(folder, "system.posix_acl_access"))
    except OSError:  # it has none, or the file system knows none
        return False


def _is_own_group(gid: int) -> bool:
    """Return whether it is the user's private group, as many systems give to each user, with a umask of 002."""
    try:
        group, name = grp.getgrgid(gid), pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
    return group.gr_name == name and set(group.gr_mem) <= {name}
