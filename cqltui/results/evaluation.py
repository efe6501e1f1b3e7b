"""What an evaluation leaves in the run directory: evaluation.json, the bets, and when the test seasons were opened."""

import csv
import io
import json
import math
from collections.abc import Mapping
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from cqltui.results.digest import FORMAT
from cqltui.results.parquet import write_bets
from cqltui.results.rundir import RunDir, write_json
from cqltui.results.tables import cell
from trainer.data.decisions import Decisions
from trainer.evaluation.ensemble import Opinions, distribution
from trainer.evaluation.estimates import Estimates
from trainer.evaluation.evaluation import CONFIDENT, ENSEMBLE, Evaluation
from trainer.evaluation.payoffs import Bets, profits
from trainer.files import make_folder, plain_file, read_regular, write_bytes

OPENED_BYTES = 16 << 20
BET_COLUMNS = (
    "season",
    "week",
    "game",
    "policy",
    "side",
    "net_odds",
    "stake",
    "profit",
    "q_mean",
    "q_std",
    "confident",
)


def write(run_dir: RunDir, evaluation: Evaluation, figures: Mapping[str, Any]) -> None:
    """Write the bets, and beside them the figures, as of `document`. What is of validation rows replaces nothing that
    is of test rows. Raises OSError."""
    make_folder(run_dir.evaluation)
    is_test = evaluation.part == "test"
    bets = bets_csv(evaluation)
    write_bytes(run_dir.bets_csv if is_test else run_dir.validation_bets_csv, bets.encode())
    write_bets(run_dir.bets_parquet if is_test else run_dir.validation_bets_parquet, bets)
    write_json(figures_json(run_dir, evaluation.part), figures)


def figures_json(run_dir: RunDir, part: str) -> Path:
    """Return where the figures of that part are."""
    return run_dir.evaluation_json if part == "test" else run_dir.validation_json


def note_opening(run_dir: RunDir, entry: Mapping[str, Any]) -> None:
    """Write down that the test rows are about to be looked at. Raises OSError."""
    make_folder(run_dir.evaluation)
    with open(run_dir.test_opened, "a", encoding="utf-8", opener=plain_file) as file:
        file.write(json.dumps(entry) + "\n")


def times_opened(run_dir: RunDir) -> int:
    """Return how often the test rows were looked at."""
    try:
        return read_regular(run_dir.test_opened, OPENED_BYTES).count(b"\n")
    except OSError:
        return 0


def document(evaluation: Evaluation, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return evaluation.json: the audit first, then what validation chose, then the figures of every policy."""
    named = zip(evaluation.policies, evaluation.judgements, evaluation.compared, strict=True)
    paths = evaluation.trajectories
    return {
        "format": FORMAT,
        "part": evaluation.part,
        "leak_audit": evaluation.audit.to_document(),
        "provenance": dict(provenance),
        "choices": as_json(evaluation.choices),
        "policies": [
            {
                "name": its.name,
                "verdict": as_json(judgement),
                "compared": as_json(compared),
                "whole": as_json(its.whole),
                "seasons": as_json(its.seasons),
                "trajectory": None if paths is None else as_json(paths.of[its.name]),
                "activity": as_json(evaluation.activity[its.name]),
            }
            for its, judgement, compared in named
        ],
        "tasks": [{"chosen": as_json(chosen), "compared": as_json(compared)} for chosen, compared in evaluation.tasks],
        "weeks": None if paths is None else {"seasons": list(paths.seasons), "weeks": list(paths.weeks)},
        "ensemble": _ensemble(evaluation),
        "log_match": as_json(evaluation.matches),
        "cover": as_json(evaluation.cover),
        "off_policy": _off_policy(evaluation.estimates, evaluation.decisions is None),
    }


def _ensemble(evaluation: Evaluation) -> dict[str, Any] | None:
    view = evaluation.ensemble
    if view is None:
        return None
    bets = view.bets
    return {
        "members": len(evaluation.choices.ensemble),
        "coverage": evaluation.coverage,
        "agreement": float(view.agreement.mean()),
        "bet_agreement": float(view.bet_agreement.mean()),
        "bets": int(bets.sum()),
        "q_std": float(view.std.mean()),
        "uncertainty": as_json(evaluation.uncertainty),
        "confident_effect": as_json(evaluation.effect),
        "distribution": distribution(view).to_document(),
    }


def _off_policy(told: Estimates | None, is_answer: bool) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "is_answer": is_answer,
        "rows": told.rows,
        "unrewarded": told.unrewarded,
        "scaled": told.scaled,
        "policies": [
            {
                "name": its.name,
                "verdict": its.verdict,
                "sentence": its.sentence,
                "value": its.value,
                "roi": as_json(its.roi),
                **its.found.to_document(),
            }
            for its in told.policies
        ],
    }


def as_json(value: Any) -> Any:
    """Return what JSON has for a value: structs by their fields, enumerations by value or name, None for NaN."""
    if isinstance(value, Struct):
        return {name: as_json(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def bets_csv(evaluation: Evaluation) -> str:
    """Return a row for each bet of each policy; Q mean and standard deviation where the ensemble bets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(BET_COLUMNS)
    if (decisions := evaluation.decisions) is not None:
        for name, bets in evaluation.bets.items():
            view = evaluation.ensemble if name in (ENSEMBLE, CONFIDENT) else None
            writer.writerows(_rows(name, bets, decisions, view, evaluation))
    return out.getvalue()


def _rows(
    name: str, bets: Bets, decisions: Decisions, view: Opinions | None, evaluation: Evaluation
) -> list[list[object]]:
    profit = profits(bets, decisions)
    cut = evaluation.choices.cut
    confident = None if view is None or cut is None else cut.confident(view.uncertainty)
    found: list[list[object]] = []
    for row in np.flatnonzero(bets.placed).tolist():
        side = int(bets.side[row])
        home = bool(decisions.home[row]) == (side == 0)
        action = 0 if view is None else int(view.actions[row])
        found.append(
            [
                int(decisions.seasons[row]),
                int(decisions.weeks[row]),
                cell(decisions.game_ids[row]),
                name,
                "home" if home else "away",
                float(decisions.net_odds[row, side]),
                float(bets.stake[row]),
                float(profit[row]),
                "" if view is None else float(view.mean[row, action]),
                "" if view is None else float(view.std[row, action]),
                "" if confident is None else int(confident[row]),
            ]
        )
    return found
