"""[store] of a campaign file: what it may say, and that no message tells a password."""

import tomllib
from pathlib import Path

import pytest

from cqltui.campaign.load import campaign_from
from cqltui.campaign.model import Campaign, StoreConfig
from cqltui.errors import InputError
from cqltui.reporters.plan import sent_to
from tests.unit.test_load import GOOD


def load(store: str) -> Campaign:
    return campaign_from(tomllib.loads(f"{GOOD}\n[store]\n{store}"), Path("night.toml"), ())


def test_what_leaves_the_machine_is_read_and_shown() -> None:
    said = load('url = "s3://bets/cql/deep"\nsend_data = true').store
    assert said == StoreConfig("s3://bets/cql/deep", send_data=True)
    assert sent_to(said) == (
        "for workers elsewhere, large checkpoints and models go to s3://bets/cql/deep and the data's file is sent to "
        "those that lack it ([store])"
    )
    assert load("").store == StoreConfig()
    assert sent_to(StoreConfig()) == ""


@pytest.mark.parametrize(
    "url",
    ["s3://me:T0KEN@bets/x", "file:///home/T0KEN", "s3://a::T0KEN://b", "s3://", "s3://../T0KEN", "s3://T0KEN/a b", ""],
)
def test_other_urls_are_refused_unquoted(url: str) -> None:
    with pytest.raises(InputError, match=r"store\.url: expected s3://BUCKET/FOLDER") as raised:
        load(f'url = "{url}"')
    assert "T0KEN" not in str(raised.value)
