"""The garbage collector rests for a while, and is then as it was."""

import gc

import pytest

from cqltui.garbage import uncollected


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
