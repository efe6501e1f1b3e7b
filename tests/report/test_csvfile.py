"""A table as CSV: every digit, no formula, and something to read where there are no rows."""

import io

import numpy as np
import pytest

from cqltui.report.csvfile import csv_text
from cqltui.report.table import Column, Table, absent

COLUMNS = (
    Column("name", "Name"),
    Column("roi", "ROI", "percent", 1),
    Column("n", "N", "integer"),
    Column("ok", "OK", "flag"),
)


def test_numbers_are_whole_and_text_is_no_formula() -> None:
    import pandas

    rows = (
        ("=cmd()", 0.1 + 0.2, 12_345, True),
        ('a, "b"\nc', np.float64(-0.5), None, False),
        ("", float("nan"), 0, None),
        (None, float("inf"), -1, None),
    )
    text = csv_text(Table("t", "T", "", COLUMNS, rows))
    assert text == (
        'name,roi,n,ok\n\'=cmd(),0.30000000000000004,12345,true\n"a, ""b"" c",-0.5,,false\n,,0,\n,inf,-1,\n'
    )
    read = pandas.read_csv(io.StringIO(text))
    assert read["roi"].tolist()[:2] == [0.1 + 0.2, -0.5]
    assert read["n"].tolist()[2:] == [0, -1]


@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS[:1]])
def test_pandas_reads_a_table_without_rows(columns: tuple[Column, ...]) -> None:
    import pandas

    text = csv_text(absent("t", "T", "", columns, 'Not yet, since "x", y, z, and\nmore, is missing: a, b, c.'))
    assert text.count("\n") == 2
    names = [column.name for column in columns]
    read = pandas.read_csv(io.StringIO(text), comment="#")
    assert (list(read.columns), len(read)) == (names, 0)
    said = pandas.read_csv(io.StringIO(text))
    assert list(said.columns) == names
    assert said["name"].tolist() == ["# Not yet; since 'x'; y; z; and more; is missing: a; b; c."]
