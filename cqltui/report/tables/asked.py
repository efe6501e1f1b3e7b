"""What the campaign asked, and what came of it."""

from cqltui.report.material import Material
from cqltui.report.table import Column, Table, absent
from cqltui.report.wording import capital
from cqltui.results.summary import VERDICT_WORDS
from cqltui.state.plain import plain

LONGEST = 2_000
"""Characters of a text of the campaign file."""


def criteria(material: Material) -> Table:
    """Return every criterion of every phase with its verdict."""
    name, title = "criteria_table", "Criteria"
    columns = (
        Column("phase", "Phase"),
        Column("criterion", "Criterion"),
        Column("verdict", "Verdict"),
        Column("detail", "Detail"),
    )
    caption = (
        "The criteria of the campaign file, judged by the results of the tasks. What is open cannot be judged yet."
    )
    rows = tuple(
        (phase.name, plain(it.text, LONGEST), capital(VERDICT_WORDS[it.passed]), plain(it.detail, LONGEST))
        for phase in material.summary.phases
        for it in phase.verdicts
    )
    if not rows:
        reason = "The campaign has no criteria: `[[phase.criterion]]` in its file states some."
        return absent(name, title, caption, columns, reason)
    return Table(name, title, caption, columns, rows)


def answers(material: Material) -> Table:
    """Return every question of every phase, a row for each line of its answer."""
    name, title = "answers_table", "Questions and answers"
    columns = (Column("phase", "Phase"), Column("question", "Question"), Column("answer", "Answer"))
    caption = (
        "The questions of the campaign file, with the figures that answer them by the results of the tasks. A question "
        "without figures is left to people."
    )
    found = {(phase.name, it.question): it.answer.lines for phase in material.summary.phases for it in phase.answers}
    rows = tuple(
        (phase.name, plain(question.text, LONGEST), None if line is None else plain(line, LONGEST))
        for phase in material.campaign.phases
        for question in phase.questions
        for line in found.get((phase.name, question), ()) or (None,)
    )
    if not rows:
        return absent(name, title, caption, columns, "The campaign asks no questions: `questions` of a phase does.")
    return Table(name, title, caption, columns, rows)
