"""What `cqltui doctor CAMPAIGN.toml` and `cqltui plan` say of blocks of workers, with stand-ins for Slurm."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cqltui import __version__
from cqltui.app import blockchecks, blocks
from cqltui.broker.server.checkup import Level
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.results.rundir import RunDir

FILE = """\
[campaign]
name = "b"
[trainer]
alpha = 0.3
lr = 1e-4
seed = 1
epochs = 5
hidden_dims = [8]
[[workers]]
kind = "slurm"
count = 2
partition = "long"
[[phase]]
name = "p"
[[phase.task]]
"""

Programs = Callable[..., None]


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """One of two jobs."""
    path = tmp_path / "b.toml"
    path.write_text(FILE, encoding="utf-8")
    return load_campaign(path)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Puts programs of these texts on PATH, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(**texts: str) -> None:
        for name, text in texts.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            (folder / name).chmod(0o700)

    return put


def test_a_block_that_is_ready(campaign: Campaign, programs: Programs, tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "run")
    name = blocks.starting_of(campaign, campaign.blocks[0], run_dir, None).job_name("slurm-2")
    programs(squeue=f"echo '7|{name}|RUNNING|0|'", sbatch='test "$1" = --test-only')
    found = list(blockchecks.blocks(campaign, run_dir, "redis://u:p@login:6379/0"))
    assert [(finding.level, finding.found) for finding in found] == [
        (Level.OK, "sbatch would take its jobs; 1 job of this run"),
        (Level.OK, "its workers are told a server on login"),
    ]


def test_what_is_not_ready(campaign: Campaign, programs: Programs, tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "run")
    first, route = blockchecks.blocks(campaign, run_dir, None)
    assert (first.level, first.found) == (Level.ERROR, "there is no program 'sbatch' on PATH")
    assert (route.level, route.found) == (Level.WARNING, "the embedded server is reached on this machine alone")
    programs(squeue="", sbatch="echo 'sbatch: error: invalid partition specified: long' >&2; exit 1")
    first, route = blockchecks.blocks(campaign, run_dir, "redis://127.0.0.1/0")
    assert (first.level, first.found) == (Level.ERROR, "sbatch: error: invalid partition specified: long")
    assert route.level is Level.WARNING


def test_data_that_its_workers_would_not_find(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"

    def found(text: str, data: str) -> list[str]:
        path.write_text(FILE.replace("count = 2", f"count = 2\n{text}") + data, encoding="utf-8")
        findings = blockchecks.blocks(load_campaign(path), RunDir(tmp_path / "run"), None)
        return [finding.found for finding in findings if "data" in finding.found]

    data = '[data]\nsource = "games"\npath = "games.csv"\n'
    assert found("shared = false", data) == ["its workers do not find the file of data"]
    assert found("shared = false", "") == []
    assert found("shared = false", data + "[store]\nsend_data = true\n") == []
    assert found('shared = false\ndata_root = "/d"', data) == []
    assert found("", data) == []


HOST = 'hosts = ["lab"]'


def test_hosts_of_ssh(programs: Programs, tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text(FILE.replace('kind = "slurm"', 'kind = "ssh"').replace('partition = "long"', HOST), "utf-8")
    campaign = load_campaign(path)
    run_dir = RunDir(tmp_path / "run")
    look = {"version": __version__, "python": "3.11.7", "cores": 8, "has_data_root": True, "jobs": {}}
    programs(ssh=f"echo 'cqltui-there {json.dumps(look)}'")
    found = list(blockchecks.blocks(campaign, run_dir, "redis://u:p@login:6379/0"))
    assert [(finding.level, finding.found) for finding in found] == [
        (Level.OK, f"cqltui {__version__}, Python 3.11.7, 8 cores"),
        (Level.OK, "its workers are told a server on login"),
    ]
    programs(ssh="echo 'Host key for lab has changed and you have requested strict checking.' >&2; exit 255")
    (finding,) = blockchecks.blocks(campaign, run_dir, None)
    assert finding.level is Level.ERROR
    assert "ssh-keygen -R lab" in finding.found
    assert finding.what == "block ssh on lab"
    (line,) = blocks.planned(campaign, run_dir)
    assert line.startswith("2 workers of the block ssh (ssh) on lab, each by: ssh lab ")
    assert line.endswith("-P -m cqltui worker --worker-id ssh-1 --poll-interval 1")


def test_a_block_that_dials_in_is_told_what_to_type(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    text = FILE.replace('kind = "slurm"', 'kind = "ssh"').replace('partition = "long"', 'dials_in = true\ndir = "/w"')
    path.write_text(text, encoding="utf-8")
    campaign, run_dir = load_campaign(path), RunDir(tmp_path / "run")
    (line,) = blocks.planned(campaign, run_dir)
    assert line.startswith(
        "2 workers of the block ssh (ssh), which are started by hand: cqltui worker --worker-id ssh-1"
    )
    assert line.endswith(f":{tmp_path}/run/server/ssh.guest --dir /w")
    (finding,) = blockchecks.blocks(campaign, run_dir, None)
    assert line.partition("by hand: ")[2] in finding.found


def test_nothing_lies_in_a_run_directory_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text(FILE.replace("count = 2", 'count = 2\nshared = false\nenv_file = "/etc/me/url"'), encoding="utf-8")
    campaign, run_dir = load_campaign(path), RunDir(tmp_path / "run")
    (block,) = campaign.blocks
    starting = blocks.starting_of(campaign, block, run_dir, "redis://u:p@login/0")
    said = " ".join(
        [*blocks.first_words(campaign, block, run_dir), *starting.worker("slurm-1"), str(starting.env_file)]
    )
    assert str(run_dir.path) not in said
    assert f"--chdir={Path.home()} " in said
    assert starting.environment()["CQLTUI_ENV_FILE"] == "/etc/me/url"
    lacks = "nothing there tells its workers the server's URL"
    assert lacks not in [each.found for each in blockchecks.blocks(campaign, run_dir, "redis://login/0")]
    path.write_text(FILE.replace("count = 2", "count = 2\nshared = false"), encoding="utf-8")
    assert lacks in [each.found for each in blockchecks.blocks(load_campaign(path), run_dir, "redis://login/0")]


def test_a_plan_shows_what_would_be_started(campaign: Campaign, tmp_path: Path) -> None:
    (line,) = blocks.planned(campaign, RunDir(tmp_path / "run"))
    assert line.startswith("2 workers of the block slurm (slurm), each by: sbatch --parsable --job-name=cqltui-run-")
    assert line.endswith("--partition=long")
