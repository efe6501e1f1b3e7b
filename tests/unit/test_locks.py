"""What is installed is locked by hash, in the versions that are tested; `make audit` tells what is not as locked."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from locks import audit, renew

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "locks").glob("*.lock"))
LOCK = """\
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:08695f5cb7ed6e0531a20572697297273c47b8cae5a63ffc6d6ed5c201be6e44
markupsafe==3.0.4 \\
    --hash=sha256:0303439a41979d9e74d18ff5e2dd8c43ed6c6001fd40e5bf2e43f7bd9bbc523f \\
    --hash=sha256:068f375c472b3e7acbe2d5318dea141359e6900156b5b2ba06a30b169086b91a
"""


def versions(path: Path) -> dict[str, str]:
    """Name to version, of every platform."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_package_is_locked_by_hash_and_pytorch_by_version(path: Path) -> None:
    packages = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip())
    assert all(" \\\n    --hash=sha256:" in package for package in packages)
    assert not any(name.startswith(("torch", "nvidia-", "cuda-", "triton")) for name in versions(path))


@pytest.mark.parametrize("name", ["run", "dev", "bench", "pip"])
def test_what_is_locked_is_what_is_tested(name: str) -> None:
    tested, locked = versions(ROOT / "constraints.txt"), versions(ROOT / "locks" / f"{name}.lock")
    assert locked
    assert {name: tested[name] for name in locked.keys() & tested.keys()} == {
        name: locked[name] for name in locked.keys() & tested.keys()
    }
    assert locked.keys() - tested.keys() <= {"async-timeout"}, "of Python before 3.11.3 alone"


def test_pytorchs_builds_are_left_out_with_their_hashes() -> None:
    builds = "torch==2.13.0 \\\n    --hash=sha256:a \\\n    --hash=sha256:b\nnvidia-nvtx==1 \\\n    --hash=sha256:c\n"
    assert renew.BY_VERSION.sub("", f"{builds}{LOCK}") == LOCK


def test_what_is_not_installed_as_locked_is_told() -> None:
    expected = audit.locked(LOCK)
    assert expected == {"markupsafe": "3.0.4"}, "for this platform"
    assert list(audit.differences(expected, {"markupsafe": "3.0.4", "other": "1"})) == []
    assert list(audit.differences(expected, {"markupsafe": "3.0.5"})) == ["markupsafe: locked 3.0.4, installed 3.0.5"]
    assert list(audit.differences(expected, {})) == ["markupsafe: locked 3.0.4, installed not at all"]


def test_pytorch_is_of_the_version_that_is_tested() -> None:
    expected = audit.by_version("numpy==2.4.6\ntorch==2.13.0\nnvidia-nvtx==1.0\ntorchvision==9\n")
    assert expected == {"torch": "2.13.0", "nvidia-nvtx": "1.0"}
    for build in ("2.13.0", "2.13.0+cpu", "2.13.0+cu130"):
        assert list(audit.other_builds(expected, {"torch": build})) == []
    assert list(audit.other_builds(expected, {"torch": "2.13.1+cpu", "nvidia-nvtx": "2.0"})) == [
        "nvidia-nvtx: tested 1.0, installed 2.0",
        "torch: tested 2.13.0, installed 2.13.1+cpu",
    ]
    assert list(audit.other_builds(expected, {})) == ["torch: tested 2.13.0, installed not at all"]


@pytest.mark.parametrize(("version", "code"), [("{}", 0), ("{}+cpu", 0), ("0.0.1", 1)])
def test_the_command_tells_of_another_pytorch(
    version: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tested = versions(ROOT / "constraints.txt")["torch"]
    names = {name: found for lock in audit.LOCKS for name, found in audit.locked(_text(lock)).items()}
    names["torch"] = version.format(tested)
    installed = [SimpleNamespace(name=name, version=found) for name, found in names.items()]
    monkeypatch.setattr("locks.audit.metadata.distributions", lambda: installed)
    (silent := tmp_path / "pip-audit").write_text("#!/bin/sh\n")
    silent.chmod(0o755)
    monkeypatch.setattr("sys.argv", ["audit", "--pip-audit", str(silent)])
    assert audit.main() == code
    said = capsys.readouterr().out
    assert (f"torch: tested {tested}, installed 0.0.1" in said) == (code == 1)


def _text(lock: str) -> str:
    return (ROOT / "locks" / f"{lock}.lock").read_text(encoding="utf-8")


def test_a_known_vulnerability_is_told_with_its_fix() -> None:
    found = [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}]
    answer = {"dependencies": [*found, {"name": "b", "version": "1", "vulns": []}, {"name": "c", "skip_reason": "no"}]}
    assert list(audit.vulnerable(answer)) == ["a 1: CVE-1, fixed in 2"]
