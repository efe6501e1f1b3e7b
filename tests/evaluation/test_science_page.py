"""The page that `make science` writes: what was printed, the command, and nothing that another run would change."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import cqltui
from tests.science import run


def rows(replications: int, seed: int) -> Iterator[tuple[str, float, float, float]]:
    yield "size | of 49", 0.03125, 0.0, 0.04
    yield "coverage", 0.935 - 1e-6, 0.935, 0.965
    yield "power", float("nan"), 0.75, 1.0
    yield "to compare with", 0.5, 0.0, 1.0


def test_each_figure_is_beside_its_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "science.md"
    words = ["--seed", "3", "--share", "0.5", "--page", str(path)]
    monkeypatch.setattr(run, "TOPICS", {"alarm": (rows, 2000)})
    monkeypatch.setattr(sys, "argv", ["science", *words])
    assert run.main() == 1
    assert path.read_text(encoding="utf-8") == (
        "# What the evaluation's statistics do\n"
        "Ranges were fixed before the first run and are not tuned: a figure outside is a result. Made by:\n"
        "\n"
        f'```sh\nmake science ARGS="{" ".join(words)}"\n```\n'
        f"cqltui {cqltui.__version__}, NumPy {np.__version__}: 2 of 3 outside of their range.\n"
        "\n"
        "## Alarm\n"
        "1,000 replications, seed 3.\n"
        "\n"
        "| figure | measured | accepted | |\n"
        "| --- | ---: | --- | --- |\n"
        "| size \\| of 49 | 0.0312 | 0 to 0.04 | within |\n"
        "| coverage | 0.9350 | 0.935 to 0.965 | OUTSIDE |\n"
        "| power | nan | 0.75 to 1 | OUTSIDE |\n"
        "| to compare with | 0.5000 |  |  |\n"
    )


def test_all_within_is_said_and_is_exit_code_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "TOPICS", {"sizes": (lambda *_: list(rows(1, 1))[:1], 10)})
    monkeypatch.setattr(sys, "argv", ["science"])
    assert run.main() == 0
    assert capsys.readouterr().out == (
        "sizes: 10 replications, seed 1\n  within      0.0312       0 to 0.04  size | of 49\nall within\n"
    )
