"""The measuring process (`cqltui.worker.measure`), for `plan --measure` and `bench`."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from subprocess import PIPE
from typing import Any, NamedTuple

from cqltui.child import PYTHON, clean_environment
from cqltui.errors import CqltuiError


class PackSpec(NamedTuple):
    """What to time: a task (`campaign.payload.task_spec`) as so many members."""

    spec: dict[str, Any]
    members: int = 1


def answers(packs: Sequence[PackSpec], device: str, seconds: float, *, limit: bool = False) -> Iterator[dict[str, Any]]:
    """What a measuring process says of each pack, as it goes; if it dies, the one it died of is the last."""
    asked = [{"spec": pack.spec, "members": pack.members} for pack in packs]
    wanted = json.dumps({"device": device, "seconds": seconds, "limit": limit, "packs": asked})
    command = [*PYTHON, "-m", "cqltui.worker.measure"]
    with tempfile.TemporaryFile("w+") as errors:
        environment = clean_environment()
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=errors, text=True, env=environment) as child:
            if child.stdin is None or child.stdout is None:
                raise CqltuiError("the measuring process has no pipes")
            with child.stdin:
                child.stdin.write(wanted)
            for line in child.stdout:
                yield json.loads(line)
        errors.seek(0)
        last = (errors.read().strip().splitlines() or ["it said nothing"])[-1]
    if child.returncode > 0:
        raise CqltuiError(f"the measurement failed: {last}")
    if child.returncode < 0:
        yield {"error": f"the measuring process was ended by signal {-child.returncode}: it does not fit in memory"}
