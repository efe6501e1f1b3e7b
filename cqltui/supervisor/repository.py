"""Which commit a folder is at, and whether its files are those of the commit. The repository may be somebody else's,
and its settings name programs: git is asked only what starts none of them."""

import hashlib
import os
import re
import subprocess
import time
from pathlib import Path

from cqltui.child import find_program, tool_environment
from trainer.files import read_regular

GIT_LIMIT_S = 5.0
GIT_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
GIT_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
LARGEST_FILE = 64 << 20
LOOKING_S = 2.0
"""So long the files are compared; of a repository that takes longer it is not known."""
_ENTRY = re.compile(rb"(100644|100755) blob ([0-9a-f]{40}|[0-9a-f]{64})\t(.+)", re.DOTALL)


def git_commit(folder: Path) -> str | None:
    """Return the commit that the folder is at; None outside a repository, or if git does not trust it
    (`safe.directory`)."""
    said = _git(folder, "rev-parse", "--verify", "HEAD").decode("ascii", "replace").strip()
    return said if re.fullmatch(r"[0-9a-f]{40,64}", said) else None


def is_dirty(folder: Path) -> bool | None:
    """Return whether a file of the folder's commit has another content now; None where it cannot be told.

    git would run filters and a file system monitor to answer that, so the files are hashed here as git does
    (`git hash-object --no-filters`). Where a filter or another line end changes what git stores, a difference says
    nothing. Files that git does not know do not count.
    """
    top = os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n"))
    listed = _git(folder, "ls-tree", "-r", "-z", "--full-tree", "HEAD")
    entries = [found for line in listed.split(b"\0") if (found := _ENTRY.fullmatch(line))]
    if not top or not entries:
        return None
    give_up_at = time.monotonic() + LOOKING_S
    for _, digest, name in (entry.groups() for entry in entries):
        try:
            content = read_regular(Path(top) / os.fsdecode(name), LARGEST_FILE)
        except OSError:
            return True
        if _blob(content, digest) != digest.decode():
            converted = any(entry[3].endswith(b".gitattributes") for entry in entries) or b"\r\n" in content
            return None if converted or (Path(top) / ".gitattributes").exists() else True
        if time.monotonic() > give_up_at:
            return None
    return False


def _blob(content: bytes, digest: bytes) -> str:
    """Return git's name of a file's content, by the hash that `digest` is of."""
    made = hashlib.new("sha1" if len(digest) == 40 else "sha256", usedforsecurity=False)
    made.update(b"blob %d\0" % len(content))
    made.update(content)
    return made.hexdigest()


def _git(folder: Path, *words: str) -> bytes:
    """Return what git answers; nothing where there is none, or it refuses."""
    git = find_program("git")
    if git is None:
        return b""
    try:
        answer = subprocess.run(
            [git, *GIT_OPTIONS, "-C", str(folder), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_LIMIT_S,
            check=False,
            env=tool_environment(GIT_ENVIRONMENT),
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return b""
    return answer.stdout if answer.returncode == 0 else b""
