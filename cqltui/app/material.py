"""What a report is made of, read from a run directory (`cqltui.report.material`)."""

import csv
import io
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cqltui.app.ledger import entries
from cqltui.app.started import data_config, recorded_campaign
from cqltui.campaign.model import Campaign
from cqltui.judging.evaluated import at
from cqltui.ledger.export import told
from cqltui.ledger.standing import standing
from cqltui.report.material import Curves, Material, Provenance
from cqltui.reporters.steps import Step, silent
from cqltui.results.evaluated import evaluation_of, read_evaluation, results_digest
from cqltui.results.known import newest_saved
from cqltui.results.left import from_disk
from cqltui.results.record import TaskRecord, TaskStanding, read_records
from cqltui.results.rundir import AUDIT_FORMAT, RunDir, read_json, read_metrics
from cqltui.results.standings import standings
from cqltui.results.study import Study
from cqltui.results.summary import summarize
from cqltui.state import decode
from cqltui.state.model import Status
from cqltui.state.plain import plain
from trainer.files import read_regular
from trainer.progress import METRIC_COLUMNS

LINES_BYTES = 1 << 28
"""Of a file of lines."""
LONGEST_TEXT = 1_000
MOST_NAMED = 5
"""Tasks that a note names."""


def read_material(run_dir: RunDir, step: Step = silent, ledger: Path | None = None) -> Material:
    """Read what a report tells of; `step` is told what is read. Raises InputError where there is no run, or its
    documents cannot be read.

    Args:
        run_dir: of the run.
        step: is told what is read.
        ledger: of the bets that were really taken, if any are to be told of.
    """
    campaign = recorded_campaign(run_dir)
    state = from_disk(run_dir)
    known = standings(state)
    said = read_json(run_dir.campaign_json) or {}
    records = read_records(run_dir, campaign, known)
    evaluation = evaluation_of(run_dir, known) or _validation(run_dir, known)
    step("judging the criteria")
    study = Study(run_dir, campaign, decode.whole(said.get("data"), "validation_rows"))
    summary = summarize(run_dir, campaign, records, study.verdicts(known), study.answers(known, evaluation))
    curves: dict[str, Curves] = {}
    for number, record in enumerate(records):
        step("reading the curves", number, len(records))
        if (found := _curves(run_dir, record)) is not None:
            curves[record.task.id] = found
    test = evaluation is not None and evaluation.get("part") == "test"
    bets = run_dir.bets_csv if test else run_dir.validation_bets_csv
    return Material(
        campaign=campaign,
        records=tuple(records),
        summary=summary,
        provenance=_provenance(run_dir, said, campaign),
        curves=curves,
        evaluation=evaluation,
        bets=_table(bets) if evaluation is not None else (),
        audit=_audit(run_dir, evaluation),
        opened=_lines(run_dir.test_opened),
        history=_lines(run_dir.history),
        price_per_hour=campaign.evaluate.price_per_hour,
        events=tuple(event for event in _lines(run_dir.journal) if event.get("kind") != "progress"),
        notes=tuple(_unread(run_dir, records, curves)),
        ledger=None if ledger is None else told(plain(ledger.name, LONGEST_TEXT), standing(entries(ledger), None)),
    )


def _unread(run_dir: RunDir, records: Iterable[TaskRecord], curves: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each thing that is there, or has to be, and cannot be read."""
    if os.path.lexists(run_dir.evaluation_json) and read_json(run_dir.evaluation_json) is None:
        yield f"{run_dir.evaluation_json.name} is damaged, and what it held is missing: run `cqltui evaluate` again."
    lost = [it.task.id for it in records if it.standing.status is Status.DONE and it.task.id not in curves]
    if lost:
        named = ", ".join(lost[:MOST_NAMED]) + (f" and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else "")
        yield f"metrics.csv of tasks that are done is missing or damaged, and their curves are left out: {named}."


def _validation(run_dir: RunDir, known: Mapping[str, TaskStanding]) -> dict[str, Any] | None:
    """Return validation.json, if it is of exactly these results."""
    found = read_evaluation(run_dir.validation_json, "validation")
    same = found is not None and at(found, "provenance").get("results") == results_digest(known)
    return found if same else None


def _audit(run_dir: RunDir, evaluation: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if evaluation is not None and (found := at(evaluation, "leak_audit")):
        return found
    before = read_json(run_dir.audit_json) or {}
    return at(before, "leak_audit") or None if before.get("format") == AUDIT_FORMAT else None


def _curves(run_dir: RunDir, record: TaskRecord) -> Curves | None:
    """Return the accepted result's metrics, else those up to the newest checkpoint of the latest run."""
    task_id = record.task.id
    if record.standing.status is Status.DONE:
        rows = read_metrics(run_dir.metrics_csv(task_id))
    else:
        life = at(read_json(run_dir.task_json(task_id)), "life")
        saved = newest_saved(run_dir, task_id, decode.whole(life, "run") or 1)
        rows = saved.rows if saved is not None else ()
    if not rows:
        return None
    columns = {
        name: np.array([np.nan if (value := getattr(row, name)) is None else value for row in rows])
        for name in METRIC_COLUMNS
    }
    return Curves(columns.pop("epoch").astype(np.float64), columns)


def _provenance(run_dir: RunDir, said: Mapping[str, Any], campaign: Campaign) -> Provenance:
    command = said.get("command")
    data = at(said, "data")
    config, digest = data_config(run_dir)
    rows = {"train": "rows", "validation": "validation_rows", "test": "test_rows"}
    return Provenance(
        run=plain(run_dir.path.resolve().name, LONGEST_TEXT),
        command=tuple(plain(str(part), LONGEST_TEXT) for part in command) if isinstance(command, list) else (),
        git_commit=plain(decode.text(said, "git_commit"), 60),
        git_dirty=found if isinstance(found := said.get("git_dirty"), bool) else None,
        versions={plain(str(k), 60): plain(str(v), 60) for k, v in at(said, "versions").items()},
        platform=plain(decode.text(said, "platform"), LONGEST_TEXT),
        data_source=config.source,
        data_path="" if config.path is None else plain(config.path.name, LONGEST_TEXT),
        data_digest=digest,
        rows={name: decode.whole(data, key) for name, key in rows.items()},
        started_ts=decode.stamp(said, "created_ts"),
        finished_ts=decode.stamp(said, "finished_ts"),
        placing=at(said, "placing"),
        data_notes=tuple(plain(note, LONGEST_TEXT) for note in decode.strings(data.get("notes"))),
    )


def _table(path: Path) -> tuple[Mapping[str, str], ...]:
    try:
        text = read_regular(path, LINES_BYTES).decode("utf-8", "replace")
        return tuple(csv.DictReader(io.StringIO(text), restval=""))
    except (OSError, csv.Error):
        return ()


def _lines(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Return the objects of a file of JSON lines; damaged lines are passed over."""
    try:
        content = read_regular(path, LINES_BYTES)
    except OSError:
        return ()
    found = []
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            found.append(value)
    return tuple(found)
