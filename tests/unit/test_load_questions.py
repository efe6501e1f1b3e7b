"""The loader: questions, and what answers them."""

from pathlib import Path

import pytest

from cqltui.campaign.model import Question
from cqltui.errors import InputError
from tests.unit.test_load import GOOD, load

QUESTIONS = """
questions = [
    "Why?",
    { text = "How?", answer = "convergence", epochs = [40, 8], reference = 8 },
    { text = "Which?", answer = "architectures", compare = "best" },
]"""


def test_a_question_is_a_text_or_names_what_answers_it(tmp_path: Path) -> None:
    """Epochs are scaled with those of the tasks, and a parameter that may be left unsaid leaves no trace."""
    text = GOOD.replace("priority = 7", f"priority = 7{QUESTIONS}")
    phase = load(tmp_path, text, "epochs_scale=0.5").phase("second")
    why, how, which = phase.questions
    assert why == Question("Why?")
    assert (how.text, how.answer) == ("How?", "convergence")
    assert dict(how.params) == {"metric": "loss", "validation": "val_loss", "epochs": (20, 4), "reference": 4}
    assert dict(which.params) == {"compare": ("best",), "metric": "val_loss"}
    assert phase.asked == (*phase.criteria, how, which)


def test_a_mistake_in_a_question_has_its_line(tmp_path: Path) -> None:
    text = GOOD.replace("priority = 7", f"priority = 7{QUESTIONS.replace('best', 'bets')}")
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    line = text.splitlines().index("questions = [") + 1
    assert f"c.toml:{line}: phase.second.questions[2].compare: expected one of" in caught.value.problems[0]
