"""The garbage collector rests for a while, and is then as it was."""

import gc

import pytest

from cqltui import garbage
from cqltui.garbage import paused, uncollected


def _fail() -> None:
    with uncollected():
        assert not gc.isenabled()
        raise ValueError("boom")


def test_it_looks_again_whatever_happens_meanwhile() -> None:
    assert gc.isenabled()
    with pytest.raises(ValueError, match="boom"):
        _fail()
    assert gc.isenabled()


def test_where_it_did_not_look_it_does_not_afterwards() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_pause_leaves_all_of_it_to_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "MANY", 1)
    before = gc.get_freeze_count()
    with paused():
        assert not gc.isenabled()
        with paused():
            pass
        assert not gc.isenabled()
        made = [[number] for number in range(100)]
    assert gc.isenabled()
    assert gc.get_freeze_count() == before
    assert len(made) == 100


@pytest.mark.parametrize("many", [True, False])
def test_very_many_that_stay_are_never_gone_through(monkeypatch: pytest.MonkeyPatch, many: bool) -> None:
    monkeypatch.setattr(garbage, "MANY", 1000)
    gc.collect()
    before = gc.get_freeze_count()
    try:
        with uncollected():
            made = [[number] for number in range(5000 if many else 10)]
        assert (gc.get_freeze_count() > before + 4000) is many
        assert len(made) == (5000 if many else 10)
    finally:
        gc.unfreeze()
