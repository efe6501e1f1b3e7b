"""`cqltui ledger` as a user calls it; killed in the middle of adding, and with somebody else adding."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from cqltui.cli import main
from cqltui.errors import ExitCode
from cqltui.ledger.store import opened

GAMES = """\
game_id,season,week,gameday,gametime,away_team,away_score,home_team,home_score,result,spread_line,home_spread_odds,away_spread_odds
2022_01_BUF_LA,2022,1,2022-09-08,20:20,BUF,31,LA,10,-21,-2.5,-105,-115
2022_01_KC_ARI,2022,1,2022-09-11,16:25,KC,44,ARI,21,-23,-6,-108,-112
2022_02_A_B,2022,2,2022-09-18,13:00,A,,B,,,1,-110,-110
"""
BETS = """\
season,week,game_id,gameday,action,side,spread,handicap,price,stake,reason
2022,1,2022_01_KC_ARI,2022-09-11,large,ARI,-6.5,6.5,-110,1,
2022,2,2022_02_A_B,2022-09-18,small,home,1,-1,-110,0.2,
2022,2,2022_02_C_D,2022-09-18,no-bet,home,1,-1,-110,0,no bet has the largest Q
"""
KILLED = """
import json, os, random, signal, sys, time
from pathlib import Path
import cqltui.commands.ledger  # once, and not in each life
from cqltui.cli import main
random.seed(5)
folder, acknowledged = Path(sys.argv[1]), []
for round in range(24):
    place = folder / f"{round // 3}.sqlite"  # three lives each, the first of which begins the file
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        for number in range(10_000):
            name = f"{round}-{number}"
            told = ["--game", name, "--side", "home", "--spread", "3", "--price", "-110", "--stake", "1"]
            if main(["ledger", "add", "--ledger", str(place), "--id", name, *told]) != 0:
                os.write(writing, b"failed\\n")
                os._exit(1)
            os.write(writing, f"{name}\\n".encode())
    os.close(writing)
    with os.fdopen(reading) as told:
        lines = [told.readline() for _ in range(round % 3)]
        time.sleep(random.uniform(0.0, 0.08))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        acknowledged += [(place.name, line.strip()) for line in (*lines, *told)]
