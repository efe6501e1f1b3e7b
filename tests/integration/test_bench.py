"""`cqltui bench` measures real training, and refuses what it cannot measure."""

import json

import pytest

from tests.integration.place import Place
from tests.integration.sessions import ONE


def test_every_network_is_timed_single_and_packed(place: Place) -> None:
    # The ensemble's two tasks of [16] are a pack; [32, 16] is there once a phase.
    packed = json.loads(place.start("bench", "small.toml", "--seconds", "0.02", "--json").ends(0).out)
    sizes = sorted((tuple(row["hidden_dims"]), row["members"]) for row in packed["rows"])
    assert sizes == [((16,), 1), ((16,), 2), ((32, 16), 1)]
    assert packed["device"] == "cpu"
    for row in packed["rows"]:
        assert row["error"] == ""
        assert row["limit_s"] > 0
        assert row["samples_per_s"] == pytest.approx(row["members"] * 128 / row["step_s"])
        assert row["epochs_per_s"] == pytest.approx(row["members"] / (row["step_s"] * row["epoch_steps"]))
        assert row["estimate_bytes"] > 0


def test_the_table_and_wrong_input(place: Place) -> None:
    (place.folder / "one.toml").write_text(ONE, encoding="utf-8")
    table = place.start("bench", "one.toml", "--seconds", "0.02", "--set", "trainer.precision=fp32").ends(0)
    assert "[16]" in table.out
    assert "fp32" in table.out
    assert "of the products' limit" in table.out
    for arguments, named in (
        (("small.toml", "--seconds", "0"), "--seconds 0: expected more than 0"),
        (("nowhere.toml",), "nowhere.toml"),
        (("small.toml", "--device", "tpu"), "tpu"),
    ):
        refused = place.start("bench", *arguments).ends(2)
        assert named in refused.err
        assert "Traceback" not in refused.err
