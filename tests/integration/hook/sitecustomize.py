"""On PYTHONPATH this acts on training runs of workers, and on files that are read: the product has no such hook.

PACE_S: seconds that an epoch takes at least, as on a slower machine. What is waited for then leaves the cores free, and
takes as long on a busy machine as on an idle one.
SLOW_S, SLOW_UNTIL: seconds that it takes at least until there is such a file.
POISON: the file that says how the training with seed 13 harms its own process in its third epoch, as a bug in a library
would: "abort", "hang" or "hang once". Without the file it does no harm.
RESTART_S: seconds until a worker that died for the first time starts again, with which the later pauses double.
PROGRAM: the version of cqltui that it says it is, as of an installation before or after an upgrade.
HELD: the file that is read only once another of its name with ".free" lies beside it, as from a slow disk.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import runpy
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

SEED = 13
EPOCHS_BEFORE = 2
FOREVER_S = 3600.0
FILE = Path(os.environ.get("POISON", "/nonexistent"))
PACE_S = float(os.environ.get("PACE_S", "0"))
SLOW_S = float(os.environ.get("SLOW_S", "0"))
SLOW_UNTIL = Path(os.environ.get("SLOW_UNTIL", "/nonexistent"))
RESTART_S = float(os.environ.get("RESTART_S", "0"))
PROGRAM = os.environ.get("PROGRAM", "")
HELD = os.environ.get("HELD", "")
LOOK_S = 0.05


class _Finder(importlib.abc.MetaPathFinder):
    """Changes a module when, and only where, it is imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """That of the real module, which is changed once it is loaded."""
        change = _changes.pop(name, None)
        if change is None:
            return None
        spec = importlib.util.find_spec(name)
        _changes[name] = change  # `python -m` looks for a module once before it is imported
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def load_changed(module: ModuleType) -> None:
            load(module)
            change(module)

        spec.loader.exec_module = load_changed  # type: ignore[method-assign]
        return spec


def _change_epochs(module: Any) -> None:
    trainer = module.PackTrainer
    run_epoch = trainer.run_epoch

    def changed(self: Any, *arguments: Any) -> Any:
        began = time.monotonic()
        for config, done in zip(self.members, self.epochs_done, strict=True):
            if config.seed == SEED and done == EPOCHS_BEFORE and FILE.exists():
                _act(FILE.read_text(encoding="utf-8"))
        metrics = run_epoch(self, *arguments)
        while (left := began + _pace_s() - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_S))
        return metrics

    trainer.run_epoch = changed


def _pace_s() -> float:
    return SLOW_S if SLOW_S and not SLOW_UNTIL.exists() else PACE_S


def _change_reading(module: Any) -> None:
    open_regular = module.open_regular

    def changed(path: Path, *arguments: Any) -> Any:
        while path.name == HELD and not path.with_name(f"{HELD}.free").exists():
            time.sleep(LOOK_S)
        return open_regular(path, *arguments)

    module.open_regular = changed


def _change_version(module: Any) -> None:
    module.__version__ = PROGRAM or module.__version__


def _change_restart(module: Any) -> None:
    module.FIRST_S = RESTART_S or module.FIRST_S


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


_changes: dict[str, Callable[[Any], None]] = {
    "trainer.train": _change_epochs,
    "trainer.files": _change_reading,
    "cqltui.placement.restart": _change_restart,
    "cqltui": _change_version,
}
sys.meta_path.insert(0, _Finder())
_next()
