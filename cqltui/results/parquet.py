"""bets.csv as Parquet, typed, for pandas, Polars or DuckDB. Written where pyarrow is installed."""

import importlib
import io
from pathlib import Path

from trainer.files import write_bytes

TYPES = {
    "season": "int64",
    "week": "int64",
    "game": "string",
    "policy": "string",
    "side": "string",
    "net_odds": "float64",
    "stake": "float64",
    "profit": "float64",
    "q_mean": "float64",
    "q_std": "float64",
    "confident": "bool_",
}
"""pyarrow's type of each column; an empty cell of a number or of "confident" is null."""


def write_bets(path: Path, table: str) -> bool:
    """Write the rows of a bets.csv; without pyarrow remove what an earlier one has left, which is of other bets.

    Returns whether it was written. Raises OSError.
    """
    try:
        arrow, csv, parquet = map(importlib.import_module, ("pyarrow", "pyarrow.csv", "pyarrow.parquet"))
    except ImportError:
        path.unlink(missing_ok=True)
        return False
    types = {name: getattr(arrow, kind)() for name, kind in TYPES.items()}
    rows = csv.read_csv(
        io.BytesIO(table.encode()),
        convert_options=csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=False, true_values=["1"], false_values=["0"]
        ),
    )
    out = io.BytesIO()
    parquet.write_table(rows, out)
    write_bytes(path, out.getvalue())
    return True
