"""The tool that tries the tests: what it changes, and that it finds tests that would let wrong code pass."""

import ast
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.mutants import lua, python
from tests.mutants.mutant import Mutant, difference, drawn
from tests.mutants.named import NotApplicable, equivalent, named
from tests.mutants.rooms import ROOMS, Room
from tests.mutants.run import try_room

CODE = '''
def share(done, of=3):
    """Of all."""
    if not done and of > 0:
        return min(done, of) / 2
    log.info("shares are odd", key="word")
'''


def changed(text: str) -> set[str]:
    found = set()
    for place in range(len(python.edits(ast.parse(text)))):
        tree = ast.parse(text)
        python.edits(tree)[place].apply()
        found.add(" -> ".join(difference(ast.unparse(ast.parse(text)), ast.unparse(ast.fix_missing_locations(tree)))))
    return found


def test_each_change_of_python() -> None:
    test, value = "if not done and of > 0:", "return min(done, of) / 2"
    log = "log.info('shares are odd', key='word')"
    assert changed(CODE) == {
        "def share(done, of=3): -> def share(done, of=4):",
        f"{test} -> if not (not done and of > 0):",
        f"{test} -> if not done or of > 0:",
        f"{test} -> if done and of > 0:",
        f"{test} -> if not done and of >= 0:",
        f"{test} -> if not done and of <= 0:",
        f"{test} -> if not done and of > 1:",
        f"{value} -> return None",
        f"{value} -> return min(done, of) * 2",
        f"{value} -> return max(done, of) / 2",
        f"{value} -> return min(done, of) / 3",
        f"{log} -> pass",
        f"{log} -> log.info('shares are odd', key='xword')",
        f"{log} -> log.info('shares are odd')",
    }


def test_each_change_of_lua() -> None:
    text = "-- not this: a == b\nlocal function f(a)\n  if a == 'b' and a < 2 then\n    go(a, '== 1')\n  end\nend\n"
    found = {(edit.symbol, text[edit.start : edit.end], edit.after) for edit in lua.edits(text)}
    assert found == {
        ("f", "==", "~="),
        ("f", "b", "xb"),
        ("f", "and", "or"),
        ("f", "<", "<="),
        ("f", "2", "3"),
        ("f", "go(a, '== 1')", "do end"),
    }


def test_the_same_seed_draws_the_same_changes() -> None:
    room = Room("r", ("cqltui/state/live.py",), ())
    assert drawn(room, 9, 1) == drawn(room, 9, 1)
    assert drawn(room, 9, 1) != drawn(room, 9, 2)
    assert len(drawn(room, 10**6, 1)) > 40


def test_the_lists_can_be_read() -> None:
    """Whether each entry still fits the code is said by `make mutants`."""
    rooms = {room.name for room in ROOMS}
    entries = [entry for room in rooms for entry in named(room)]
    assert sum(isinstance(entry, Mutant) for entry in entries) > 60
    assert all(isinstance(entry, Mutant | NotApplicable) for entry in entries)
    assert all(why.strip() for why in equivalent().values())


def test_what_a_rooms_tests_do_not_look_at_survives() -> None:
    """Tests of the pause after a death look at that, and at nothing of the fleet's."""
    room = Room("supervisor", ("cqltui/placement/restart.py",), ("tests/unit/test_supervising.py",))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        outcome = pool.submit(try_room, room, 6, 1, 2).result()
    assert outcome.problem == ""
    noticed = {mutant.file for mutant, by in outcome.noticed if "test_supervising.py::test_a_worker_that" in by}
    assert noticed == {"cqltui/placement/restart.py"}
    assert {mutant.file for mutant in outcome.survived if mutant.named} >= {"cqltui/supervisor/fleet.py"}
    assert not any(mutant.named for mutant, _ in outcome.noticed)
