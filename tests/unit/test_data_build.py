"""`cqltui data build`: the file of real games. The schedules' loader is replaced by one that knows a few games."""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import Struct

from cqltui.app import schedules
from cqltui.cli import main
from cqltui.errors import ExitCode
from trainer.config import DataConfig, Split
from trainer.data import load
from trainer.data.games import NEEDED, OPTIONAL

Game = Mapping[str, object]
BUILT = """\
game_id,season,week,gameday,away_team,home_team,result,spread_line,total_line,gametime,location,home_moneyline,\
away_moneyline,home_spread_odds,away_spread_odds
2001_01_A_B,2001,1,2001-09-09,A,B,7,3,44.5,13:00,Home,-150,130,-110,-110
2002_01_B_A,2002,1,2002-09-08,B,A,-3,-2.5,41,9:30,Neutral,-150,130,-110,-110
2002_01_A_B,2002,1,2002-09-08,A,B,0,3,44.5,13:00,Home,-150,130,,
2003_02_A_B,2003,2,2003-09-14,A,B,,3,44.5,13:00,Home,,,-110,-110
"""


def game(name: str, day: str, **columns: object) -> Game:
    """A game as the loader has it: more columns than are needed, numbers as text, None where nothing is known."""
    season, week, away, home = name.split("_")
    told: Game = {
        "roof": "dome", "game_id": name, "season": int(season), "week": int(week), "gameday": day, "away_team": away,
        "home_team": home, "result": 7, "spread_line": 3.0, "total_line": 44.5, "gametime": "13:00", "location": "Home",
        "home_moneyline": "-150", "away_moneyline": 130, "home_spread_odds": -110.0, "away_spread_odds": -110.0,
    }  # fmt: skip
    return {**told, **columns}


GAMES = (
    game("2003_02_A_B", "2003-09-14", result=None, home_moneyline="NA", away_moneyline=math.nan),
    game("2002_01_A_B", "2002-09-08", result=0, home_spread_odds=None, away_spread_odds=None),
    game("2002_01_B_A", "2002-09-08", result=-3, spread_line=-2.5, total_line=41, gametime="9:30", location="Neutral"),
    game("2001_01_A_B", "2001-09-09"),
)


class Frame(Struct, frozen=True):
    """As much of a Polars frame as is asked for."""

    games: Sequence[Game]

    @property
    def columns(self) -> list[str]:
        return list(self.games[0]) if self.games else list(game("2001_01_A_B", ""))

    def iter_rows(self, *, named: bool) -> Iterator[Game]:
        assert named
        return iter(self.games)


class Loader(SimpleNamespace):
    """In the place of the module nflreadpy, and of nflreadpy.config."""

    def __init__(self, answer: Callable[[list[int]], Sequence[Game]]) -> None:
        super().__init__(asked=[], settings={})
        self.answer = answer

    def update_config(self, **settings: object) -> None:
        self.settings |= settings

    def load_schedules(self, seasons: list[int]) -> Frame:
        self.asked.append(seasons)
        return Frame(self.answer(seasons))


Install = Callable[[Callable[[list[int]], Sequence[Game]]], Loader]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(schedules, "version", {schedules.LOADER: "0.1.5"}.__getitem__)

    def installed(answer: Callable[[list[int]], Sequence[Game]]) -> Loader:
        loader = Loader(answer)
        for name in (schedules.LOADER, f"{schedules.LOADER}.config"):
            monkeypatch.setitem(sys.modules, name, loader)
        return loader

    return installed


