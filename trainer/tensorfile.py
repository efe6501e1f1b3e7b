"""One file format for all tensors on disk: safetensors with a JSON document and a checksum in its header. No pickle.

A file is complete or absent: it is written beside its place, synced, and renamed.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from trainer.files import write_bytes

HEADER = "cqltui"
"""The one metadata entry, JSON: safetensors writes several in any order, and equal files must have equal bytes."""


class TensorFileError(Exception):
    """The file is not one of ours, or not whole. The message names the file and what is wrong."""


class Written(Struct, frozen=True):
    """What a write took; a worker spaces its checkpoints by it."""

    seconds: float
    size_bytes: int


def write_tensors(
    path: Path, kind: str, tensors: Mapping[str, np.ndarray], document: Mapping[str, Any], *, durable: bool = True
) -> Written:
    """Write tensors and a JSON document as a file of this kind (a name and version). Raises OSError.

    `durable`: as of `files.replaced`; a torn file is refused when it is read.
    """
    started = time.perf_counter()
    plain = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    header = {"format": kind, "document": document, "sha256": _checksum(plain, kind, document)}
    payload = save(plain, metadata={HEADER: json.dumps(header, sort_keys=True)})
    write_bytes(path, payload, durable=durable)
    return Written(time.perf_counter() - started, len(payload))


def read_tensors(path: Path, kind: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Tensors and document of a file of this kind. Raises TensorFileError if absent, foreign, cut off or damaged."""
    try:
        with safe_open(path, framework="np") as file:
            header = _header(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    # AttributeError: types that NumPy lacks; RecursionError: brackets nested too deeply
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise TensorFileError(f"{path}: not a readable safetensors file ({error})") from error
    document = header.get("document")
    if header.get("format") != kind or not isinstance(document, dict):
        raise TensorFileError(f"{path}: holds {header.get('format', 'something else')!r}, expected {kind!r}")
    if _checksum(tensors, kind, document) != header.get("sha256"):
        raise TensorFileError(f"{path}: the checksum does not match, the file is damaged")
    return tensors, document


def _header(metadata: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what `write_tensors` wrote beside the tensors; empty for a file of another make. Raises ValueError."""
    value = json.loads((metadata or {}).get(HEADER, "{}"))
    return value if isinstance(value, dict) else {}


def _checksum(tensors: Mapping[str, np.ndarray], kind: str, document: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) over kind, document, and each tensor's name, type, shape and bytes in order of names."""
    total = hashlib.sha256(f"{kind}\0{json.dumps(document, sort_keys=True)}\0".encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        # Types have PyTorch's names, as in the files of earlier versions.
        total.update(f"{name}\0torch.{tensor.dtype.name}\0{tensor.shape}\0".encode())
        total.update(np.ascontiguousarray(tensor).data)
    return total.hexdigest()
