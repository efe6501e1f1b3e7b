"""A small campaign, and a place for its run."""

from pathlib import Path

import pytest

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.results.rundir import RunDir
from tests.unit.small_run import FILE


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests do not see the runs of whoever works in this checkout."""
    folder = tmp_path_factory.getbasetemp() / "elsewhere"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    path = tmp_path / "small.toml"
    path.write_text(FILE, encoding="utf-8")
    return load_campaign(path).identified("data")


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path / "run")
