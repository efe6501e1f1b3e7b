"""A checkpoint with all that is needed to go on from it, as one parcel: the metrics up to it, the models kept until
then."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from cqltui.algorithms.keeping import epoch_of
from cqltui.store.parcel import ParcelError, pack, unpack
from trainer.files import checkpoint_name, read_regular, write_bytes

LARGEST_FILE = 1 << 30
METRICS = "metrics.csv"
LONGEST_TEXT, MOST_TEXTS = 200, 20


class About(Struct, frozen=True):
    """What is told beside the files."""

    cpus: tuple[str, ...] = ()
    """The kinds of processors that have trained until here."""

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "About":
        """Return what a parcel from outside says, as far as it can be."""
        said = raw.get("cpus")
        texts = said if isinstance(said, list) else []
        return cls(tuple(text[:LONGEST_TEXT] for text in texts[:MOST_TEXTS] if isinstance(text, str)))


def pack_saved(folder: Path, epoch: int, about: About) -> bytes:
    """Return the checkpoint of this epoch in an attempt's folder, as a parcel. Raises OSError."""
    models = sorted(path for path in folder.glob("model_e*.safetensors") if _is_before(path.name, epoch))
    rows = read_regular(folder / METRICS, LARGEST_FILE).split(b"\n", epoch + 1)[: epoch + 1]
    files = {METRICS: b"".join(row + b"\n" for row in rows)}
    files |= {path.name: read_regular(path, LARGEST_FILE) for path in (*models, folder / checkpoint_name(epoch))}
    return pack(files, {"cpus": list(about.cpus)})


def unpack_saved(content: bytes, epoch: int, folder: Path) -> About:
    """Put a parcel's checkpoint into an attempt's folder, where it is found as one of its own; what is told about it.

    Raises ParcelError for a parcel of something else, OSError.
    """
    name = checkpoint_name(epoch)
    files, about = unpack(content, lambda other: other in (METRICS, name) or _is_before(other, epoch))
    if not files.keys() >= {METRICS, name}:
        raise ParcelError("it lacks the checkpoint or its metrics")
    for other in sorted(files, key=lambda each: each == name):  # the checkpoint last: the others are whole by then
        write_bytes(folder / other, files[other], durable=False)
    return About.read(about)


def _is_before(name: str, epoch: int) -> bool:
    return (kept := epoch_of(name)) is not None and kept <= epoch
