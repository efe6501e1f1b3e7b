"""One contender of a benchmark, in a process of its own: `python -m tests.benchmarks.contenders SPEC`.

SPEC is JSON: {"name", "hidden_dims", "members", "precision"}. Says "ready" when it is warm. For each line on stdin
(seconds to train for) it prints JSON: {"epochs_per_s": member-epochs a second, "cpu_s": CPU seconds a second of wall}.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module

from msgspec.structs import replace

from tests.benchmarks.common import CONFIG, Row
from trainer.threads import one_thread

MODULES = {
    "ours": "tests.benchmarks.ours",
    "loop": "tests.benchmarks.loop",
    "d3rlpy": "tests.benchmarks.d3rlpy_loop",
    "jax": "tests.benchmarks.jax_loop",
    "products": "tests.benchmarks.products",
}
"""Each module has `prepare(config, members) -> epoch`, where `epoch()` trains all members for one epoch."""


def main() -> None:
    """Serve."""
    spec = json.loads(sys.argv[1])
    row = Row(tuple(spec["hidden_dims"]), spec["members"], spec["precision"])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    one_thread()
    config = replace(CONFIG, hidden_dims=row.hidden_dims, precision=row.precision)
    epoch: Callable[[], None] = import_module(MODULES[spec["name"]]).prepare(config, row.members)
    epoch()
    epoch()
    print("ready", flush=True)
    for line in sys.stdin:
        epochs, cpu, began = 0, time.process_time(), time.perf_counter()
        while (took := time.perf_counter() - began) < float(line):
            epoch()
            epochs += 1
        answer = {"epochs_per_s": epochs * row.members / took, "cpu_s": (time.process_time() - cpu) / took}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