print(json.dumps(acknowledged))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a file of games and one of bets."""
    (tmp_path / "games.csv").write_text(GAMES, encoding="utf-8")
    (tmp_path / "bets.csv").write_text(BETS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ledger(*arguments: str) -> int:
    return main(["ledger", *arguments])


def test_from_bets_to_what_became_of_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = ("--game", "2022_01_BUF_LA", "--side", "BUF", "--handicap", "-2", "--price", "-110", "--stake", "1")
    assert ledger("add", "bets.csv") == ExitCode.OK
    assert ledger("add", *one, "--at", "2022-09-07T12:00Z") == ExitCode.OK
    assert ledger("add", "bets.csv") == ExitCode.OK
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "ledger.sqlite: 2 added, 0 there already, 0 corrected, 1 row without a bet",
        "ledger.sqlite: 1 added, 0 there already, 0 corrected",
        "ledger.sqlite: 0 added, 2 there already, 0 corrected, 1 row without a bet",
    ]
    assert ledger("settle", "games.csv") == ExitCode.OK
    assert ledger("settle", "games.csv") == ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [
        "ledger.sqlite: 2 games settled, 0 there already, 1 without a result yet; 1 of 3 bets open",
        "ledger.sqlite: 0 games settled, 2 there already, 1 without a result yet; 1 of 3 bets open",
    ]
    assert ledger("show") == ExitCode.OK
    shown = capsys.readouterr().out
    assert "W-L-P     1-1-0 in 1 week with bets" in shown
    # BUF was taken at 2, closed at 2.5 and is worth a bit; the other bet was written down long after its game.
    assert "in 1 bet; " in shown
    assert "1 not measurable" in shown
    assert ledger("show", "--json") == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["figures"]["profit"]["value"] == pytest.approx(10 / 11 - 1)
    assert ledger("export", "-o", "out.csv") == ExitCode.OK
    assert ledger("export") == ExitCode.OK
    assert capsys.readouterr().out == (folder / "out.csv").read_text(encoding="utf-8")


def test_changes_are_told_and_taken_only_if_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ledger("add", "bets.csv") == ExitCode.OK
    (folder / "bets.csv").write_text(BETS.replace("-6.5,6.5,-110", "-6.5,6.5,-105"), encoding="utf-8")
    assert ledger("add", "bets.csv") == ExitCode.INPUT
    assert "bet '2022_01_KC_ARI home': net_odds 0.95238 was 0.90909" in capsys.readouterr().err
    assert ledger("add", "bets.csv", "--correct") == ExitCode.OK
    assert "corrected: 2022_01_KC_ARI home: net_odds 0.95238 was 0.90909" in capsys.readouterr().out
    assert ledger("settle", "games.csv") == ExitCode.OK
    (folder / "games.csv").write_text(GAMES.replace("44,ARI,21,-23,-6", "44,ARI,20,-24,6"), encoding="utf-8")
    assert ledger("settle", "games.csv") == ExitCode.UNFINISHED
    said = capsys.readouterr().out
    assert "not taken: 2022_01_KC_ARI: home_score 20 was 21; close_spread 6 was -6; if the file is right" in said
    assert ledger("settle", "games.csv", "--correct") == ExitCode.OK
    said = capsys.readouterr().out
    assert "1 corrected" in said
    assert "warning: 2022_01_KC_ARI home: its spread of -6.5 is far from the close" in said


def test_what_is_wrong_ends_with_2_and_leaves_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (("show",), "ledger.sqlite: there is no ledger: begin one with cqltui ledger add"),
        (("settle", "games.csv"), "there is no ledger"),
        (("add",), "--game: is missing"),
        (("add", "bets.csv", "--price", "-110"), "give a file of bets or the options of one bet, not both"),
        (("add", "games.csv"), "column 'side': the file has no such column"),
        (("add", "bets.csv", "--ledger", "games.csv"), "games.csv: is no ledger"),
    ):
        assert ledger(*arguments) == ExitCode.INPUT
        assert said in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["bets.csv", "games.csv"]


def test_a_bet_that_was_acknowledged_is_there_once_whenever_its_process_is_killed(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder)], capture_output=True, text=True, timeout=120, check=True
    )
    acknowledged = [(place, bet) for place, bet in json.loads(ran.stdout)]
    assert len(acknowledged) >= 24
    assert not [bet for _, bet in acknowledged if bet == "failed"]
    unacknowledged = 0
    for place in sorted(folder.glob("*.sqlite")):
        with opened(place, create=True) as kept:  # the first life may have ended before there was anything in it
            found = Counter(entry.bet.bet_id for entry in kept.entries())
        wanted = {bet for name, bet in acknowledged if name == place.name}
        assert max(found.values(), default=1) == 1
        assert found.keys() >= wanted
        unacknowledged += len(found.keys() - wanted)
    assert unacknowledged <= 24, "at most the one that each was about to acknowledge"


def test_two_who_add_at_once_lose_nothing_of_each_other(folder: Path) -> None:
    code = (
        "import sys; from cqltui.cli import main\n"
        "for n in range(10): assert main(['ledger', 'add', '--game', f'{sys.argv[1]}{n}', '--side', 'home', '--spread',"
        " '3', '--price', '-110', '--stake', '1']) == 0"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, name], stdout=subprocess.DEVNULL) for name in "ab"]
    assert [process.wait(90) for process in both] == [0, 0]
    with opened(Path("ledger.sqlite")) as kept:
        assert len({entry.bet.bet_id for entry in kept.entries()}) == 20
