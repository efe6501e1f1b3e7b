"""The screen of a new run is seen before the run has been started, and says what it waits for."""

import sys
from functools import partial
from pathlib import Path

import pytest

from tests.integration.place import SMALL, hooked
from tests.integration.terminal import COLUMNS, ROWS, Terminal

UNUSABLE = "a,b\n1,2\n"


@pytest.mark.parametrize("early", [False, True])
def test_data_that_cannot_be_used_is_told_plainly_after_the_screen(early: bool, tmp_path: Path) -> None:
    """The data is read when the test says so. `early`: the screen has been left by then."""
    campaign, data = tmp_path / "small.toml", tmp_path / "bets.csv"
    text = SMALL.read_text(encoding="utf-8")
    campaign.write_text(text.replace('source = "simulated"', f'source = "logged"\npath = "{data.name}"'), "utf-8")
    data.write_text(UNUSABLE, encoding="utf-8")
    argv = [sys.executable, "-m", "cqltui", campaign.name, "--device", "cpu"]
    terminal = Terminal(argv, tmp_path, hooked({}, HELD=data.name))
    try:
        terminal.wait(lambda screen: "Reading the data" in screen, "what is waited for")
        assert "starting" in terminal.text().splitlines()[1]
        assert not (tmp_path / "runs").exists(), "no server before the data is known to be good"
        if early:
            terminal.press("q")
            terminal.wait(lambda screen: "Leave it running" in screen, "the question")
            terminal.press("b")
            terminal.wait(lambda screen: "the run is being started" in screen, "what is waited for still")
        data.with_name(f"{data.name}.free").touch()
        assert terminal.wait_end() == 2
        said = terminal.output.rpartition(b"\x1b[?1049l")[2].decode()
        assert "bets.csv" in said, "on the terminal, not on the screen that is gone"
        assert "Traceback" not in said
        assert not (tmp_path / "runs").exists()
    finally:
        terminal.close()


def test_the_screen_is_as_large_as_the_terminal_that_it_is_drawn_on(tmp_path: Path) -> None:
    """Not as the shell once said, nor as standard output, which is a file here."""
    campaign = tmp_path / "small.toml"
    text = SMALL.read_text(encoding="utf-8")
    campaign.write_text(text.replace('source = "simulated"', 'source = "logged"\npath = "bets.csv"'), "utf-8")
    (tmp_path / "bets.csv").write_text(UNUSABLE, encoding="utf-8")
    argv = [sys.executable, "-m", "cqltui", campaign.name, "--device", "cpu"]
    with (tmp_path / "output").open("wb") as output:
        extra = hooked({"COLUMNS": "80", "LINES": "24"}, HELD="bets.csv")
        terminal = Terminal(argv, tmp_path, extra, output.fileno())
    try:
        for columns, rows in ((COLUMNS, ROWS), (COLUMNS - 50, ROWS - 10), (COLUMNS + 20, ROWS + 4)):
            terminal.resize(columns, rows)
            terminal.wait(partial(_fills, columns, rows), f"a screen of {columns} by {rows}")
        (tmp_path / "bets.csv.free").touch()
        assert terminal.wait_end() == 2
    finally:
        terminal.close()


def _fills(columns: int, rows: int, screen: str) -> bool:
    """Whether the frames end at the right edge, and the keys stand in the last line."""
    lines = screen.splitlines()
    return lines[4].rstrip().endswith("│") and len(lines[4].rstrip()) == columns and "Leave" in lines[rows - 1]
