"""Passwords of URLs: hidden in whatever quotes a URL, an error of ours and its traceback too."""

import argparse
import logging
from pathlib import Path

import pytest

from cqltui.broker.server.url import URL_FORMS, passwords
from cqltui.campaign.load import load_campaign
from cqltui.campaign.payload import DataSummary
from cqltui.cli import main
from cqltui.commands import status
from cqltui.errors import ExitCode, without_passwords
from cqltui.results.rundir import RunDir
from cqltui.supervisor import manifest

QUICK = Path(__file__).parents[2] / "campaigns" / "quick.toml"
SECRETS = ("hunter2", "p%23ss", "p#ss")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at redis://user:hunter2@host:1/0 it", "at redis://(hidden)@host:1/0 it"),
        ("rediss://:p%23ss@h/0?ssl_ca_certs=/ca", "rediss://(hidden)@h/0?ssl_ca_certs=/ca"),
        ("unix://:hunter2@/tmp/s", "unix://(hidden)@/tmp/s"),
        ("redis://h/0?db=1&password=hunter2&x=1", "redis://h/0?db=1&password=(hidden)&x=1"),
        ("rediss://h/?ssl_password=hunter2", "rediss://h/?ssl_password=(hidden)"),
        ("redis://u:a b@c@p#ss/hunter2@h", "redis://(hidden)@h"),
        ("redis:/u:hunter2@h: there is no such file", "redis:/(hidden)@h: there is no such file"),
        ("REDIS://u:hunter2@h", "REDIS://(hidden)@h"),
        (URL_FORMS, URL_FORMS),
        ("tasks/a@b and redis://h:1/0", "tasks/a@b and redis://h:1/0"),
    ],
)
def test_passwords_are_hidden_and_the_rest_is_kept(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


def test_a_password_is_known_as_it_is_written_and_as_it_is_meant() -> None:
    assert passwords("redis://u:p%23ss@h/0?password=a%2525&ssl_password=b") == {"p%23ss", "p#ss", "a%25", "a%", "b"}
    assert passwords("redis://[::1/0") == passwords("redis://h") == set()


@pytest.mark.parametrize("url", ["redis://u:p%23ss@h/0", "redis://h/0?password=hunter2"])
def test_campaign_json_holds_none(tmp_path: Path, url: str) -> None:
    campaign = load_campaign(QUICK, [f"redis.url={url}"])
    assert campaign.redis.url == url
    command = ["cqltui", "quick.toml", "--set", f"redis.url={url}", f"--redis-url={url}"]
    manifest.write(RunDir(tmp_path), campaign, DataSummary("d", 1, 1, ()), command, 1.0, own_server=True)
    written = (tmp_path / "campaign.json").read_text(encoding="utf-8")
    assert '"redis.url=redis://' in written
    assert not any(secret in written for secret in SECRETS)


def _fails(arguments: argparse.Namespace) -> int:
    raise RuntimeError(f"cannot reach {arguments.redis_url} nor redis://h/?password=p%23ss")


def test_the_traceback_of_an_error_of_ours_holds_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(status, "run", _fails)
    with caplog.at_level(logging.ERROR):
        assert main(["status", "--redis-url", "redis://u:hunter2@h/0"]) == ExitCode.INTERNAL
    told = caplog.text + capsys.readouterr().err
    assert "please report it" in told
    assert "in _fails" in told
    assert "redis://(hidden)@h/0 nor redis://h/?password=(hidden)" in told
    assert not any(secret in told for secret in SECRETS)
