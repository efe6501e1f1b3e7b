"""Parcels as objects, on a server that speaks S3, in this process, and in a folder."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cqltui.errors import InputError
from cqltui.store.base import StoreError
from cqltui.store.objects import ObjectPlace
from cqltui.store.parcel import Key, key_of, pack, run_folder
from tests.contract.servers import free_port

FOLDER = run_folder("1a2b3c4d", 2)


def packed(epoch: int) -> tuple[Key, bytes]:
    """A parcel."""
    content = pack({"metrics.csv": b"epoch\n" * epoch}, {})
    return key_of(content, FOLDER, "checkpoint", "1-17", epoch), content


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """An S3 server with a bucket; its address."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[s3]' flask flask-cors")
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed: pip install s3fs")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer("127.0.0.1", free_port())
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with as_user(url):
        s3fs.S3FileSystem(use_listings_cache=False).mkdir("bets")
        yield url
    server.stop()


@contextmanager
def as_user(url: str) -> Iterator[None]:
    """The environment of whoever may use it."""
    said = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    said["AWS_DEFAULT_REGION"] = "us-east-1"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in said.items():
            patch.setenv(name, value)
        yield
    assert "AWS_ENDPOINT_URL" not in os.environ


def check(place: ObjectPlace) -> None:
    """What holds of every place."""
    (first, one), (second, two) = packed(3), packed(12)
    assert place.get(first) is None
    assert place.keys(FOLDER) == []
    assert place.put(first, one, []) >= 0
    assert place.get(first) == one
    place.put(second, two, [first])
    assert place.get(first) is None
    assert [(key.name, key.place) for key in place.keys(FOLDER)] == [(second.name, "o")]
    assert place.keys(run_folder("1a2b3c4d", 1)) == []
    place.delete([first, second])
    place.delete([second])
    assert place.keys(FOLDER) == []


def test_a_folder(tmp_path: Path) -> None:
    check(ObjectPlace(f"file://{tmp_path}/there", "deep-1"))
    key, content = packed(3)
    place = ObjectPlace(f"file://{tmp_path}/there", "deep-1")
    place.put(key, content, [])
    (tmp_path / "there" / "deep-1" / key.name).write_bytes(content * 1000)
    assert len(place.get(key) or b"") <= key.size + 1, "no more is read than it is to be"
    other = ObjectPlace(f"file://{tmp_path}/there", "deep-2")
    assert other.get(key) is None, "another run's"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_s3(s3: str) -> None:
    check(ObjectPlace("s3://bets/folder/", "deep-1"))
    with pytest.raises(StoreError, match=r"s3://none/x: cannot be written: .*bucket does not exist"):
        ObjectPlace("s3://none/x", "deep-1").put(*packed(3), [])


@pytest.mark.parametrize("url", ["http://x/y", "simplecache::s3://x", "memory://x", "/x", "", "ssh://host/x"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InputError, match=r"\[store\] url: expected s3://"):
        ObjectPlace(url, "deep-1")
