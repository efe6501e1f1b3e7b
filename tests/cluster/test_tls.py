"""Workers that reach a server of the user's own by `rediss://`, without a tunnel: over ssh on another machine, and
of an engine that the campaign file describes."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from msgspec import Struct

from tests.cluster import pool
from tests.cluster.hosts import Hosts
from tests.cluster.night import Night, weights
from tests.contract.tls import tls_binary, tls_server

PASSWORD = "tls-and-more"
SSH = '[[workers]]\nkind = "ssh"\nname = "lab"\nhosts = "lab"\ncount = 1\ndir = "{folder}/there"\n'
POOL = """\
[[workers]]
kind = "command"
name = "pool"
count = 1
shared = false
dir = "{folder}/pool-there"
log = "{folder}/pool-there"
env_file = "{folder}/worker.env"
start = ["{python}", "{pool}", "{folder}/pool", "start", "{{job_name}}", "{{log}}", "--", "{{worker}}"]
list = ["{python}", "{pool}", "{folder}/pool", "list"]
stop = ["{python}", "{pool}", "{folder}/pool", "stop", "{{job}}"]
"""
EPOCHS = 10_000


class Secure(Struct):
    """A server that speaks TLS alone, on our end of the link."""

    folder: Path
    url: str
    """Without the file of a CA."""

    def named(self, ca: str) -> str:
        """Return the URL with a file of a CA."""
        return f"{self.url}?ssl_ca_certs={self.folder}/{ca}"

    def blocks(self, ca: str) -> str:
        """Return both blocks. Whoever the pool starts is told this CA by a file that lies on its machine."""
        for name in ("pool", "pool-there"):
            (self.folder / name).mkdir()
        env_file = self.folder / "worker.env"
        env_file.touch(mode=0o600)
        env_file.write_text(f"REDIS_URL={self.named(ca)}\n", encoding="utf-8")
        return POOL.format(folder=self.folder, python=sys.executable, pool=pool.__file__)


@pytest.fixture
def secure(two: Hosts, tmp_path: Path) -> Iterator[Secure]:
    """Such a server, which both machines reach."""
    binary = tls_binary()
    if binary is None:
        pytest.skip("no redis-server or valkey-server with TLS on PATH: apt-get install redis-server")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    with tls_server(binary, tmp_path / "server", two.ours, ca, f"requirepass {PASSWORD}", bind=two.ours) as port:
        yield Secure(tmp_path, f"rediss://:{PASSWORD}@{two.ours}:{port}/0")


def test_workers_elsewhere_over_tls(two: Hosts, secure: Secure, tmp_path: Path) -> None:
    environment = {**two.environment, "REDIS_URL": secure.named("ca.pem")}
    blocks = SSH.format(folder=tmp_path) + secure.blocks("ca.pem")
    night = Night(tmp_path / "night", blocks, EPOCHS, environment)
    try:
        for slot in ("lab-1", "pool-1"):
            night.sees(rf"worker {slot} started on cpu")
        assert night.end(200) == 0
    finally:
        night.close()
    assert "tunnel" not in night.text
    assert PASSWORD not in night.text
    lines = map(json.loads, (night.run_dir / "journal.jsonl").read_text("utf-8").splitlines())
    assert {line["worker"] for line in lines if line["kind"] == "task.claimed"} == {"lab-1", "pool-1"}
    assert len(weights(night)) == 4


def test_a_ca_that_has_not_signed_is_told(two: Hosts, secure: Secure, tmp_path: Path) -> None:
    """Of the worker's machine, whose own words are all that there is; and of a machine without the file."""
    environment = {**two.environment, "REDIS_URL": secure.named("ca.pem")}
    night = Night(tmp_path / "night", secure.blocks("other.pem"), EPOCHS, environment)
    try:
        night.sees(r"worker pool-1 died \(exit code \d\)")
        log = (tmp_path / "pool-there" / "pool-1.log").read_text("utf-8")
        assert "name the CA that signed" in log
        assert "Traceback" not in log
        assert PASSWORD not in log + night.text
        shutil.copy(tmp_path / "ca.pem", tmp_path / "other.pem")  # as whoever has read that does
        night.sees(r"worker pool-1 started on cpu")
        assert night.end(200) == 0
    finally:
        night.close()
