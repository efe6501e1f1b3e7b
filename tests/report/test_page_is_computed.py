"""Nothing on the page is typed: other losses give other numbers."""

import re
from collections.abc import Iterator

import numpy as np

from cqltui.campaign.model import TaskSpec
from cqltui.report.figures import FIGURES
from cqltui.report.material import Material
from cqltui.report.page.page import render_page
from cqltui.report.tables import TABLES
from tests.report import pages
from tests.report.materials import Values, falling

NUMBER = re.compile(r"\d+\.\d+")


def first(task: TaskSpec) -> Values:
    return {name: 0.98137 * np.asarray(values) for name, values in falling(task).items()}


def other(task: TaskSpec) -> Values:
    """Losses in another order and of other sizes."""
    swapped = {42: 3, 1: 2, 2: 3, 3: 1}
    by = 1.09391 + swapped.get(task.trainer.seed, 0) / 17 - task.trainer.alpha / 3
    return {name: by * np.asarray(values) + 0.0131 for name, values in falling(task).items()}


def said(material: Material) -> str:
    """What the page says, its figures' descriptions and data among it."""
    figures = [make(material) for make in FIGURES]
    root = pages.read(render_page(material, [make(material) for make in TABLES], figures, pages.sketches(figures)))
    return root.all("body")[0].said


def numbers(material: Material) -> Iterator[float]:
    """What a run has measured and what is commonly made of it."""
    for curves in material.curves.values():
        for values in curves.metrics.values():
            known = values[np.isfinite(values)]
            yield from known
            yield known.mean()
    for phase in material.campaign.phases:
        own = [material.curves[record.task.id].metrics for record in material.of_phase(phase)]
        for name in own[0]:
            last = np.array([metrics[name][-1] for metrics in own])
            yield from (last.mean(), last.std(ddof=1), float(np.median(last)), *np.subtract.outer(last, last).flatten())


def written(material: Material) -> set[str]:
    """The numbers with so many digits that none is the same by chance."""
    return {text for value in numbers(material) for text in (f"{abs(value):.4f}", f"{abs(value):.3f}") if value >= 0.01}


def test_other_losses_leave_no_number_of_the_former_on_the_page() -> None:
    before, after = pages.judged(first), pages.judged(other)
    old, new = set(NUMBER.findall(said(before))), set(NUMBER.findall(said(after)))
    dependent = old & written(before)
    assert len(dependent) >= 8
    assert not dependent & new - written(after)
