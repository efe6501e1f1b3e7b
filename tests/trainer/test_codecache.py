"""Where compiled code is kept: found again as long as nothing has changed that it is made of, and nowhere for ever."""

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainer import codecache, config, kernels
from trainer.codecache import KEPT, PREFIX, code_folder, code_key, tidy

DAY_S = 86400.0


def test_the_key_changes_with_version_source_and_constant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("x = 1\n")
    two.write_text("y = 1\n")
    before = code_key([one, two], {"eps": 1e-8})
    assert code_key([one, two], {"eps": 1e-8}) == before
    assert code_key([one, two], {"eps": 1e-9}) != before
    assert code_key([one], {"eps": 1e-8}) != before
    two.write_text("y = 2\n")
    os.utime(two, (0, 0))
    assert code_key([one, two], {"eps": 1e-8}) != before, "an installer may set an old time"
    two.write_text("y = 1\n")
    assert code_key([one, two], {"eps": 1e-8}) == before
    monkeypatch.setattr("trainer.codecache.metadata.version", lambda name: "9.9")
    assert code_key([one, two], {"eps": 1e-8}) != before


def taken(source: Path) -> set[tuple[str, str]]:
    """The (module, name) that a file imports from the trainer."""
    return {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("trainer.")
        for alias in node.names
    }


def test_all_that_the_kernels_take_from_other_files_is_in_the_key() -> None:
    """Whoever imports something more into the kernels has to name it there too."""
    sources = {f"trainer.{path.stem}": path for path in kernels.SOURCES}
    assert sources.keys() == {"trainer.kernels", "trainer.pack_kernels", "trainer.config"}
    imported = taken(sources["trainer.kernels"]) | taken(sources["trainer.pack_kernels"])
    assert {module for module, _ in imported} - {"trainer.blas", "trainer.codecache", "trainer.jit"} == {
        "trainer.config",
        "trainer.kernels",
    }
    constants = [getattr(config, name) for module, name in imported if module == "trainer.config"]
    assert constants
    assert all(value in kernels.CONSTANTS.values() for value in constants)


def test_a_read_only_installation_uses_the_users_cache_and_none_if_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "installed"
    installed.mkdir()
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(codecache, "__file__", str(installed / "codecache.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    source = Path(config.__file__)
    beside = code_folder([source], {})
    assert beside is not None
    assert beside.parent == installed / "__pycache__"
    beside.rmdir()
    (installed / "__pycache__").rmdir()
    (installed / "__pycache__").write_text("in the way, as a folder that cannot be written")  # tests may run as root
    users = code_folder([source], {})
    assert users == tmp_path / "user" / "cqltui" / beside.name
    monkeypatch.setenv("XDG_CACHE_HOME", str(installed / "__pycache__"))
    assert code_folder([source], {}) is None
    assert code_folder([tmp_path / "missing.py"], {}) is None, "an installation without sources"


def test_without_any_place_the_code_is_compiled_and_runs(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.touch()
    script = "from trainer import kernels; import numpy as np; assert kernels.FOLDER is None\n"
    script += (
        "out = np.zeros(2, np.float32)\nkernels.adam(out, out + 1, out + 0, out + 0, 0.1, 10.0, 1)\nassert out[0] < 0"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(nowhere), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_old_folders_do_not_pile_up(tmp_path: Path) -> None:
    now = time.time()
    current = tmp_path / f"{PREFIX}now"
    ages = {"now": 40.0, **{f"old{day}": float(day) for day in range(2, 9)}, "today": 0.1}
    for name, days in ages.items():
        folder = tmp_path / f"{PREFIX}{name}"
        (folder / "trainer_1").mkdir(parents=True)
        (folder / "trainer_1" / "kernels.train-1.py311.nbi").touch()
        os.utime(folder, (now - days * DAY_S,) * 2)
    other = tmp_path / "somebody-elses"
    other.mkdir()
    (tmp_path / "kernels.train-205.py311.1.nbc").touch()
    (tmp_path / "train.cpython-311.pyc").touch()
    tidy(tmp_path, current)
    left = {path.name for path in tmp_path.iterdir()}
    kept = [f"{PREFIX}{name}" for name in ("now", "today", "old2", "old3")]
    assert len(kept) == KEPT + 1
    assert left == {*kept, other.name, "train.cpython-311.pyc"}


def test_what_is_in_recent_use_stays(tmp_path: Path) -> None:
    names = [f"{PREFIX}{number}" for number in range(KEPT + 4)]
    for name in names:
        (tmp_path / name).mkdir()
    tidy(tmp_path, tmp_path / names[0])
    assert {path.name for path in tmp_path.iterdir()} == set(names)
