"""What stands for the results that there are."""

import hashlib
import json
from collections.abc import Iterable

FORMAT = "cqltui.evaluation/1"
"""What an evaluation says that it is."""


def digest(done: Iterable[tuple[str, str]]) -> str:
    """Return what stands for the results of these tasks, each with the token of its accepted result."""
    return hashlib.sha256(json.dumps(sorted(done)).encode()).hexdigest()[:16]
