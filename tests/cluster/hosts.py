"""Two machines on this one: a network namespace with a link to ours, and an sshd in either."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import psutil

PLACES = "/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = ("sshd", "ssh", "ssh-keygen", "ip")
PORT = 22
LIMIT_S = 60.0
SSHD = """\
Port {port}
ListenAddress {address}
HostKey {folder}/{key}
AuthorizedKeysFile {folder}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
SetEnv {variables}
"""
CONFIG = """\
Host lab
  HostName {address}
  Port {port}
  User root
  IdentityFile {folder}/identity
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
"""


def why_not() -> str:
    """Return why there can be no second machine here; empty if there can."""
    if os.geteuid() != 0:
        return "a network namespace takes root"
    missing = [name for name in PROGRAMS if shutil.which(name, path=PLACES) is None]
    if missing:
        return f"{', '.join(missing)} not installed: apt-get install openssh-server openssh-client iproute2"
    tried = _run("ip", "netns", "add", (name := f"try-{secrets.token_hex(3)}"), check=False)
    if tried.returncode:
        return f"no network namespaces here: {tried.stderr.strip()}"
    _run("ip", "netns", "del", name)
    return ""


class Hosts:
    """Ours, and the one at the other end of the link. `lab` is the one whose sshd runs, as `ssh` here knows it."""

    def __init__(self, folder: Path, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        """`variables`: of the environment that sshd gives."""
        self.folder = folder
        self._variables = {"XDG_STATE_HOME": f"{folder}/state", **variables}
        token = secrets.token_hex(3)
        self._space, self._link = f"there-{token}", f"v{token}"
        net = f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
        self.ours, self.theirs = f"{net}.1", f"{net}.2"
        self._sshd: subprocess.Popen[bytes] | None = None
        for name in ("key", "other-key", "identity"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        (folder / "authorized").write_text((folder / "identity.pub").read_text("utf-8"), encoding="utf-8")
        (folder / "bin").mkdir()
        wrapper = folder / "bin" / "ssh"  # the configuration of a user, whose home is not for tests
        wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder}/config "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
        _run("ip", "netns", "add", self._space)
        _run("ip", "link", "add", self._link, "type", "veth", "peer", "name", "there", "netns", self._space)
        _run("ip", "addr", "add", f"{self.ours}/24", "dev", self._link)
        _run("ip", "link", "set", self._link, "up")
        for words in (("addr", "add", f"{self.theirs}/24", "dev", "there"), ("link", "set", "there", "up")):
            _run(*self.there("ip", *words))
        _run(*self.there("ip", "link", "set", "lo", "up"))

    @property
    def environment(self) -> dict[str, str]:
        """Of a user who has such an ssh."""
        return {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}:{PLACES}"}

    def there(self, *words: str) -> tuple[str, ...]:
        """Return the words that run a program at the other end."""
        return ("ip", "netns", "exec", self._space, *words)

    def link(self, *, up: bool) -> None:
        """Cut the link, or join it again."""
        _run("ip", "link", "set", self._link, "up" if up else "down")

    def serve(self, *, there: bool = True, key: str = "key", known: str = "key", options: str = "") -> None:
        """Run an sshd with this host key, and wait until it listens; `known`: the one that its clients expect."""
        self.stop()
        address = self.theirs if there else self.ours
        Path("/run/sshd").mkdir(exist_ok=True)
        variables = " ".join(f'"{name}={value}"' for name, value in self._variables.items())  # one line alone counts
        values = {"folder": self.folder, "address": address, "port": PORT, "key": key, "variables": variables}
        (self.folder / "sshd_config").write_text(SSHD.format(**values) + options, encoding="utf-8")
        (self.folder / "config").write_text(CONFIG.format(**values), encoding="utf-8")
        kind, text, *_ = (self.folder / f"{known}.pub").read_text("utf-8").split()
        (self.folder / "known").write_text(f"{address} {kind} {text}\n", encoding="utf-8")
        self._start(there=there)
        deadline = time.monotonic() + LIMIT_S
        probe = ("/usr/bin/ssh-keyscan", "-T", "2", "-p", str(PORT), address)
        while not _run(*(probe if there else self.there(*probe)), check=False).stdout:
            assert time.monotonic() < deadline, (self.folder / "sshd.log").read_text("utf-8")[-500:]
            time.sleep(0.1)

    def serve_again(self) -> None:
        """Run the sshd of the other end as before, whatever becomes of the link meanwhile."""
        self.stop()
        self._start(there=True)

    def _start(self, *, there: bool) -> None:
        words: Sequence[str] = ("/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config"))
        with (self.folder / "sshd.log").open("ab") as log:
            self._sshd = subprocess.Popen(
                self.there(*words) if there else words, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def stop(self) -> None:
        """End sshd; its connections stay."""
        if self._sshd is not None:
            self._sshd.terminate()
            self._sshd.wait(20)
            self._sshd = None

    def tunnel(self) -> psutil.Process:
        """Return the ssh of ours that leads a run's socket to the other end; one of another session may be left."""
        config = str(self.folder / "config")
        (found,) = [
            process
            for process in psutil.process_iter(["cmdline"])
            if config in (words := process.info["cmdline"] or ()) and any(word.startswith("-R") for word in words)
        ]
        return found

    def close(self) -> None:
        """Leave nothing behind."""
        self.stop()
        with suppress(subprocess.CalledProcessError):
            _run("ip", "netns", "del", self._space)
        _run("ip", "link", "del", self._link, check=False)


def _run(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    program = shutil.which(words[0], path=PLACES) or words[0]
    return subprocess.run([program, *words[1:]], capture_output=True, text=True, timeout=30, check=check)
