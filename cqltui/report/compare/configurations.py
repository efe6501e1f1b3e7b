"""What runs are, and in what they differ: data, split, versions, settings. Pure."""

from collections.abc import Iterator, Sequence

from cqltui.algorithms.base import setting_text, told
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.state.model import Status
from cqltui.state.plain import plain

DIGITS = 12
"""Of a digest or a commit that are shown."""
MOST_VALUES = 8
"""Of a setting over a phase that are named."""
LONGEST = 300


def labels_of(materials: Sequence[Material]) -> list[str]:
    """Return a name for each run, numbered where several directories have the same one."""
    names = [material.provenance.run for material in materials]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})"
        for place, name in enumerate(names)
    ]


def about_table(materials: Sequence[Material]) -> Table:
    """Return a row a run: how far it is, on what data, by which code."""
    columns = (
        Column("run", "Run"),
        Column("campaign", "Campaign"),
        Column("done", "Done", "integer"),
        Column("tasks", "Tasks", "integer"),
        Column("data", "Data"),
        Column("data_digest", "Digest"),
        *(Column(f"{part}_rows", f"{part.capitalize()} rows", "integer") for part in ("train", "validation", "test")),
        Column("git_commit", "Commit"),
        Column("evaluated", "Evaluated on"),
    )
    rows: list[tuple[Cell, ...]] = []
    for label, material in zip(labels_of(materials), materials, strict=True):
        its = material.provenance
        done = sum(record.standing.status is Status.DONE for record in material.records)
        data = f"{its.data_source} {its.data_path}".strip()
        counts = [its.rows.get(part, 0) for part in ("train", "validation", "test")]
        commit = plain(its.git_commit, DIGITS).rstrip("…") or None
        about = (label, material.campaign.name, done, len(material.records), data, its.data_digest[:DIGITS])
        rows.append((*about, *counts, commit, material.part or None))
    caption = "The runs as they stand: tasks, decisions by part of the data, and the code that started them."
    return Table("compare_runs", "Runs", caption, columns, tuple(rows))


def differing_table(materials: Sequence[Material]) -> Table:
    """Return a row for each property in which the runs differ, with the value of each run."""
    name, title = "compare_configuration", "What differs"
    caption = (
        "Data, split, versions and settings that are not the same in all runs; of a phase the values of a setting."
    )
    labels = labels_of(materials)
    columns = (Column("what", "What"), *(Column(f"run_{n}", label) for n, label in enumerate(labels, start=1)))
    known = [dict(_properties(material)) for material in materials]
    names = dict.fromkeys(name for its in known for name in its)
    rows: list[tuple[Cell, ...]] = [
        (what, *(its.get(what) for its in known)) for what in names if len({its.get(what) for its in known}) > 1
    ]
    if not rows:
        return absent(name, title, caption, columns, "The runs have the same data, versions and settings.")
    return Table(name, title, caption, columns, tuple(rows))


def _described(value: object) -> str:
    """Return a value of the configuration, without what is not set of it."""
    parts = told(value)
    return setting_text({k: v for k, v in parts.items() if v is not None} if isinstance(parts, dict) else parts)


def _properties(material: Material) -> Iterator[tuple[str, str]]:
    its, campaign = material.provenance, material.campaign
    yield "campaign", campaign.name
    yield "data digest", its.data_digest[:DIGITS]
    yield "data file", its.data_path
    for name in campaign.data.__struct_fields__:
        if name != "path":
            yield f"data.{name}", plain(_described(getattr(campaign.data, name)), LONGEST)
    for part, count in its.rows.items():
        yield f"{part} rows", f"{count:,}"
    yield "git commit", plain(its.git_commit, DIGITS).rstrip("…")
    for name, version in its.versions.items():
        yield f"{name} version", version
    yield "platform", its.platform
    for name in campaign.evaluate.__struct_fields__:
        yield f"evaluate.{name}", setting_text(getattr(campaign.evaluate, name))
    for phase in campaign.phases:
        yield f"{phase.name}: tasks", str(len(phase.tasks))
        values: dict[str, dict[str, None]] = {}
        for task in phase.tasks:
            for setting in task.algorithm.settings:
                text = setting_text(getattr(task.trainer, setting.name))
                values.setdefault(setting.name, {})[text] = None
        for name, found in values.items():
            more = f" and {len(found) - MOST_VALUES} more" if len(found) > MOST_VALUES else ""
            yield f"{phase.name}: {name}", ", ".join(list(found)[:MOST_VALUES]) + more
