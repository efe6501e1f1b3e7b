"""What a process does without: seen in a fresh interpreter, and of each finder by itself."""

import json
import subprocess
import sys
from functools import partial
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any, cast

import pytest
import redis
import redis.asyncio

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
loaded = [name for name in {kept} if name in sys.modules]
import ssl
from urllib.request import HTTPSHandler  # as a webhook needs it
digest = hmac.new(b"k", hashlib.sha256(b"x").digest(), "sha256").hexdigest()
print(json.dumps([loaded, SSL_AVAILABLE, digest, redis.Redis.from_url("unix:///none").get_connection_kwargs()["path"]]))
"""
KEPT = ["ssl", "_ssl", "_hashlib", "redis.asyncio.client"]
"""What is there where nothing is forgone; the last one is of redis-py."""


def process(*arguments: str, before: str = "", url: str = "") -> tuple[list[str], bool, str]:
    """What is loaded after redis-py and asyncio, whether redis-py can speak TLS, and a digest."""
    command = [sys.executable, "-c", PROCESS.format(before=before, kept=KEPT), *arguments]
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


def asked(name: str, *by: str) -> ModuleSpec | None:
    """What the finder answers code of these modules, of which each calls the next."""
    scope: dict[str, Any] = {"call": partial(forgone._WithoutOpenSSL().find_spec, name, None)}
    for module in reversed(by):
        scope = {"__name__": module, "inner": scope["call"]}
        exec("def call():\n    return inner()", scope)
    return cast(ModuleSpec | None, scope["call"]())


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("ssl", ("redis.utils",)),
        ("ssl", ("asyncio.base_events",)),
        ("ssl", ("redis.utils", "importlib._bootstrap", "importlib")),
        ("_hashlib", ("hashlib",)),
        ("_hashlib", ("hmac", "importlib._bootstrap")),
    ],
)
def test_what_is_forgone_is_said_as_where_it_is_missing(name: str, by: tuple[str, ...]) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"{by[0].split('.')[0]} does without {name}") as refused:
        asked(name, *by)
    assert refused.value.name == name


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("ssl", ("urllib.request",)),
        ("ssl", ("aredis.utils",)),
        ("ssl", ("cqltui.supervisor.webhook", "importlib._bootstrap")),
        ("ssl", ("hashlib",)),
        ("_hashlib", ("redis.utils",)),
        ("socket", ("redis.utils",)),
    ],
)
def test_what_others_want_is_left_to_other_finders(name: str, by: tuple[str, ...]) -> None:
    assert asked(name, *by) is None


def test_of_redis_py_only_a_version_for_which_it_was_tried_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tuple(map(int, metadata.version("redis").split(".")[:2]))
    for tried, left in (((installed[0] - 1, 99), True), (installed, False)):
        monkeypatch.setattr(forgone, "REDIS_PY", tried)
        spec = forgone._WithoutAsync().find_spec("redis.asyncio", redis.__path__)
        if left:
            assert asked("ssl", "redis.utils") is None
            assert spec is None
        else:
            assert spec is not None
            package = module_from_spec(spec)
            assert spec.loader is not None
            spec.loader.exec_module(package)
            assert list(package.__path__) == list(redis.asyncio.__path__)
            assert not hasattr(package, "Redis")
    with pytest.raises(ModuleNotFoundError):
        asked("ssl", "asyncio.sslproto")

    def unknown(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", unknown)
    assert asked("ssl", "redis.utils") is None
    assert forgone._WithoutAsync().find_spec("redis.cluster", redis.__path__) is None


def test_where_tls_may_be_spoken_nothing_of_openssl_is_forgone(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, forgoes in ((["attach", "redis://h"], True), (["attach", "url=Rediss://h"], False), ([], True)):
        monkeypatch.setattr(sys, "meta_path", finders := list(sys.meta_path))
        before = len(finders)
        forgone.forgo_openssl(said)
        assert len(finders) - before == forgoes
        assert isinstance(finders[0], forgone._WithoutOpenSSL) is forgoes
        monkeypatch.undo()
    monkeypatch.setattr(sys, "meta_path", finders := list(sys.meta_path))
    monkeypatch.setattr(forgone, "DIGESTS", ("_nowhere", *forgone.DIGESTS))
    forgone.forgo_openssl([])
    assert not isinstance(finders[0], forgone._WithoutOpenSSL)
    forgone.forgo_async()
    assert isinstance(finders[0], forgone._WithoutAsync)


def test_the_redis_py_that_is_installed_is_one_for_which_it_was_tried() -> None:
    """If this fails: run a screen with the new version, look whether it forgoes OpenSSL, and raise REDIS_PY."""
    assert tuple(map(int, metadata.version("redis").split(".")[:2])) <= forgone.REDIS_PY
