"""What comes over the wire: numbers as strings, wrong types, nonsense."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins

from cqltui.identity import ProcessIdentity
from cqltui.state import decode
from cqltui.state.events import Event, Kind, parse_token
from cqltui.state.model import RunState, Status
from cqltui.state.plain import plain
from cqltui.state.reduce import reduce


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), ("3.5", 3.5), (None, -1.0), ("x", -1.0), ([], -1.0), (math.nan, -1.0), ("inf", -1.0), (10**400, -1.0)],
)
def test_numbers_are_finite(value: object, expected: float) -> None:
    assert decode.number({"k": value}, "k", -1.0) == expected


def test_a_number_of_nothing_is_the_default() -> None:
    assert decode.number([1, 2], "k", 5.0) == 5.0
    assert decode.optional({}, "k") is None


@pytest.mark.parametrize(("value", "expected"), [("7", 7), (7.9, 7), (1e300, 2**63 - 1), (-1e300, 1 - 2**63), ({}, 0)])
def test_whole_numbers_are_bounded(value: object, expected: int) -> None:
    assert decode.whole({"k": value}, "k") == expected


def test_lists_are_bounded() -> None:
    many = decode.LIST_LIMIT + 7
    assert decode.strings(["a"] * many) == ("a",) * decode.LIST_LIMIT
    info = decode.task_info("a", {"hidden_dims": [1] * many})
    assert info is not None
    assert "hidden_dims" not in info.settings, "no network has so many layers"
    report = decode.progress({"curve": [[1, 0.5]] * many}, 0.0)
    assert len(report.curve) == decode.LIST_LIMIT
    member = {"task": "a", "token": "1-1", "step": 1}
    assert decode.worker("w", {"members": [member] * many}, 0.0, 1).tasks == ("a",) * decode.LIST_LIMIT
    phase = {"name": "p", "questions": ["q"] * many, "verdicts": [{"text": "t"}] * many}
    campaign = decode.campaign({"name": "c", "phases": [phase, *[{"name": "q"}] * many]})
    assert campaign is not None
    assert [len(found) for found in (campaign.phases, campaign.phases[0].verdicts, campaign.phases[0].questions)] == [
        decode.LIST_LIMIT
    ] * 3
    members = [{**member, "task": f"t{number}"} for number in range(many)]
    told = reduce(RunState(), Event(Kind.PROGRESS, 1.0, 1, worker="w", data={"members": members}))
    assert len(told.tasks) == decode.LIST_LIMIT


def test_texts_are_bounded() -> None:
    assert len(decode.text({"k": "x" * 10**6}, "k")) == decode.TEXT_LIMIT
    assert decode.strings(["a", 1, None, [2]]) == ("a", "1", "", "")


def test_a_task_keeps_what_can_be_read() -> None:
    info = decode.task_info("a", {"title": "t", "hidden_dims": [256, 64], "seed": "x", "epochs": "20", "lr": 1e-4})
    assert info is not None
    assert (info.title, info.settings, info.epochs) == ("t", {"hidden_dims": (256, 64), "lr": 1e-4}, 20)
    assert info.baseline_loss is None
    assert decode.task_info("a", "nonsense") is None


@pytest.mark.parametrize("status", ["flying", None, 3, ["queued"], {}])
def test_an_unknown_status_is_no_lifecycle(status: object) -> None:
    assert decode.lifecycle({"status": status}, (1, 1)) is None


def test_a_lifecycle_from_strings() -> None:
    life = decode.lifecycle({"status": "running", "priority": "8", "attempt": "2", "run": "0", "token": "1-2"}, (1, 5))
    assert life is not None
    assert (life.status, life.priority, life.attempt, life.run) == (Status.RUNNING, 8.0, 2, 1)
    assert (life.token, life.version) == ("1-2", (1, 5))


@pytest.mark.parametrize("raw", [None, "x", [], {}, {"pid": "x", "started": math.nan, "uid": None, "boot": None}])
def test_a_process_of_which_nothing_can_be_read_is_nobody(raw: object) -> None:
    assert decode.process(raw) == ProcessIdentity()
    assert decode.worker("w1", {"process": raw}, 0.0, 1).process == ProcessIdentity()


def test_a_process_comes_over_the_wire_as_it_is() -> None:
    process = ProcessIdentity("0" * 32, "cfe1eb32", 4026531836, 1000, 4711, 1234.56)
    assert decode.process(json.loads(json.dumps(to_builtins(process)))) == process


def test_a_curve_keeps_its_good_points() -> None:
    raw = {"curve": [[1, 0.5], (2, 1), [3], "xy", [4, math.nan], [5.5, 1.0], [6, 10**400], [7, None]]}
    assert decode.progress(raw, 1.0).curve == ((1, 0.5), (2, 1.0))


def test_a_worker_names_its_tasks() -> None:
    assert decode.worker("w1", {"members": [{"task": "a"}, "b"]}, 1.0, 1).tasks == ("a",)
    assert decode.worker("w1", {"tasks": ["c"]}, 1.0, 1).tasks == ("c",)


def test_a_campaign_with_its_verdicts() -> None:
    verdicts = [{"text": "loss < 0.08", "passed": False, "detail": "0.09"}, {"text": "smooth", "passed": "yes"}, 3]
    campaign = decode.campaign({"name": "deep", "phases": [{"name": "quality", "verdicts": verdicts}, None]})
    assert campaign is not None
    assert [phase.name for phase in campaign.phases] == ["quality"]
    assert [verdict.passed for verdict in campaign.phases[0].verdicts] == [False, None]
    assert decode.campaign(None) is None


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("2-10", (2, 10)),
        ("2-1764062400000001", (2, 1764062400000001)),
        ("", (0, 0)),
        ("x-1", (0, 0)),
        ("3", (0, 0)),
        ("1-2-3", (0, 0)),
    ],
)
def test_tokens_are_pairs(token: str, expected: tuple[int, int]) -> None:
    assert parse_token(token) == expected


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("Best overall (938fc1bd)", "Best overall (938fc1bd)"),
        ("\x1b[31mred\x1b[0m \x9b1mbold", "red bold"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\nb\tc\u2028d\xa0e", "a b c d e"),
        ("a\rb\x08c\x00d\x7f", "a bcd"),
        ("\u202eabc\u200b", "\\u202eabc"),
        ("\u2764\ufe0f", "\u2764"),
        ("a\x84b\x9cc\u2066d\u200fe", r"a\x84b\x9cc\u2066d\u200fe"),
        ("\x1b]52;c;aGk=\x1b[1mx", "x"),
        ("\ud800q", "\ufffdq"),
        ("[bold]x[/]", "[bold]x[/]"),
        ("Größe 東京", "Größe 東京"),
    ],
)
def test_foreign_text_is_plain(foreign: str, shown: str) -> None:
    assert plain(foreign) == shown


@pytest.mark.parametrize(("limit", "shown"), [(5, "abcde"), (4, "abc…"), (1, "…"), (0, "")])
def test_plain_text_is_cut(limit: int, shown: str) -> None:
    assert plain("abcde", limit) == shown


@given(st.text(st.characters() | st.sampled_from("\x1b[]\x9b0;m\x07\\"), max_size=60), st.integers(0, 40))
def test_plain_text_is_always_fit_for_a_terminal(foreign: str, limit: int) -> None:
    shown = plain(foreign, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    shown.encode()


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["status", "priority", "hidden_dims", "curve", "members", "tasks", "phases", "verdicts", "epochs", "title", "ts"]


@given(st.dictionaries(st.sampled_from(KEYS), json_values))
def test_nonsense_becomes_defaults(raw: dict[str, Any]) -> None:
    decode.task_info("a", raw)
    decode.lifecycle(raw, (1, 1))
    decode.progress(raw, 0.0)
    decode.worker("w", raw, 0.0, 1)
    decode.campaign(raw)


def test_what_tasks_have_in_common_is_kept_once() -> None:
    one, other = (decode.task_info(name, json.loads('{"phase": "a long phase", "shape": "4 8"}')) for name in "ab")
    assert one is not None
    assert other is not None
    assert one.phase is other.phase
    assert one.pack is other.pack
