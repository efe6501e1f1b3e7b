"""The table of closing line values: of a ledger, in basis points."""

import pytest

from cqltui.ledger.export import told
from cqltui.ledger.model import Entry
from cqltui.ledger.standing import standing
from cqltui.report.tables import ledger
from tests.report.evaluations import (
    bets,
    row,
)
from tests.report.materials import material


def test_closing_line_values_are_in_basis_points_with_why_others_are_not_measurable() -> None:
    taken = [
        *bets(4),
        *(Entry(entry.bet, None) for entry in bets(1)),
        *bets(2, taken="2023-09-01T12:00:00Z"),
        *bets(1, close=None),
    ]
    table = ledger.closing_values(material(ledger=told("mine.sqlite", standing(taken, None))))
    document = told("mine.sqlite", standing(taken, None))
    known = [bet["clv_bps"] for bet in document["taken"] if bet["clv_bps"] is not None]
    every = row(table, season="all")
    assert (every["bets"], every["measured"], len(known)) == (8, 4, 4)
    assert every["mean_bps"] == pytest.approx(sum(known) / 4)
    assert every["q50_bps"] == pytest.approx((sorted(known)[1] + sorted(known)[2]) / 2)
    assert every["better"] == 1.0
    worthless = told("l", standing(bets(2), None))
    worthless["taken"][0] |= {"clv_bps": 0.0, "posted_bps": 0.0}
    half = row(ledger.closing_values(material(ledger=worthless)), season="all")
    assert (half["beat"], half["better"]) == (0.5, 0.5)
    assert table.column("season") == ["all", "2022", "2023"]
    said = " ".join(table.notes)
    assert "mine.sqlite, 8 bets" in said
    for reason in ("1 without a result yet", "2 not taken before the kick-off", "1 whose closing line is not known"):
        assert reason in said


def test_the_mean_has_the_interval_of_the_ledger_and_a_season_may_be_without_a_measured_bet() -> None:
    document = told("l.sqlite", standing([*bets(12), *bets(1, taken="2029-09-01T12:00:00Z")], None))
    for bet in document["taken"]:
        if bet["season"] == 2023:
            bet["clv_bps"] = None
    closing = document["closing_line_value"]
    closing["assumed"] = 3
    table = ledger.closing_values(material(ledger=document))
    every, measured, none = table.rows
    assert [row(table, season="all")[name] for name in ("mean_bps", "lower_bps", "upper_bps")] == [
        10_000 * closing["value"][end] for end in ("value", "lower", "upper")
    ]
    assert every[1:3] == (13, 6)
    assert measured[:3] == ("2022", 6, 6)
    assert none == ("2023", 7, 0, *(None,) * 10)
    assert "Of 3 closing lines no prices are known: -110 was assumed for both sides." in table.notes
    assert "95 %, bootstrap-t over weeks" in table.caption


def test_without_a_measurable_bet_the_reasons_are_told() -> None:
    late = told("l.sqlite", standing(bets(2, taken="2023-09-01T12:00:00Z"), None))
    table = ledger.closing_values(material(ledger=late))
    assert table.rows == ()
    assert "2 not taken before the kick-off" in table.reason
    assert ledger.closing_values(material(ledger=told("l.sqlite", standing([], None)))).reason.endswith("has no bets.")
