"""What a screen's process does without, seen in a fresh interpreter."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from cqltui import cli, forgone

ROOT = Path(__file__).parents[2]
PROCESS = """
import json, sys
from cqltui import cli, forgone
{before}
cli._run = lambda *_: 0
assert cli.main() == 0
import asyncio, hashlib, hmac, redis
from redis.utils import SSL_AVAILABLE
loaded = [name for name in ("ssl", "_ssl", "_hashlib", "redis.asyncio.client") if name in sys.modules]
import ssl
from urllib.request import HTTPSHandler  # as a webhook needs it
digest = hmac.new(b"k", hashlib.sha256(b"x").digest(), "sha256").hexdigest()
print(json.dumps([loaded, SSL_AVAILABLE, digest, redis.Redis.from_url("unix:///none").get_connection_kwargs()["path"]]))
"""
KEPT = ["ssl", "_ssl", "_hashlib", "redis.asyncio.client"]
"""What is there where nothing is forgone; the last one is of redis-py."""


def process(*arguments: str, before: str = "", url: str = "") -> tuple[list[str], bool, str]:
    """What is loaded after redis-py and asyncio, whether redis-py can speak TLS, and a digest."""
    command = [sys.executable, "-c", PROCESS.format(before=before), *arguments]
    environment = {"PATH": "", "HOME": "/nonexistent", "REDIS_URL": url}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    loaded, speaks_tls, digest, path = json.loads(done.stdout)
    assert path == "/none"
    return loaded, speaks_tls, digest


@pytest.mark.parametrize("command", sorted(cli.SCREENS))
def test_a_screen_does_without_openssl_and_digests_stay_as_they_are(command: str) -> None:
    loaded, speaks_tls, digest = process(command, "one.toml", url="redis://127.0.0.1:1")
    assert (loaded, speaks_tls) == ([], False)
    assert process("status") == (KEPT[:-1], True, digest)


@pytest.mark.parametrize(("arguments", "url"), [((), "rediss://host:1"), (("--redis-url=REDISS://host:1",), "")])
def test_a_screen_on_a_server_that_speaks_tls_has_it(arguments: tuple[str, ...], url: str) -> None:
    loaded, speaks_tls, _ = process("attach", *arguments, url=url)
    assert (loaded, speaks_tls) == (KEPT[:-1], True)


def test_a_redis_py_for_which_it_was_not_tried_is_left_as_it_is() -> None:
    loaded, speaks_tls, _ = process("attach", before="forgone.REDIS_PY = (1, 0)")
    assert speaks_tls
    assert "redis.asyncio.client" in loaded


def test_a_python_without_digests_of_its_own_keeps_those_of_openssl() -> None:
    assert process("attach", before='forgone.DIGESTS += ("_nowhere",)')[0] == KEPT[:-1]


def test_the_command_whose_libraries_may_need_it_keeps_all_of_redis_py() -> None:
    assert process("export")[0] == KEPT


def test_the_redis_py_that_is_installed_is_one_for_which_it_was_tried() -> None:
    """If this fails: run a screen with the new version, look whether it forgoes OpenSSL, and raise REDIS_PY."""
    assert tuple(map(int, version("redis").split(".")[:2])) <= forgone.REDIS_PY
