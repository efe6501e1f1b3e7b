"""Parts of libraries that this process does without, as these libraries can: they are loaded wherever they are there,
which takes time at every start, and memory to the end."""

import re
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import FrameType, ModuleType
from typing import cast

TLS = "rediss:"
"""How the URL of a server begins that is spoken to over TLS. There is no other TLS on a screen."""
OPENSSL = {"_hashlib": frozenset({"hashlib", "hmac"}), "ssl": frozenset({"asyncio", "redis"})}
"""Modules that load OpenSSL, 4 MB, and the packages that do without: `hashlib` has the same digests of its own.
Whatever else imports one of them gets it."""
DIGESTS = ("_md5", "_sha1", "_sha256" if sys.version_info < (3, 12) else "_sha2", "_sha3", "_blake2")
"""What `hashlib` needs then. A Python may have been built without it."""
ASYNC = "redis.asyncio"
"""The second half of redis-py, 1.2 MB, which does not load without `ssl`. Here threads wait, and no coroutine."""
REDIS_PY = (8, 1)
"""The latest version of redis-py for which this was tried: a later one is left as it is."""


def forgo_telemetry() -> None:
    """Have redis-py do without OpenTelemetry in this process. It loads it wherever it is installed, as beside MLflow,
    which takes as long as redis-py itself, to report figures that nobody here asks for."""
    sys.modules.setdefault("opentelemetry", cast(ModuleType, None))


def forgo_async() -> None:
    """Leave the asynchronous half of redis-py empty in this process. Its modules can be imported, as redis-py does."""
    sys.meta_path.insert(0, _WithoutAsync())


def forgo_openssl(said: Iterable[str]) -> None:
    """Have `asyncio`, `hashlib` and redis-py do without OpenSSL in this process, unless the URL of a server that speaks
    TLS is among what was said to it: its arguments and its environment. Needs `forgo_async`."""
    if not any(TLS in text.lower() for text in said) and all(map(find_spec, DIGESTS)):
        sys.meta_path.insert(0, _WithoutOpenSSL())


class _WithoutAsync(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != ASYNC or not _is_known():
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = _Bare()
        return spec


class _WithoutOpenSSL(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None: other finders go on. Raises ModuleNotFoundError for what is forgone."""
        if (packages := OPENSSL.get(fullname)) is None:
            return None
        package = _importer()
        if package in packages and (package != "redis" or _is_known()):
            raise ModuleNotFoundError(f"{package} does without {fullname} in this process", name=fullname)
        return None


class _Bare(Loader):
    """Leaves a package empty; its modules can be imported."""

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing."""


def _importer() -> str:
    """Return the top-level package whose code imports something now."""
    frame: FrameType | None = sys._getframe(2)
    package = "importlib"
    while package == "importlib" and frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        frame = frame.f_back
    return package


def _is_known() -> bool:
    """Return whether the redis-py that is installed is one for which this was tried."""
    metadata = import_module("importlib.metadata")  # which redis-py loads next, and nothing else does
    try:
        found = re.match(r"(\d+)\.(\d+)", metadata.version("redis"))
    except metadata.PackageNotFoundError:
        return False
    return found is not None and tuple(map(int, found.groups())) <= REDIS_PY