def test_the_file_is_what_the_games_source_reads(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    loader = install(lambda _: GAMES)
    assert main(["data", "build", "--seasons", "2001-2004"]) == ExitCode.OK
    assert Path("games.csv").read_text(encoding="utf-8") == BUILT
    assert loader.asked == [[2001, 2002, 2003, 2004]]
    assert loader.settings == {"cache_mode": "off", "verbose": False}, "it prints where results are expected"
    out, err = capsys.readouterr()
    assert out == (
        "games.csv: 4 games, 3 season(s), 2001 to 2003, by nflreadpy 0.1.5\n"
        "no games: 2004\n"
        "1 games without a score: not played yet, or cancelled\n"
        "1 games without spread odds: -110 will be assumed\n"
        "1 games without moneylines: the market's probability will come from the spread\n"
    )
    assert "cqltui data check games.csv" in err
    rows = load(DataConfig(source="games", path=Path("games.csv"), split=Split(validation_seasons=0, test_seasons=0)))
    assert rows.train.game_ids == ("2002_01_B_A", "2002_01_A_B")
    assert set(BUILT.partition("\n")[0].split(",")) == {*NEEDED, *OPTIONAL}


def test_the_order_of_the_answer_changes_no_byte_and_other_seasons_are_left_out(install: Install) -> None:
    install(lambda _: [*GAMES[::-1], game("2004_01_A_B", "2004-09-12")])
    assert main(["data", "build", "--seasons", "2001-2003", "-o", "new/g.csv"]) == ExitCode.OK
    assert Path("new/g.csv").read_text(encoding="utf-8") == BUILT
    install(lambda _: GAMES)
    assert main(["data", "build", "--seasons", "2002", "-o", "one.csv"]) == ExitCode.OK
    assert Path("one.csv").read_text(encoding="utf-8").splitlines()[1:] == BUILT.splitlines()[2:4]


def test_a_file_that_is_there_is_replaced_only_when_told_and_only_by_a_whole_one(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("games.csv").write_text("mine", encoding="utf-8")
    loader = install(lambda _: GAMES)
    command = ["data", "build", "--seasons", "2001-2003"]
    assert main(command) == ExitCode.INPUT
    assert (
        "games.csv: exists already; choose another with -o FILE, or replace it with --force" in capsys.readouterr().err
    )
    assert (loader.asked, Path("games.csv").read_text(encoding="utf-8")) == ([], "mine")
    install(lambda _: [*GAMES, game("2003_03_A_B", "2003-09-21", spread_line="three")])
    assert main([*command, "--force"]) == ExitCode.INPUT
    assert "game 5, column 'spread_line': 'three' cannot be used; nothing was written" in capsys.readouterr().err
    assert Path("games.csv").read_text(encoding="utf-8") == "mine"
    install(lambda _: GAMES)
    assert main([*command, "--force"]) == ExitCode.OK
    assert Path("games.csv").read_text(encoding="utf-8") == BUILT
    assert [path.name for path in Path().iterdir()] == ["games.csv"], "no temporary file stays"
    Path("folder").mkdir()
    assert main([*command, "-o", "folder", "--force"]) == ExitCode.INPUT
    assert "folder: it is a folder; choose a file with -o FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seasons", "said"),
    [
        ("2025-1999", "the first season is after the last; did you mean 1999-2025?"),
        ("1998-2001", "the schedules begin in 1999"),
        ("1999-9999", "use years up to 2100"),
        ("99-25", "use the form 1999-2025, or 2024 for one season"),
        ("1999,2000", "use the form 1999-2025, or 2024 for one season"),
    ],
)
def test_seasons_that_are_none(install: Install, capsys: pytest.CaptureFixture[str], seasons: str, said: str) -> None:
    loader = install(lambda _: GAMES)
    assert main(["data", "build", "--seasons", seasons]) == ExitCode.INPUT
    assert said in capsys.readouterr().err
    assert not loader.asked


def broken(error: Exception) -> Callable[[list[int]], Sequence[Game]]:
    def answer(_: list[int]) -> Sequence[Game]:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (broken(ConnectionError("Failed to download u\nmore")), "(Failed to download u): is there a network?"),
        (broken(RuntimeError()), "could not load the schedules (RuntimeError): is there a network?"),
        (lambda _: (), "has no game of the season(s) 2001 to 2003"),
        (lambda _: [{"game_id": "2001_01_A_B", "season": 2001}], "have no column week, gameday, away_team"),
        (lambda _: [game("2001_01_A_B", "d", home_team="=1+1")], "column 'home_team': '=1+1' cannot be used"),
        (lambda _: [game("2001_01_A_B", "d", season=2001.5)], "column 'season': 2001.5 cannot be used"),
        (lambda _: [game("2001_01_A_B", "d", week=None)], "column 'week': None cannot be used"),
        (lambda _: [game("2001_01_A_B", "d", game_id=None)], "column 'game_id': None cannot be used"),
        (lambda _: [game("2001_01_A_B", "d", result=math.inf)], "column 'result': inf cannot be used"),
        (lambda _: [game("2001_01_A_B", "d", result=[7])], "column 'result': [7] cannot be used"),
    ],
)
def test_an_answer_that_cannot_be_used_writes_nothing(
    install: Install,
    capsys: pytest.CaptureFixture[str],
    answer: Callable[[list[int]], Sequence[Game]],
    said: str,
) -> None:
    install(answer)
    assert main(["data", "build", "--seasons", "2001-2003"]) == ExitCode.INPUT
    assert said in capsys.readouterr().err
    assert not list(Path().iterdir())


def test_without_the_extra_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(schedules, "LOADER", "cqltui_no_such_module")
    assert main(["data", "build", "--seasons", "2024"]) == ExitCode.INPUT
    assert "is not installed: pip install 'cqltui[nfl]'\n" in capsys.readouterr().err
    # One that is there and cannot be loaded, as by a setting of its own or for lack of a part, is another matter.
    monkeypatch.syspath_prepend(tmp_path)
    for name, line, said in (
        (
            "cqltui_wrong_setting",
            "raise ValueError('timeout: no number')",
            "(timeout: no number): look at the variables",
        ),
        ("cqltui_lacks_a_part", "import cqltui_no_part", "(No module named 'cqltui_no_part')"),
    ):
        Path(f"{name}.py").write_text(line, encoding="utf-8")
        monkeypatch.setattr(schedules, "LOADER", name)
        assert main(["data", "build", "--seasons", "2024"]) == ExitCode.INPUT
        assert said in capsys.readouterr().err
