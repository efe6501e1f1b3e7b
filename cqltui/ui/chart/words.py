"""A chart in words, for a screen that is read out."""

import math

from cqltui.state.curve import Curve
from cqltui.ui import format as fmt
from cqltui.ui.chart.model import Chart


def words(chart: Chart, epoch: float | None) -> list[str]:
    """Return what there is to say of each curve, and of its value where it is read."""
    if chart.whole is None:
        return list(chart.notes) or ["The curve appears after two epochs."]
    if chart.band is not None:
        names = ("first quartile", f"median of {chart.band.members} tasks", "third quartile")
        said = [_line(name, line, epoch) for name, line in zip(names, chart.curves(), strict=True)]
    else:
        numbered = ((f"{each.number}: {each.name}" if each.number else each.name, each.curve) for each in chart.series)
        said = [_line(name, line, epoch) for name, line in numbered]
    if chart.baseline is not None:
        said.append(f"baseline {fmt.number(chart.baseline)}")
    if chart.best is not None:
        said.append(chart.best[2])
    if chart.unknown:
        said.append(f"values that are no numbers: {chart.unknown:,}")
    return [*said, *chart.notes]


def _line(name: str, line: Curve, epoch: float | None) -> str:
    lowest, highest = line.best(), line.best(highest=True)
    if lowest is None or highest is None:
        return f"{name}: no values"
    if epoch is not None:
        found = line.at(epoch)
        if found is None or not math.isfinite(found[1]):
            return f"{name}: no value at epoch {fmt.count(epoch)}"
        return f"{name}: {_at(found)}"
    ends = " to ".join(_at((line.epochs[place], line.values[place])) for place in (0, -1))
    return f"{name}: from {ends}; lowest {_at(lowest)}, highest {_at(highest)}"


def _at(point: tuple[int, float]) -> str:
    epoch, value = point
    return f"{fmt.number(value) if math.isfinite(value) else 'no number'} at epoch {fmt.count(epoch)}"
