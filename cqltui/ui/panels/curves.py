"""A task's loss over its epochs."""

from cqltui.state.model import Progress
from cqltui.ui import format as fmt
from cqltui.ui.frame import Frame
from cqltui.ui.line import Line, right, spread
from cqltui.ui.panels.panel import Panel
from cqltui.ui.spark import Plot

AXIS = 8


class CurvesPanel(Panel):
    """The loss curve of the selected task, on a log scale where all losses are positive."""

    def needs(self, frame: Frame) -> tuple[object, ...]:
        """Return the task under the cursor."""
        return (frame.task,)

    def show(self, frame: Frame) -> None:
        """Draw what differs."""
        progress = frame.task.progress if frame.task else None
        lines, log = curve_lines(progress, self.cells, self.size.height)
        self.set_lines(lines)
        self.head("Loss · log scale" if log else "Loss")


def curve_lines(progress: Progress | None, cells: int, rows: int) -> tuple[list[Line], bool]:
    """Return the picture with its axes in `cells` by `rows`, and whether its scale is logarithmic."""
    curve = progress.curve if progress else ()
    if len(curve) < 2:
        few = progress is None or progress.epoch < 2
        text = "The loss curve appears after two epochs." if few else "There are no losses to draw."
        return [((text, "dim"),)], False
    if cells < AXIS + 10 or rows < 3:
        return [(("The loss curve needs more room.", "dim"),)], False
    plot = Plot(cells - AXIS - 1, rows - 1, [curve])
    picture = plot.lines()
    lines: list[Line] = []
    for i, text in enumerate(picture):
        label = fmt.number(plot.y_high) if i == 0 else fmt.number(plot.y_low) if i == len(picture) - 1 else ""
        lines.append(((right(label, AXIS), "dim"), ("│" if not label else "┤", "faint"), (text, "accent")))
    start: Line = ((" " * AXIS, "text"), ("╰", "faint"), (f"{fmt.count(plot.x_low)}", "dim"))
    lines.append(spread(start, ((f"epoch {fmt.count(plot.x_high)}", "dim"),), cells))
    return lines, plot.log
