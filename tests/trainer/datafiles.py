"""Small files of games and of logged bets, to be changed and read."""

import csv
from pathlib import Path

from trainer.config import STATE_COLUMNS, DataConfig, Split
from trainer.data import Dataset, load

Row = dict[str, str]
TEAMS = ("A", "B", "C", "D")


def games() -> list[Row]:
    """Four seasons of twelve games; the home team is favoured by 3, and wins by 7 or loses by 1."""
    return [
        {
            "game_id": f"{season}_{week:02d}_{home}",
            "season": str(season),
            "week": str(week),
            "gameday": f"{season}-09-{7 * week % 28 + 1:02d}",
            "gametime": "13:00",
            "away_team": away,
            "home_team": home,
            "location": "Home",
            "result": "7" if (week + season) % 2 else "-1",
            "spread_line": "3",
            "total_line": "44.5",
            "home_moneyline": "-150",
            "away_moneyline": "130",
            "home_spread_odds": "-110",
            "away_spread_odds": "-105",
        }
        for season in (2001, 2002, 2003, 2004)
        for week in range(6)
        for home, away in ((TEAMS[week % 4], TEAMS[(week + 1) % 4]), (TEAMS[(week + 2) % 4], TEAMS[(week + 3) % 4]))
    ]


def bets() -> list[Row]:
    """A log of 40 decisions in four seasons, with scores; every second bet wins."""
    rows = []
    for number in range(40):
        won = number % 2 == 0
        rows.append(
            {
                "game_id": f"{2001 + number // 10}_{number % 10 + 1:02d}_A",
                "season": str(2001 + number // 10),
                "week": str(number % 10 + 1),
                **{name: str(0.5 + 0.01 * (number % 7)) for name in STATE_COLUMNS},
                "spread_close": "3",
                "action": str(number % 4),
                "r": str((0.0, 0.2, 0.6, 1.0)[number % 4] * (10 / 11 if won else -1)),
                "home_score": "30" if won else "20",
                "away_score": "20",
            }
        )
    return rows


def read(path: Path, rows: list[Row], source: str = "games", split: Split | None = None) -> Dataset:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return load(DataConfig(source=source, path=path, split=split))  # type: ignore[arg-type]


def change(rows: list[Row], **cells: str) -> list[Row]:
    return [{**row, **cells} for row in rows]
