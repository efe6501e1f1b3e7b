"""What trained on what, how fast, and what it would have cost."""

from collections.abc import Iterable, Sequence

from cqltui.judging.evaluated import at, figure_at
from cqltui.report.material import Material
from cqltui.report.table import Cell, Column, Table, absent
from cqltui.results.record import TaskRecord, TaskResult
from cqltui.state.plain import plain

HOUR = 3600.0
MIB = float(1 << 20)


def hardware(material: Material) -> Table:
    """Return what each worker has trained, how fast, and how much memory it took."""
    name, title = "hardware_throughput_table", "Hardware and throughput"
    columns = (
        Column("worker", "Worker"),
        Column("device", "Device"),
        Column("tasks", "Tasks", "integer"),
        Column("epochs", "Epochs", "integer", help="Of all its tasks."),
        Column("seconds", "Training, s", "number", 1, help="In which at least one of its tasks was in training."),
        Column("samples_per_s", "Samples/s", "integer", help="Transitions of all its tasks, by that time."),
        Column("peak_memory_mib", "Peak memory, MiB", "integer", help="Largest of what the run's history has noted."),
    )
    caption = (
        "Results by the worker that ended them: tasks, their epochs, the time in which at least one of them was in "
        "training, transitions trained on in that time by all of them together, and the largest memory that was noted. "
        "A task that went from one worker to another counts whole at the one that ended it, with the time of its last "
        "attempt."
    )
    groups: dict[tuple[str, str], list[TaskRecord]] = {}
    for record in material.records:
        if (result := record.result) is not None:
            groups.setdefault((plain(result.worker, 60), plain(result.device, 60)), []).append(record)
    if not groups:
        return absent(name, title, caption, columns, "No task is done yet: the first result brings this table.")
    peaks = _peaks(material)
    rows = [(*who, len(its), *_throughput(material, its), peaks.get(who[0])) for who, its in sorted(groups.items())]
    notes = () if peaks else ("The run has no history, which notes memory every few seconds.",)
    return Table(name, title, caption, columns, tuple(rows), notes)


def cost(material: Material) -> Table:
    """Return the time of training by phase, and what it costs at the price that is given."""
    name, title = "cost_table", "Cost"
    columns = (
        Column("phase", "Phase"),
        Column("tasks", "Tasks", "integer"),
        Column("hours", "Training, h", "number", 3, help="In which at least one task was in training."),
        Column("cost", "Cost", "number", 3, help="Hours x price of an hour."),
    )
    caption = (
        "Hours in which at least one task with a result was in training (its last attempt), by machine, times the "
        "price of an hour. Phases that train at once share time, so that they may add up to more than the whole."
    )
    price = material.price_per_hour
    if price is None:
        reason = "No price is given: `cqltui report --price-per-hour PRICE` gives that of a machine's hour."
        return absent(name, title, caption, columns, reason)
    groups = [(phase.name, material.of_phase(phase)) for phase in material.campaign.phases]
    rows = []
    for label, records in (*groups, ("all", material.records)):
        done = [it.result for it in records if it.result is not None]
        hours = _hours(material, done)
        rows.append((label, len(done), hours, hours * price))
    if not any(it.result for it in material.records):
        return absent(name, title, caption, columns, "No task is done yet: the first result brings this table.")
    caption += f" An hour costs {price:g}."
    return Table(name, title, caption, columns, tuple(rows), ("What failed or was trained again is not counted.",))


def busy_seconds(results: Iterable[TaskResult]) -> float:
    """Return for how long at least one of the training runs went on, each from its start to its end."""
    total, until = 0.0, float("-inf")
    for start, end in sorted((it.started_ts, it.finished_ts) for it in results):
        total += max(end - max(start, until), 0.0)
        until = max(until, end)
    return total


def _hours(material: Material, results: Sequence[TaskResult]) -> float:
    """Return the hours of every machine together."""
    machines = _machines(material)
    groups: dict[str, list[TaskResult]] = {}
    for result in results:
        groups.setdefault(machines.get(result.worker, ""), []).append(result)
    return sum(map(busy_seconds, groups.values())) / HOUR


def _machines(material: Material) -> dict[str, str]:
    """Return the machine of each worker, as far as the journal tells it."""
    started = (event for event in material.events if event.get("kind") == "worker.started")
    return {str(it.get("worker")): str(at(it, "data", "process").get("machine")) for it in started}


def _throughput(material: Material, records: Sequence[TaskRecord]) -> tuple[Cell, Cell, Cell]:
    """Return epochs, seconds and samples a second."""
    rows = material.provenance.rows.get("train", 0)
    epochs, samples, results = 0, 0, []
    for record in records:
        if record.result is not None:
            epochs += record.result.epochs
            steps = material.campaign.quantity(record.task, rows).epoch_steps
            samples += record.result.epochs * steps * record.task.trainer.batch_size
            results.append(record.result)
    seconds = busy_seconds(results)
    return epochs, seconds, round(samples / seconds) if seconds > 0 and samples else None


def _peaks(material: Material) -> dict[str, int]:
    """Return the largest memory of each worker, in MiB."""
    found: dict[str, int] = {}
    for line in material.history:
        workers = at(line, "workers")
        for worker in workers:
            value = figure_at(workers, worker)
            if value is not None and value > 0:
                name = plain(str(worker), 60)
                found[name] = max(found.get(name, 0), round(value / MIB))
    return found
