"""Where the figures come from."""

import shlex
from collections.abc import Iterator

from cqltui.algorithms.base import setting_text
from cqltui.judging.evaluated import at, figure_at
from cqltui.report.material import Material
from cqltui.report.table import Column, Table
from cqltui.report.wording import capital, moment
from cqltui.state.plain import plain

NAME, TITLE = "provenance_table", "Provenance"
MOST_SEEDS = 50


def provenance(material: Material) -> Table:
    """Return what one needs to know to make the run again."""
    columns = (Column("what", "What"), Column("value", "Value"))
    caption = "What was run, on which data, by which code and on which machine, as the run directory tells it."
    rows = tuple((label, value or None) for label, value in _lines(material))
    return Table(NAME, TITLE, caption, columns, rows)


def _lines(material: Material) -> Iterator[tuple[str, str]]:
    campaign, its = material.campaign, material.provenance
    yield "Run", its.run
    yield "Campaign", f"{plain(campaign.title)} ({campaign.name})"
    yield "Command", shlex.join(its.command)
    yield "Tasks with a result", f"{material.summary.done:,} of {material.summary.tasks:,}"
    yield "Started (UTC)", moment(its.started_ts)
    yield "Finished (UTC)", moment(its.finished_ts)
    yield "Git commit", its.git_commit
    yield "Files differed from that commit", {True: "yes", False: "no", None: ""}[its.git_dirty]
    for name, version in sorted(its.versions.items()):
        yield f"Version of {name}", version
    yield "Platform", its.platform
    places = at({"placing": its.placing}, "placing").get("places")
    yield "Workers on", ", ".join(plain(str(place), 60) for place in places) if isinstance(places, list) else ""
    yield "Precision", _distinct(setting_text(task.trainer.precision) for task in campaign.tasks)
    yield "Data", " ".join(filter(None, (its.data_source, its.data_path)))
    yield "SHA-256 of training and validation rows", its.data_digest
    for part, count in its.rows.items():
        yield f"{capital(part)} rows", f"{count:,}"
    if its.data_source != "logged":
        yield "Seed of the data", str(campaign.data.seed)
    seeds = sorted({task.trainer.seed for task in campaign.tasks})
    shown = ", ".join(map(str, seeds[:MOST_SEEDS]))
    yield "Seeds of training", shown if len(seeds) <= MOST_SEEDS else f"{shown} and {len(seeds) - MOST_SEEDS:,} more"
    yield from _evaluated(material)


def _evaluated(material: Material) -> Iterator[tuple[str, str]]:
    if material.evaluation is None:
        yield "Evaluation", "none of these results"
        return
    said = at(material.evaluation, "provenance")
    yield "Evaluated rows", material.part
    yield "Evaluated (UTC)", moment(figure_at(said, "ts") or 0.0)
    yield "Git commit of the run that was evaluated", plain(str(said.get("git_commit") or ""), 60)
    seed = figure_at(said, "settings", "seed")
    yield "Seed of the evaluation", "" if seed is None else f"{seed:.0f}"
    resamples = figure_at(said, "settings", "resamples")
    yield "Resamples", "" if resamples is None else f"{resamples:,.0f}"
    yield "Times the test rows were looked at", f"{len(material.opened):,}"


def _distinct(texts: Iterator[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
