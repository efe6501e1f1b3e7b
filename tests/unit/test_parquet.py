"""bets.parquet has the rows of bets.csv, typed; without pyarrow there is none, and no old one."""

import sys
from pathlib import Path

import pyarrow.parquet
import pytest

from cqltui.results.evaluation import BET_COLUMNS
from cqltui.results.parquet import TYPES, write_bets

BETS = f"""{",".join(BET_COLUMNS)}
2023,1,2023_01_A_B,always home,home,0.9090909090909091,1.0,-1.0,,,
2023,2,,"CQL ensemble, confident",away,1.05,0.2,0.21000000000000002,0.125,0.03,1
2023,2,'=x,CQL ensemble,away,1.05,0.2,0.0,0.125,0.03,0
"""


def test_the_rows_are_those_of_the_table_typed(tmp_path: Path) -> None:
    assert tuple(TYPES) == BET_COLUMNS
    assert write_bets(tmp_path / "bets.parquet", BETS)
    table = pyarrow.parquet.read_table(tmp_path / "bets.parquet")
    assert table.column_names == list(BET_COLUMNS)
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (2023, 1, "2023_01_A_B", "always home", "home", 0.9090909090909091, 1.0, -1.0, None, None, None),
        (2023, 2, "", "CQL ensemble, confident", "away", 1.05, 0.2, 0.21000000000000002, 0.125, 0.03, True),
        (2023, 2, "'=x", "CQL ensemble", "away", 1.05, 0.2, 0.0, 0.125, 0.03, False),
    ]
    assert write_bets(tmp_path / "none.parquet", BETS.splitlines()[0] + "\n")
    assert pyarrow.parquet.read_table(tmp_path / "none.parquet").num_rows == 0


def test_without_pyarrow_no_table_of_other_bets_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bets.parquet"
    path.write_bytes(b"of before")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert not write_bets(path, BETS)
    assert not write_bets(path, BETS)
    assert not path.exists()
