"""Whether a worker on another machine and the supervisor see the same run directory: what each writes, the other reads.

A path alone says nothing of it: on another machine it may be a copy, or what a backup has left. A file that is there
already would not do either, since a copy has it too.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cqltui.broker.protocol.queue import Queue
from cqltui.results.rundir import SAFE_NAME, RunDir, within
from cqltui.store.errand import PATIENCE_S, ask
from trainer.files import read_regular, write_bytes

WHAT = "folder"
WHO = ("worker", "supervisor")
_BYTES = 100


def prove(queue: Queue, run_dir: RunDir, worker_id: str, patience_s: float = PATIENCE_S) -> bool:
    """Return whether the supervisor sees what this worker writes to a run directory, and the worker what it writes.

    False where nobody answers in time, too: then files travel, which is never wrong. Raises RedisError.
    """
    own, its = (run_dir.proofs / f"{worker_id}.{who}" for who in WHO)
    nonce = secrets.token_hex(16)
    try:
        within(run_dir, run_dir.proofs)
        write_bytes(own, nonce.encode(), durable=False)
        answer = ask(queue, worker_id, {"what": WHAT, "wrote": nonce}, patience_s)
        return answer is not None and answer.get("seen") is True and _content(its) == answer.get("wrote")
    except OSError:
        return False
    finally:
        for path in (own, its):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def confirm(run_dir: RunDir, worker_id: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the supervisor's answer, once it has written its own part."""
    if not SAFE_NAME.fullmatch(worker_id):
        return {"seen": False}
    own, its = (run_dir.proofs / f"{worker_id}.{who}" for who in WHO)
    if (content := _content(own)) is None or content != question.get("wrote"):
        return {"seen": False}
    nonce = secrets.token_hex(16)
    try:
        within(run_dir, run_dir.proofs)
        write_bytes(its, nonce.encode(), durable=False)
    except OSError:
        return {"seen": False}
    return {"seen": True, "wrote": nonce}


def _content(path: Path) -> str | None:
    try:
        return None if path.is_symlink() else read_regular(path, _BYTES).decode("ascii")
    except (OSError, ValueError):
        return None
