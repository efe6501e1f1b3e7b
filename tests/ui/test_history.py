"""What can be taken back: bounded, and said in words."""

from cqltui.errors import CqltuiError
from cqltui.ui.history import COMMANDS, KEPT, Act, History, taken_back


def _act(verb: str, commands: int = 1) -> Act:
    return Act(verb, open=commands)


def _all(history: History) -> list[str]:
    found = []
    while (act := history.pop()) is not None:
        found.append(act.verb)
    return found


def test_old_acts_are_forgotten_by_number_and_by_size() -> None:
    history = History()
    for number in range(KEPT + 5):
        history.add(_act(str(number)))
    assert _all(history) == [str(number) for number in range(KEPT + 4, 4, -1)]
    for verb, commands in (("first", 10), ("second", COMMANDS - 10), ("third", 1)):
        history.add(_act(verb, commands))
    assert _all(history) == ["third", "second"], "together they were too many"
    history.add(_act("huge", 5 * COMMANDS))
    assert history.pop() is not None, "the newest is kept, however many it is about"


def test_an_act_that_came_to_nothing_is_forgotten() -> None:
    history = History()
    act, other = history.add(_act("pause", 2)), history.add(_act("cancel"))
    history.answered(act)
    history.answered(act)
    other.backs["a"] = lambda: None
    history.answered(other)
    assert history.pop() is other
    assert history.pop() is None


def test_some_of_many_cannot_be_taken_back() -> None:
    def refuse() -> None:
        raise CqltuiError("task b: it has started since")

    act = Act("cancel", backs={"a": lambda: None, "b": refuse, "c": lambda: None})
    done, refused = act.take_back()
    assert done == ["c", "a"], "the last one first"
    assert taken_back(act, done, refused) == (
        "Taken back: cancel of 2 of 3 tasks. Not taken back: task b: it has started since.",
        "warning",
    )
    assert taken_back(act, [], ["1", "2", "3", "4"]) == ("Not taken back: 1; 2; 3; and 1 more.", "warning")
    assert taken_back(Act("pause"), [], []) == (
        "Nothing had come of it, so nothing was taken back: pause.",
        "warning",
    )
