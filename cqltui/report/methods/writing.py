"""METHODS.md and methods.tex."""

from cqltui.report.material import Material
from cqltui.report.methods.data import data_section
from cqltui.report.methods.evaluating import evaluation_sections
from cqltui.report.methods.markup import Section, latex, markdown, quoted
from cqltui.report.methods.training import training_sections


def methods_md(material: Material) -> str:
    """Return the methods as Markdown, formulas in `$`, with a list of references."""
    return markdown("Methods", _sections(material))


def methods_tex(material: Material) -> str:
    r"""Return the methods as LaTeX for \input; it cites references.bib by \cite and needs no package but amsmath."""
    return latex(_sections(material))


def _sections(material: Material) -> tuple[Section, ...]:
    campaign = material.campaign
    done, tasks = material.summary.done, material.summary.tasks
    said = f"Campaign {quoted(campaign.title)}: {done:,} of {tasks:,} tasks have a result"
    still = "; others are still to come, so that what follows may change." if material.is_interim else "."
    about = Section("The run", (f"{said}{still}",))
    return (about, data_section(material), *training_sections(material), *evaluation_sections(material))
