"""Parcels and their keys: what comes from a store is what was put there, or is refused."""

import json
import zlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from cqltui.store.data import DATA_BYTES, data_folder, kept_at, unpack_data
from cqltui.store.parcel import LARGEST_BYTES, MAGIC, Key, ParcelError, checked, key_of, pack, run_folder, unpack
from cqltui.store.saved import About, pack_saved, unpack_saved

FILES = {"metrics.csv": b"epoch\n1\n2\n3\n", "model_e1.safetensors": b"m1", "model_e3.safetensors": b"m3"}
FOLDER = run_folder("1a2b3c4d", 2)


def test_a_key_is_read_back_and_says_whose_it_is() -> None:
    key = key_of(b"abc", FOLDER, "checkpoint", "3-1700-5", 612)
    assert str(key) == (
        "s:1a2b3c4d/run-2/checkpoint-000612-3-1700-5-3-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert Key.read(str(key)) == key
    assert Key.read(str(replace(key, place="o"))) == replace(key, place="o")
    assert key.is_of("checkpoint", "1a2b3c4d", 2)
    assert not key.is_of("checkpoint", "1a2b3c4d", 1)
    assert not key.is_of("result", "1a2b3c4d", 2)


@pytest.mark.parametrize(
    ("part", "by"),
    [
        ("1a2b", "../1a2b"),
        ("run-2", "run-0"),
        ("s:", "x:"),
        ("checkpoint", "other"),
        ("000612", "612"),
        ("-3-ba78", "-03-ba78"),
        ("-3-ba78", f"-{LARGEST_BYTES + 1}-ba78"),
        ("ba78", "BA78"),
        ("ad", "ad\n"),
    ],
)
def test_what_is_no_key_is_none(part: str, by: str) -> None:
    text = str(key_of(b"abc", FOLDER, "checkpoint", "3-1700", 612))
    assert part in text
    assert Key.read(text.replace(part, by)) is None
    assert Key.read(None) is Key.read(7) is None


def test_files_come_back() -> None:
    content = pack({**FILES, "empty": b""}, {"cpus": ["x"]})
    assert unpack(content, lambda _: True) == ({**FILES, "empty": b""}, {"cpus": ["x"]})
    with pytest.raises(ValueError, match="cannot name a file"):
        pack({"a/b": b""}, {})


def header(**changes: object) -> bytes:
    """A parcel of two bytes with this list."""
    return MAGIC + json.dumps({"about": {}, "files": [["a", 2]], **changes}).encode() + b"\nab"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (header(files=[["a", 3]]), "cut off"),
        (header(files=[["a", 1]]), "more in it"),
        (header(files=[["a", -1], ["b", 3]]), "cut off"),
        (header(files=[["a", 1], ["a", 1]]), "other files"),
        (header(files=[["../a", 2]]), "other files"),
        (header(files=7), "cannot be read"),
        (header(about=7), "cannot be read"),
        (header().replace(MAGIC, b"PK"), "no parcel"),
        (MAGIC + b"{}", "no parcel"),
        (MAGIC + b"[" * 100_000 + b"\n", "cannot be read"),
    ],
)
def test_a_parcel_of_another_make_is_refused(content: bytes, why: str) -> None:
    assert unpack(header(), {"a"}.__contains__) == ({"a": b"ab"}, {})
    with pytest.raises(ParcelError, match=why):
        unpack(content, {"a", "b"}.__contains__)


def test_a_digest_that_differs_is_refused() -> None:
    key = key_of(b"abc", FOLDER, "checkpoint", "1-1", 1)
    assert checked(b"abc", key) == b"abc"
    for content, why in ((b"abd", "digest"), (b"abcd", "digest"), (None, "gone")):
        with pytest.raises(ParcelError, match=why):
            checked(content, key)


def attempt(folder: Path) -> Path:
    """A folder with a checkpoint of epoch 2, and more."""
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    for epoch in (1, 2, 3):
        (folder / f"checkpoint-{epoch:06d}.safetensors").write_bytes(b"c%d" % epoch)
    return folder


def test_a_checkpoint_travels_with_what_belongs_to_it(tmp_path: Path) -> None:
    content = pack_saved(attempt(tmp_path / "from"), 2, About(("one", "two")))
    assert unpack_saved(content, 2, tmp_path / "to") == About(("one", "two"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "to").iterdir()} == {
        "metrics.csv": b"epoch\n1\n2\n",
        "model_e1.safetensors": b"m1",
        "checkpoint-000002.safetensors": b"c2",
    }


@pytest.mark.parametrize(
    "files",
    [
        {"metrics.csv": b""},
        {"checkpoint-000002.safetensors": b""},
        {"metrics.csv": b"", "checkpoint-000002.safetensors": b"", "result.json": b"{}"},
        {"metrics.csv": b"", "checkpoint-000002.safetensors": b"", "checkpoint-000009.safetensors": b""},
        {"metrics.csv": b"", "checkpoint-000002.safetensors": b"", "model_e3.safetensors": b""},
    ],
)
def test_a_parcel_with_other_files_puts_nothing_into_the_folder(files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(ParcelError):
        unpack_saved(pack(files, {}), 2, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_what_is_told_of_a_checkpoint_is_bounded() -> None:
    assert About.read({"cpus": ["x" * 999, 7, *(["y"] * 99)]}).cpus == ("x" * 200, *(["y"] * 18))
    assert About.read({"cpus": "x"}) == About.read({}) == About()


def test_data_is_bounded_and_kept_under_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unpack_data(pack({"data": zlib.compress(b"a,b\n" * 1000)}, {})) == b"a,b\n" * 1000
    monkeypatch.setattr("cqltui.store.data.DATA_BYTES", 3999)
    for content, why in (
        (zlib.compress(b"a,b\n" * 1000), "larger than 3,999"),
        (zlib.compress(b"a,b\n" * 900)[:-1], "cut off"),
        (b"a,b", "damaged"),
    ):
        with pytest.raises(ParcelError, match=why):
            unpack_data(pack({"data": content}, {}))
    with pytest.raises(ParcelError):
        unpack_data(pack({"other": b""}, {}))
    digest = "0123456789abcdef" * 4
    assert kept_at(tmp_path, digest, "/x/bets.csv") == tmp_path / "data-0123456789abcdef.csv"
    assert kept_at(tmp_path, digest, "x.c/../sv").parent == tmp_path
    with pytest.raises(ValueError, match="no digest"):
        data_folder("../" + digest)
    assert DATA_BYTES == 1 << 28
