"""[notify] of a campaign file: what it may say, and that neither a message nor campaign.json tells what is secret."""

import json
import re
import tomllib
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from cqltui.campaign.load import campaign_from
from cqltui.campaign.model import Campaign, NotifyConfig
from cqltui.campaign.occasion import Occasion
from cqltui.campaign.payload import DataSummary
from cqltui.errors import InputError
from cqltui.reporters.plan import told_to
from cqltui.results.rundir import RunDir
from cqltui.state.decode import campaign as decode_campaign
from cqltui.state.notify import NotifyInfo
from cqltui.supervisor import manifest
from tests.unit.test_load import GOOD

SECRET = "T0KEN"


def load(notify: str, *settings: str) -> Campaign:
    return campaign_from(tomllib.loads(f"{GOOD}\n[notify]\n{notify}"), Path("night.toml"), settings)


def test_all_keys_are_read() -> None:
    notify = load(
        'command = ["notify-send", ""]\nwebhook = "https://hooks.example.com:8443/T0KEN?a=b"\nbell = false\n'
        'eta_past = "07:30"\non = ["eta.late", "task.dead"]'
    ).notify
    url = "https://hooks.example.com:8443/T0KEN?a=b"
    on = (Occasion.LATE, Occasion.DEAD)
    assert notify == NotifyConfig(("notify-send", ""), url, False, time(7, 30), on)
    assert all(isinstance(occasion, Occasion) for occasion in notify.on)
    assert load("").notify == NotifyConfig() == NotifyConfig(on=tuple(Occasion))
    assert load("eta_past = 07:30:15\non = []").notify == NotifyConfig(eta_past=time(7, 30), on=())
    assert load("", "notify.eta_past=23:59").notify.eta_past == time(23, 59)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        *(
            (f'webhook = "{url}"', "webhook")
            for url in (
                f"ftp://host/{SECRET}", f"file:///{SECRET}", f"https:///{SECRET}", f"https://user:{SECRET}@host/",
                f"http://host:99999/{SECRET}", f"http://[::1/{SECRET}", f"https://host/ {SECRET}", f"HOST/{SECRET}",
                f"https://höst/{SECRET}", f"https://host/{SECRET}\\u007f",
            )
        ),
        ("webhook = 1", "webhook"),
        ('command = "notify-send T0KEN"', "command"),
        ("command = []", "command"),
        ('command = ["", "T0KEN"]', "command"),
        ('command = ["a", 1, "T0KEN"]', "command"),
        ('command = ["a", "T0KEN\\u0007"]', "command"),
        *((f'eta_past = "{hour}"', "eta_past") for hour in ("7:30", "24:00", "07.30", "0730Z", "07:30:00", "")),
        ("eta_past = 7", "eta_past"),
        ('on = ["task.done"]', "on[0]"),
        ('on = ["task.dead", "task.dead"]', "on[1]"),
        ("bell = 1", "bell"),
        ('url = "https://x"', "url"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_without_quoting_what_may_be_secret(line: str, key: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"night.toml: notify.{key}: ")) as found:
        load(line)
    assert SECRET not in str(found.value)


def test_nothing_of_it_is_part_of_a_tasks_id() -> None:
    plain, told = load("").identified("data"), load('webhook = "https://host/"\non = []').identified("data")
    assert [task.id for task in plain.tasks] == [task.id for task in told.tasks]


@pytest.mark.parametrize(
    "argument",
    [
        f"notify.webhook=https://host/{SECRET}",
        f"--set=notify.webhook=https://host/{SECRET}",
        f' notify = {{webhook = "https://host/{SECRET}"}}',
        f'notify.command=["curl", "-H",\n"{SECRET}"]',
    ],
)
def test_campaign_json_says_that_there_is_one_and_no_more(tmp_path: Path, argument: str) -> None:
    campaign = load(f'command = ["curl", "{SECRET}"]\nwebhook = "https://host/{SECRET}"').identified("d")
    command = ["cqltui", "night.toml", "--set", argument]
    manifest.write(RunDir(tmp_path), campaign, DataSummary("d", 1, 1, ()), command, 1.0, own_server=False)
    text = RunDir(tmp_path).campaign_json.read_text("utf-8")
    assert SECRET not in text
    said = json.loads(text)
    assert said["campaign"]["notify"]["command"] == said["campaign"]["notify"]["webhook"] == "(set)"
    assert "notify" in said["command"][3]


def test_the_plan_names_who_is_told() -> None:
    notify = NotifyConfig(("curl", SECRET), f"https://hooks.example.com/{SECRET}")
    assert (
        told_to(notify) == "to tell what happens, the program curl is started and hooks.example.com is told ([notify])"
    )
    assert told_to(NotifyConfig()) == ""


@pytest.mark.parametrize(
    ("raw", "info"),
    [
        (None, NotifyInfo()),
        ("nonsense", NotifyInfo()),
        (
            {"bell": False, "late_ts": 5.0, "on": ["task.dead", "x", 3]},
            NotifyInfo(False, 5.0, frozenset({Occasion.DEAD})),
        ),
        ({"bell": "x", "late_ts": "x", "on": "task.dead"}, NotifyInfo(on=frozenset())),
    ],
)
def test_what_comes_over_the_wire_is_read_with_care(raw: Any, info: NotifyInfo) -> None:
    found = decode_campaign({"name": "deep", "notify": raw})
    assert found is not None
    assert found.notify == info
