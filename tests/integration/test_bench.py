"""`cqltui bench` measures real training, and refuses what it cannot measure."""

import contextlib
import io
import json
import re
import sys

import pytest

from cqltui.app import measuring
from cqltui.app.dataset import load_data
from cqltui.campaign.load import load_campaign
from cqltui.cli import main
from cqltui.reporters.bench import bench_json
from tests.integration.place import SMALL, Place
from tests.integration.sessions import ONE

TWO = ONE.replace('[[phase.task]]\ndescription = "the one"', "[phase.grid]\nseed = [1, 2]")


def test_a_network_is_timed_single_and_packed(place: Place) -> None:
    (place.folder / "two.toml").write_text(TWO, encoding="utf-8")
    arguments = ("two.toml", "--seconds", "0.02", "--device", "cpu", "--set", "workers.count=1", "--json")
    packed = json.loads(place.start("bench", *arguments).ends(0).out)
    assert [(tuple(row["hidden_dims"]), row["members"]) for row in packed["rows"]] == [((16,), 1), ((16,), 2)]
    assert packed["device"] == "cpu"
    for row in packed["rows"]:
        assert row["error"] == ""
        assert row["limit_s"] > 0
        assert row["samples_per_s"] == pytest.approx(row["members"] * 128 / row["step_s"])
        assert row["epochs_per_s"] == pytest.approx(row["members"] / (row["step_s"] * row["epoch_steps"]))
        assert row["estimate_bytes"] > 0


def test_each_network_is_timed_alone_and_as_one_workers_share(monkeypatch: pytest.MonkeyPatch) -> None:
    # The ensemble's two tasks of [16] are a pack; [32, 16] is there once a phase.
    campaign, data = load_data(load_campaign(SMALL))
    monkeypatch.setattr(measuring, "answers", lambda packs, *_, **__: iter([{"step_s": float(packs[0].members)}]))
    for workers, sizes in ((1, [((16,), 1), ((16,), 2), ((32, 16), 1)]), (2, [((16,), 1), ((32, 16), 1)])):
        rows = [bench_json(row) for row in measuring.pack_speeds(campaign, data, ["cpu"] * workers, 1.0)]
        assert sorted((tuple(row["hidden_dims"]), row["members"]) for row in rows) == sizes
        assert all(row["step_s"] == row["members"] for row in rows)


def test_the_table(place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (place.folder / "one.toml").write_text(ONE, encoding="utf-8")
    monkeypatch.setattr(measuring, "answers", lambda *_, **__: iter([{"step_s": 0.002, "limit_s": 0.001}]))
    with contextlib.chdir(place.folder):
        assert main(["bench", "one.toml", "--device", "cpu", "--set", "trainer.precision=fp32"]) == 0
    table = capsys.readouterr().out
    assert "Training on cpu" in table
    assert re.search(r"\[16\] +fp32 +1 .* 50%", table), table


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("small.toml", "--seconds", "0"), "--seconds 0: expected more than 0"),
        (("nowhere.toml",), "nowhere.toml"),
        (("small.toml", "--device", "tpu"), "tpu"),
    ],
)
def test_wrong_input(place: Place, arguments: tuple[str, ...], named: str) -> None:
    said = io.StringIO()
    with contextlib.chdir(place.folder), contextlib.redirect_stderr(said), pytest.raises(SystemExit) as left:
        sys.exit(main(["bench", *arguments]))
    assert left.value.code == 2
    assert named in said.getvalue()
    assert "Traceback" not in said.getvalue()
