"""`cqltui init`: the files to begin with are whole campaigns, and overwrite nothing."""

from pathlib import Path

import pytest

from cqltui import cli
from cqltui.campaign.load import load_campaign
from cqltui.commands.init import TEMPLATES

CAMPAIGNS = Path(__file__).parents[2] / "campaigns"


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_a_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", template]) == 0
    written = tmp_path / f"{template}.toml"
    campaign = load_campaign(written)
    assert all(phase.tasks and phase.criteria for phase in campaign.phases)
    assert "#:schema" not in written.read_text(encoding="utf-8")
    shipped = CAMPAIGNS / f"{template}.toml"
    if shipped.exists():
        assert list(campaign.tasks) == list(load_campaign(shipped).tasks)


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("kept", encoding="utf-8")
    assert cli.main(["init", "-o", str(path)]) == 2
    assert path.read_text(encoding="utf-8") == "kept"
    assert "mine.toml: exists already; choose another with -o FILE" in capsys.readouterr().err
    assert cli.main(["init", "-o", str(tmp_path / "missing" / "a.toml")]) == 2
    assert "cannot be written" in capsys.readouterr().err
