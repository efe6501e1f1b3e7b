"""What ssh is told, and what it says: the words of its command line, and its errors with their fix. Pure."""

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

import cqltui
from cqltui.campaign.hosts import SshConfig
from cqltui.placement.protocol import PlacementError
from cqltui.placement.there import MARK

# What the block's options say comes before these, and the first counts.
_ALWAYS = (
    "-T",
    "-a",
    "-x",
    "-oBatchMode=yes",
    "-oStrictHostKeyChecking=yes",
    "-oConnectTimeout=10",
    "-oServerAliveInterval=5",
    "-oServerAliveCountMax=3",
    "-oControlMaster=no",
)
_QUESTION = ("-oClearAllForwardings=yes",)
_TUNNEL = ("-oControlPath=none", "-oExitOnForwardFailure=yes")
SSH_FAILED = 255
"""The exit code of ssh where it could not connect; any other is of what it has run there."""
_TROUBLES = (
    (
        "has changed and you have requested|IDENTIFICATION HAS CHANGED",
        "its host key is not the one in known_hosts, so that another machine may stand in its place. If it was set up "
        "anew: ssh-keygen -R {host}, then ssh {host} once and compare the fingerprint",
    ),
    ("Host key verification failed", "its host key is not known here: ssh {host} once, and compare the fingerprint"),
    (
        "Permission denied",
        "it asks for a password, which nobody types here: ssh-copy-id {host}, or add the key to ssh-agent",
    ),
    (
        "remote port forwarding failed",
        "its sshd forwards no sockets: AllowStreamLocalForwarding and AllowTcpForwarding there",
    ),
)
REACH_IT = "ssh must get there without asking anything"
INSTALL_IT = f"install cqltui {cqltui.__version__} there, and name its environment's program: python = ..."
_LACKS = (
    ("No module named", "cqltui is not there: install it, or name its environment's python = ..."),
    ("not found|[Nn]o such file|[Pp]ermission denied|[Cc]annot execute", "python: there is no such program there"),
)


def command(config: SshConfig, host: str, python: str, *words: str) -> list[str]:
    """Return the words that have the module at the other end run."""
    return ["ssh", *config.options, *_ALWAYS, *_QUESTION, "--", host, there(python, *words)]


def tunnel(config: SshConfig, host: str, sockets: tuple[str, str], remote: str) -> list[str]:
    """Return the words of a tunnel that leads from a socket there to one here, as long as what it runs there does.
    `sockets`: there, here."""
    return ["ssh", *config.options, *_ALWAYS, *_TUNNEL, f"-R{sockets[0]}:{sockets[1]}", "--", host, remote]


def plainly(config: SshConfig, host: str, line: str) -> list[str]:
    """Return the words that have a line run by the shell there."""
    return ["ssh", *config.options, *_ALWAYS, *_QUESTION, "--", host, line]


def dial(config: SshConfig, host: str, sockets: tuple[str, str], file: str, repeat_s: int) -> list[str]:
    """Return the words of a tunnel from a socket here to one there, which prints a file there again and again, and ends
    with it. `sockets`: here, there."""
    line = shlex.join(["sh", "-c", f'while cat "$1"; do echo; sleep {repeat_s}; done', "sh", file])
    return ["ssh", *config.options, *_ALWAYS, *_TUNNEL, f"-L{sockets[0]}:{sockets[1]}", "--", host, f"exec {line}"]


def there(python: str, *words: str) -> str:
    """Return the command line for the shell there, whichever it is. Its home, ~/, is for the shell to find."""
    home, rest = ("~/", python[2:]) if python.startswith("~/") else ("", python)
    return home + shlex.join([rest, "-P", "-m", "cqltui.placement.there", *words])


def read(said: str) -> dict[str, Any]:
    """Return the answer in what was printed. Raises PlacementError."""
    lines = [line.removeprefix(MARK) for line in said.splitlines() if line.startswith(MARK)]
    try:
        found = json.loads(lines[-1])
    except (ValueError, LookupError, RecursionError):
        raise PlacementError(f"it gave no answer; it said {said[-80:]!a}", code=0) from None
    if not isinstance(found, dict):
        raise PlacementError(f"it gave no answer; it said {said[-80:]!a}", code=0)
    return found


def trouble(host: str, error: PlacementError) -> PlacementError:
    """Return what went wrong, with its fix. A host that cannot be reached refuses nothing: its workers may go on."""
    text = str(error).removeprefix("ssh: ")
    is_reached = error.code not in (None, SSH_FAILED)
    fix = next((fix for sign, fix in (_LACKS if is_reached else _TROUBLES) if re.search(sign, text)), "")
    shown = f"{host}: {fix.format(host=host)} ({text})" if fix else f"{host}: {text}"
    to_do = INSTALL_IT if is_reached else REACH_IT
    return PlacementError(shown, refused=bool(fix) and is_reached, fix=to_do)


def shown(config: SshConfig, host: str, words: Sequence[str]) -> list[str]:
    """Return what is started there, for people."""
    return ["ssh", *config.options, host, *words]
