"""On which line of a campaign file a mistake stands."""

import tomllib

import pytest

from cqltui.campaign.lines import line_of

FILE = '''\
# [comment] and = signs
[campaign]
name = "x"
description = """
[trainer]
epochs = 5 \\""" and "
"""
[ trainer ] # {
"lr" = 0.1
hidden_dims = [
  1, "a]",
  2, # ]
]
literal = \'\'\'
alpha = 1
\'\'\'
alpha = { from = 1, "to" = [2] }

[[phase]]
name = "first"
[[phase.task]]
lr = 1
[[phase.task]]

seed . value = 4
[phase.grid]
alpha = [1]
[[phase]]
name = "not bare"
priority = 1
[[phase.task]]
lr = "["
[ "quoted table" ]
key = 1'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("campaign", 2),
        ("campaign.name", 3),
        ("campaign.description", 4),
        ("trainer", 8),
        ("trainer.epochs", 8),
        ("trainer.lr", 9),
        ("trainer.hidden_dims", 10),
        ("trainer.hidden_dims[1]", 10),
        ("trainer.literal", 14),
        ("trainer.alpha", 17),
        ("trainer.alpha.from", 17),
        ("phase.first", 19),
        ("phase.first.name", 20),
        ("phase.first.task[0].lr", 22),
        ("phase.first.task[1]", 23),
        ("phase.first.task[1].lr", 23),
        ("phase.first.task[1].seed.value", 25),
        ("phase.first.grid.alpha[0]", 27),
        ("phase[1]", 28),
        ("phase[1].priority", 30),
        ("phase[1].task[0].lr", 32),
        ('"quoted table".key', 34),
        ("missing", None),
        ("", None),
    ],
)
def test_each_key_has_its_line(key: str, line: int | None) -> None:
    assert line_of(FILE.encode(), lambda: tomllib.loads(FILE))(key) == line


def test_a_file_without_mistakes_is_not_searched() -> None:
    def document() -> dict[str, object]:
        raise AssertionError("parsed a second time")

    line_of(FILE.encode(), document)


@pytest.mark.parametrize(
    "content", ["", "a", "[", "[[a", 'a = """', "a = [[[", "= 1", "]\n}\n[a]\nb = 1", "\0", "a = 1\r\nb = 2"]
)
def test_any_content_ends(content: str) -> None:
    assert line_of(content.encode(), dict)("b") in (None, 2, 4)
