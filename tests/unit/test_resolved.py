"""A campaign that is read back from campaign.json is the one that was written there; a damaged one is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, EvaluateConfig, RedisConfig, WorkersConfig
from cqltui.campaign.payload import DataSummary
from cqltui.errors import InputError
from cqltui.results.resolved import campaign_of
from cqltui.results.rundir import RunDir, write_json
from cqltui.supervisor import manifest

DIGEST = "d" * 64
DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    stops = "trainer.early_stop={patience=7}", 'trainer.keep=["last",3]'
    return load_campaign(DEEP, stops).identified(DIGEST)


@pytest.fixture
def run_dir(campaign: Campaign, tmp_path: Path) -> RunDir:
    """A run that was started with it."""
    found = RunDir(tmp_path)
    manifest.write(found, campaign, DataSummary(DIGEST, 1675, 570), [], 1.0, own_server=False)
    return found


def test_it_comes_back_whole_but_for_where_it_trains(campaign: Campaign, run_dir: RunDir) -> None:
    wanted = replace(campaign, workers=WorkersConfig(), redis=RedisConfig(), evaluate=EvaluateConfig())
    assert campaign_of(run_dir) == replace(wanted, path=run_dir.campaign_json)
    assert any(criterion.params for phase in wanted.phases for criterion in phase.criteria)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda said: said.pop("campaign"), "'campaign' is missing"),
        (lambda said: said["campaign"].update(phases=[]), "it has no phases"),
        (lambda said: said["campaign"]["phases"][0].update(name="../x"), "has no tasks, or no name"),
        (lambda said: said["campaign"]["phases"][0]["criteria"][0].update(check="x"), "'x' is missing"),
        (lambda said: said["campaign"]["phases"][0]["criteria"][1].update(params=[["min_drop", 7]]), "min_drop"),
        (lambda said: said["campaign"]["phases"][0]["tasks"][0]["trainer"].update(lr="x"), "lr: expected"),
        (lambda said: said["data"].pop("digest"), "'digest' is missing"),
    ],
)
def test_a_damaged_one_is_refused(run_dir: RunDir, change: Callable[[Any], object], said: str) -> None:
    document = json.loads(run_dir.campaign_json.read_text(encoding="utf-8"))
    change(document)
    write_json(run_dir.campaign_json, document)
    with pytest.raises(InputError, match="the campaign in it cannot be read") as refused:
        campaign_of(run_dir)
    assert said in str(refused.value)
