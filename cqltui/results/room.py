"""Room on the disk: what a run directory takes, and what is left."""

import os
import shutil
import stat
from pathlib import Path


class Taken:
    """Adds up what files take. One that has other names counts with the last of them only: until then its removal frees
    nothing."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], int] = {}

    def of(self, path: Path) -> int:
        """Return the bytes of a file, or of all in a folder; no link is followed. Raises OSError."""
        try:
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode):
                with os.scandir(path) as entries:
                    return sum([self.of(Path(entry)) for entry in entries])
        except FileNotFoundError:  # gone meanwhile: workers remove what has served
            return 0
        key = (found.st_dev, found.st_ino)
        self._seen[key] = self._seen.get(key, 0) + 1
        return found.st_size if self._seen[key] == found.st_nlink else 0


def taken_bytes(folder: Path) -> int:
    """Return what a folder holds; 0 if there is none, or it cannot be read."""
    try:
        return Taken().of(folder)
    except OSError:
        return 0


def free_bytes(folder: Path) -> int:
    """Return what its disk has left for this user. The folder, and some above it, may be missing."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free
