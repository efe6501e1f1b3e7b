"""The results on disk: one CSV a phase, and the summary. The same run gives the same bytes."""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from cqltui.algorithms.base import Algorithm, setting_cell
from cqltui.campaign.model import Campaign
from cqltui.errors import InputError
from cqltui.results.answers import FORMAT, answers_json
from cqltui.results.earlier import keep_earlier
from cqltui.results.evaluated import evaluation_lines, evaluation_of
from cqltui.results.record import TaskRecord, TaskStanding, read_records
from cqltui.results.rundir import RunDir, write_json
from cqltui.results.study import Study
from cqltui.results.summary import Summary, render, summarize
from cqltui.state.decode import TEXT_LIMIT
from cqltui.state.plain import plain
from trainer.files import open_regular, write_bytes

BEFORE_SETTINGS = ("task_id", "description")
RUN_COLUMNS = ("ended_epoch", "stopped_early", "seconds", "samples_per_s", "worker", "device", "attempts", "status")
"""What the end of each row tells, whatever the algorithm."""


def result_columns(algorithm: Algorithm) -> list[str]:
    """Return the columns of a phase's table: the task, its settings, its metrics of the last epoch, and how it ran."""
    return [
        *BEFORE_SETTINGS,
        *(setting.name for setting in algorithm.settings),
        "params",
        *_final_metrics(algorithm),
        f"best_{algorithm.validation}",
        "best_val_epoch",
        "baseline_loss",
        "improvement",
        *RUN_COLUMNS,
    ]


def _final_metrics(algorithm: Algorithm) -> list[str]:
    return [metric.name for metric in algorithm.metrics if metric.kind != "speed"]


def write_results(
    run_dir: RunDir, campaign: Campaign, standings: Mapping[str, TaskStanding], study: Study | None = None
) -> Summary:
    """Write results/phase<n>_<name>_results.csv, summary.json, summary.txt and, where figures answer questions,
    answers.json; return the summary.

    Tables of phases that the campaign does not have (any more) move to results/earlier/.

    `standings` maps the ids of the campaign's tasks to how they stand; the figures are read from the tasks' folders,
    but for what `study` knows of them.
    """
    records = read_records(run_dir, campaign, standings)
    tables = [run_dir.phase_csv(number, phase.name) for number, phase in enumerate(campaign.phases, start=1)]
    study = study or Study(run_dir, campaign)
    evaluation = evaluation_of(run_dir, standings)
    answers = study.answers(standings, evaluation)
    answered = [run_dir.answers_json] if answers else []
    keep_earlier(run_dir, but=[*tables, run_dir.summary_json, run_dir.summary_txt, *answered])
    for path, phase in zip(tables, campaign.phases, strict=True):
        own = [record for record in records if record.task.phase == phase.name]
        write_bytes(path, phase_table(campaign, own).encode())
    summary = summarize(run_dir, campaign, records, study.verdicts(standings), answers)
    write_json(run_dir.summary_json, summary.to_json())
    for path in answered:
        write_json(path, {"format": FORMAT, "campaign": campaign.name, "answers": answers_json(answers)})
    lines = evaluation_lines(evaluation) if evaluation is not None else ()
    write_bytes(run_dir.summary_txt, render(summary, lines).encode())
    return summary


def phase_table(campaign: Campaign, records: Sequence[TaskRecord]) -> str:
    """Return the CSV of a phase: a row for every task, done or not. Numbers in full precision, empty where there is
    none.

    Text that a spreadsheet would take for a formula has an apostrophe before it (see `cell`)."""
    out = io.StringIO()
    columns = dict.fromkeys(name for record in records for name in result_columns(record.task.algorithm))
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(result_row(campaign, record) for record in records)
    return out.getvalue()


FORMULA = frozenset("=+-@")
"""With these, and with what is another form of them, a spreadsheet takes text for something to compute, or to run."""
CONTROLS = ("\t", "\r", "\n")
"""With these too, as some spreadsheets have it."""
SEPARATORS = frozenset(";|")
"""Where a spreadsheet of another country begins a new cell, quotes or not. A comma is within quotes everywhere."""


def cell(text: str) -> str:
    """Foreign text for a cell: one plain line, an apostrophe before what a spreadsheet would take for a formula (see
    https://owasp.org/www-community/attacks/CSV_Injection)."""
    shown = plain(text, TEXT_LIMIT)
    cells = [f"'{part}" if _is_formula(part) else part for part in re.split(f"(?<=[{''.join(SEPARATORS)}])", shown)]
    safe = "".join(cells)
    return f"'{safe}" if text.startswith(CONTROLS) and not safe.startswith("'") else safe


def _is_formula(part: str) -> bool:
    """Return whether it begins so, after blanks and quotes, which some spreadsheets pass over."""
    first = next((char for char in part if not char.isspace() and char not in "\"'"), "")
    return unicodedata.normalize("NFKC", first) in FORMULA


def expect_target(path: Path, header: str, what: str) -> None:
    """Check that a table can be written to where the user wants it. `header`: the table's first line, by which an
    earlier one is known; `what` it holds.

    Raises InputError for a link, for a file that holds something else, and where there is no folder: its name is rather
    mistyped.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}: make it, or choose another")
    if path.is_symlink():
        raise InputError(f"{path}: is a link: name the file that it leads to")
    try:
        with open_regular(path) as file:
            first = file.readline(2 * len(header)).decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: choose another file") from error
    if first != header:
        raise InputError(f"{path}: is there already and holds no {what}: choose another file, or remove it")


def improvement(loss: float, baseline: float | None) -> float | None:
    """By what share of the baseline the loss is lower: 0.25 is a quarter lower; negative if it is higher."""
    return (baseline - loss) / baseline if baseline else None


def result_row(campaign: Campaign, record: TaskRecord) -> dict[str, object]:
    """Return a task's row, of `result_columns`: lists of numbers as 256-128-64; `improvement` as above; `seconds` of
    training over all attempts, which a pack's members spend together."""
    task, final, result = record.task, record.final, record.result
    algorithm = task.algorithm
    row: dict[str, object] = {
        "task_id": task.id,
        "description": cell(task.description or task.title),
        **{name: setting_cell(value) for name, value in algorithm.values(task.trainer).items()},
        "params": campaign.quantity(task, 0).params,
        "baseline_loss": task.baseline_loss,
        "attempts": record.standing.attempts or (result.attempts if result else 0),
        "status": record.standing.status,
    }
    if final is not None and result is not None:
        row |= {name: getattr(final, name) for name in _final_metrics(algorithm)}
        row |= {f"best_{algorithm.validation}": result.best_val_loss, "best_val_epoch": result.best_val_epoch}
        row |= {"improvement": improvement(getattr(final, algorithm.headline), task.baseline_loss)}
        row |= {name: getattr(result, name) for name in ("seconds", "samples_per_s")}
        row |= {"ended_epoch": result.epochs, "stopped_early": cell(result.stopped_early)}
        row |= {"worker": cell(result.worker), "device": cell(result.device)}
    return row
