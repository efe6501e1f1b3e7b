"""Data that knows the outcome: a start is refused without a yes, and the screen asks for it."""

import json
import sys
from pathlib import Path

import pytest

from tests.integration.place import Place
from tests.integration.terminal import Terminal
from tests.unit.test_auditing import CAMPAIGN
from tests.unit.test_data_check import log


@pytest.fixture
def leaky(place: Place) -> Place:
    """The place with a campaign on a file whose `edge` knows the margin."""
    place.campaign.write_text(CAMPAIGN.replace('"night"', '"small"'), encoding="utf-8")
    log(place.folder / "bets.csv", leak=True)
    return place


def test_without_a_terminal_a_start_needs_yes_and_goes_on_by_itself(leaky: Place) -> None:
    refused = leaky.ask(leaky.campaign.name, "--no-ui", code=2)
    assert "bets.csv, column 'edge': AUC " in refused.err
    assert "--yes trains on it all the same" in refused.err
    assert not leaky.run_dir.path.exists()
    run = leaky.complete("--yes")
    assert "warning: leak audit: LEAK: " in run.err
    notices = [line for line in leaky.journal() if line["kind"] == "notice" and "leak audit" in json.dumps(line)]
    assert len(notices) == 3, "by itself, by all features together, by the margin"


def test_the_screen_closes_for_the_question(leaky: Place) -> None:
    terminal = Terminal([sys.executable, "-m", "cqltui", leaky.campaign.name], leaky.folder)
    try:
        terminal.wait(lambda text: "Train on it all the same? [y/N]" in text, "the question")
        assert b"\x1b[?1049h" in terminal.output, "behind the screen, which was seen before"
        terminal.press("\n")
        assert terminal.wait_end() == 2
        assert "nothing was started" in terminal.text()
        assert not Path(leaky.run_dir.path).exists()
    finally:
        terminal.close()
