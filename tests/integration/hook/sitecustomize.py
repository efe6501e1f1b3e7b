"""On PYTHONPATH this acts on the epochs of a worker's training runs: the product has no such hook.

PACE_S: seconds that an epoch takes at least, as on a slower machine. What is waited for then leaves the cores free, and
takes as long on a busy machine as on an idle one.
POISON: the file that says how the training with seed 13 harms its own process in its third epoch, as a bug in a library
would: "abort", "hang" or "hang once". Without the file it does no harm.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import runpy
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

SEED = 13
EPOCHS_BEFORE = 2
FOREVER_S = 3600.0
FILE = Path(os.environ.get("POISON", "/nonexistent"))
PACE_S = float(os.environ.get("PACE_S", "0"))


class _Finder(importlib.abc.MetaPathFinder):
    """Wraps the trainer when, and only where, it is imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """That of the real module, which is changed once it is loaded."""
        if name != "trainer.train":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def load_changed(module: ModuleType) -> None:
            load(module)
            _change(module.PackTrainer)

        spec.loader.exec_module = load_changed  # type: ignore[method-assign]
        return spec


def _change(trainer: Any) -> None:
    run_epoch = trainer.run_epoch

    def changed(self: Any, *arguments: Any) -> Any:
        ends = time.monotonic() + PACE_S
        for config, done in zip(self.members, self.epochs_done, strict=True):
            if config.seed == SEED and done == EPOCHS_BEFORE and FILE.exists():
                _act(FILE.read_text(encoding="utf-8"))
        metrics = run_epoch(self, *arguments)
        time.sleep(max(0.0, ends - time.monotonic()))
        return metrics

    trainer.run_epoch = changed


def _act(what: str) -> None:
    if what == "abort":
        os.abort()
    if what == "hang once":
        FILE.unlink()
    time.sleep(FOREVER_S)


def _next() -> None:
    """Run what would have been found without this file: Python looks for one of the name only."""
    here = Path(__file__).parent
    for folder in (Path(entry) for entry in sys.path if entry):
        if folder != here and (folder / "sitecustomize.py").is_file():
            runpy.run_path(str(folder / "sitecustomize.py"))
            return


sys.meta_path.insert(0, _Finder())
_next()
