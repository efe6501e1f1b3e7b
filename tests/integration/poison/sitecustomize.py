"""On PYTHONPATH this makes a training harm its own process, as a bug in a library would: the product has no such hook.

The file named by POISON says what the training with seed 13 does in its third epoch: "abort", "hang" or "hang once".
Without the file it does no harm.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
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


class _Finder(importlib.abc.MetaPathFinder):
    """Wraps the trainer when, and only where, it is imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """That of the real module, which is poisoned once it is loaded."""
        if name != "trainer.train":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def load_poisoned(module: ModuleType) -> None:
            load(module)
            _poison(module.PackTrainer)

        spec.loader.exec_module = load_poisoned  # type: ignore[method-assign]
        return spec


def _poison(trainer: Any) -> None:
    run_epoch = trainer.run_epoch

    def poisoned(self: Any, *arguments: Any) -> Any:
        for config, done in zip(self.members, self.epochs_done, strict=True):
            if config.seed == SEED and done == EPOCHS_BEFORE and FILE.exists():
                _act(FILE.read_text(encoding="utf-8"))
        return run_epoch(self, *arguments)

    trainer.run_epoch = poisoned


def _act(what: str) -> None:
    if what == "abort":
        os.abort()
    if what == "hang once":
        FILE.unlink()
    time.sleep(FOREVER_S)


sys.meta_path.insert(0, _Finder())
