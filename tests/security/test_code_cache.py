"""Compiled code that somebody else might have put there is not loaded: Numba's index is a pickle, the rest machine
code."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trainer import codecache, config
from trainer.codecache import PREFIX, code_folder
from trainer.private import open_to_others

OTHER = 12345
SOURCES = [Path(config.__file__)]
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What NUMBA_CACHE_DIR names."""
    made = tmp_path / "base"
    made.mkdir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(made))
    return made


def test_a_folder_of_ours_is_made_private(base: Path) -> None:
    before = os.umask(0)
    try:
        folder = code_folder(SOURCES, {})
    finally:
        os.umask(before)
    assert folder is not None
    assert folder.stat().st_mode & 0o077 == 0
    assert code_folder(SOURCES, {}) == folder, "and found again"


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o775, 0o1777])
def test_a_folder_that_others_can_write_to_is_refused(base: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    folder = code_folder(SOURCES, {})
    assert folder is not None
    if os.getuid() == 0:
        os.chown(folder, -1, OTHER)
    elif mode == 0o775:
        pytest.skip("the folder's group may be the user's own")
    folder.chmod(mode)
    assert code_folder(SOURCES, {}) is None
    assert f"another user can write to {folder}" in caplog.text


@pytest.mark.parametrize(("mode", "safe"), [(0o777, False), (0o1777, True), (0o755, True)])
def test_so_is_one_in_a_folder_where_others_can_replace_it(base: Path, mode: int, safe: bool) -> None:
    base.chmod(mode)
    assert (code_folder(SOURCES, {}) is not None) is safe
    base.chmod(0o755)
    base.parent.chmod(mode)
    assert (code_folder(SOURCES, {}) is not None) is safe
    base.parent.chmod(0o700)


@as_root
def test_another_users_folder_is_refused(base: Path, tmp_path: Path) -> None:
    folder = code_folder(SOURCES, {})
    assert folder is not None
    os.chown(folder, OTHER, OTHER)
    assert code_folder(SOURCES, {}) is None
    assert open_to_others(folder) == folder
    os.chown(folder, 0, 0)
    os.chown(base, OTHER, OTHER)
    assert open_to_others(folder) == base
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, OTHER, OTHER)
    os.chown(base, 0, 0)
    folder.rmdir()
    folder.symlink_to(theirs)
    assert code_folder(SOURCES, {}) is None, "a link to one"


def test_the_users_cache_takes_the_place_of_one_beside_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    installed = tmp_path / "installed"
    (installed / "__pycache__").mkdir(parents=True)
    (installed / "__pycache__").chmod(0o777)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(codecache, "__file__", str(installed / "codecache.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    folder = code_folder(SOURCES, {})
    assert folder is not None
    assert folder.parent == tmp_path / "user" / "cqltui"
    assert caplog.text == ""


class Marker:
    """A pickle that makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_planted_pickle_is_not_read(base: Path, tmp_path: Path) -> None:
    """By a real worker's import of its compiled code, before whose name the folder was made open to all."""
    script = "from trainer import kernels; import numpy as np; out = np.zeros(2, np.float32)\n"
    script += "kernels.adam(out, out + 1, out + 0, out + 0, 0.1, 10.0, 1)\nassert out[0] < 0"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder,) = base.glob(f"{PREFIX}*")
    planted = list(folder.rglob("*.nbi"))
    assert planted
    for path in planted:
        path.write_bytes(pickle.dumps(Marker(tmp_path / "marker")))
    folder.chmod(0o777)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "marker").exists()


def test_settings_that_a_folder_has_for_numba_are_not_read(tmp_path: Path) -> None:
    """Neither when it is loaded nor before a compilation, with PyYAML, whose part is played here, loaded or not."""
    (tmp_path / ".numba_config.yaml").write_text("DISABLE_JIT: 1\nCPU_NAME: i386\n")
    modules = tmp_path / "modules"
    modules.mkdir()
    script = "import sys\nfrom trainer.jit import numba\n"
    script += "assert numba.njit(lambda x: x + 1)(1) == 2\nassert numba.config.OPT == 2, 'variables count'\n"
    script += "print(numba.config.DISABLE_JIT, numba.config.CPU_NAME, 'yaml' in sys.modules)\n"
    script += "import yaml\nyaml.safe_load"
    stub = f"import os\ndef safe_load(file):\n    os.mkdir({str(tmp_path / 'marker')!r})\n"
    stub += "    return dict(line.split(': ') for line in file.read().splitlines())\n"
    (modules / "yaml.py").write_text(stub)
    root = str(Path(__file__).parents[2])
    for first in ("", "import yaml\n"):
        done = subprocess.run(
            [sys.executable, "-P", "-W", "error::UserWarning", "-c", first + script],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([root, str(modules)]), "NUMBA_OPT": "2"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout) == (0, f"0 None {bool(first)}\n"), done.stderr
        assert not (tmp_path / "marker").exists()


def test_numba_is_loaded_in_one_place_alone() -> None:
    root = Path(__file__).parents[2]
    lines = {
        path.name
        for package in ("trainer", "cqltui")
        for path in (root / package).rglob("*.py")
        if re.search(r"^\s*(import|from) numba", path.read_text("utf-8"), re.MULTILINE)
    }
    assert lines == {"jit.py"}
