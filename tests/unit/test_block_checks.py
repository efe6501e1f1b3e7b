"""What `cqltui doctor CAMPAIGN.toml` and `cqltui plan` say of blocks of workers, with stand-ins for Slurm."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

import cqltui
from cqltui.app import blockchecks, blocks
from cqltui.app.blockversions import versions
from cqltui.broker.server.checkup import Level
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign, CommandConfig, SlurmConfig
from cqltui.results.rundir import RunDir
from cqltui.state.placed import BlockInfo

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
        (Level.OK, f"{sys.executable} has cqltui {cqltui.__version__}"),
        (Level.OK, "its workers are told a server on login"),
    ]


def test_what_is_not_ready(campaign: Campaign, programs: Programs, tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "run")
    first, *_, route = blockchecks.blocks(campaign, run_dir, None)
    assert (first.level, first.found) == (Level.ERROR, "there is no program 'sbatch' on PATH")
    assert (route.level, route.found) == (Level.WARNING, "the embedded server is reached on this machine alone")
    programs(squeue="", sbatch="echo 'sbatch: error: invalid partition specified: long' >&2; exit 1")
    first, *_, route = blockchecks.blocks(campaign, run_dir, "redis://127.0.0.1/0")
    assert (first.level, first.found) == (Level.ERROR, "sbatch: error: invalid partition specified: long")
    assert route.level is Level.WARNING


OURS = cqltui.__version__


@pytest.mark.parametrize(
    ("said", "level", "found"),
    [
        (f"echo cqltui {OURS}", Level.OK, f"has cqltui {OURS}"),
        ("echo cqltui 0.0.9", Level.ERROR, f"has cqltui 0.0.9, and this is {OURS}"),
        ("echo hello", Level.ERROR, f"has cqltui an unknown version, and this is {OURS}"),
        ("echo No module named cqltui >&2; exit 1", Level.ERROR, "could not tell its cqltui: .*No module named cqltui"),
    ],
)
def test_which_cqltui_a_shared_python_has(
    campaign: Campaign, programs: Programs, tmp_path: Path, said: str, level: Level, found: str
) -> None:
    programs(python=f'test "$*" = "-P -m cqltui --version" && {{ {said}; }}')
    block = replace(campaign.blocks[0], python=str(tmp_path / "bin" / "python"))
    (finding,) = versions(block, "b")
    assert finding.level is level
    assert re.search(found, finding.found)
    with_module = replace(block, on=SlurmConfig(setup=("module load python",)))
    expected = Level.WARNING if "could not" in found else level
    assert next(versions(with_module, "b")).level is expected, "what a module brings is not here"


def test_which_cqltui_there_is_on_other_disks_a_job_tells(
    campaign: Campaign, programs: Programs, tmp_path: Path
) -> None:
    block = replace(campaign.blocks[0], shared=False, python="/opt/py", on=SlurmConfig("long", setup=("A=1",)))
    told = tmp_path / "told"
    programs(srun=f'printf "%s\\n" "$@" > {told}; echo cqltui 0.0.9')
    (finding,) = versions(block, "b")
    assert finding.found == f"/opt/py has cqltui 0.0.9, and this is {OURS}"
    words = told.read_text("utf-8").splitlines()
    assert {"--partition=long", "--immediate=30", "--time=1"} <= set(words)
    assert words[-4:] == ["sh", "-c", "A=1", "exec /opt/py -P -m cqltui --version"]
    programs(srun="echo 'srun: error: Unable to allocate resources' >&2; exit 1")
    (finding,) = versions(block, "b")
    assert finding.level is Level.WARNING, "it may be full just now"
    (finding,) = versions(replace(block, on=CommandConfig("ray")), "b")
    assert finding.found == "which cqltui its machines have is not known here"


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
    look = {"version": cqltui.__version__, "python": "3.11.7", "cores": 8, "has_data_root": True, "jobs": {}}
    programs(ssh=f"echo 'cqltui-there {json.dumps(look)}'")
    found = list(blockchecks.blocks(campaign, run_dir, "redis://u:p@login:6379/0"))
    assert [(finding.level, finding.found) for finding in found] == [
        (Level.OK, f"cqltui {cqltui.__version__}, Python 3.11.7, 8 cores"),
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


def test_nothing_lies_in_a_run_directory_that_is_not_there(tmp_path: Path, programs: Programs) -> None:
    path = tmp_path / "b.toml"
    programs()
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


KUBECTL = 'kind = "command"\npreset = "kubectl"\nimage = "i"\nsecret = "s"\nshared = false'
SKY = 'kind = "command"\npreset = "skypilot"\nshared = false'


@pytest.mark.parametrize(("block", "is_kept_here"), [(KUBECTL, False), (SKY, True)])
def test_engines_that_bring_the_url_themselves(
    tmp_path: Path, programs: Programs, block: str, is_kept_here: bool
) -> None:
    path, run_dir, url = tmp_path / "b.toml", RunDir(tmp_path / "run"), "redis://u:p@login/0"
    path.write_text(FILE.replace('kind = "slurm"', block).replace('partition = "long"', ""), encoding="utf-8")
    campaign = load_campaign(path)
    programs()
    assert [each.found for each in blockchecks.blocks(campaign, run_dir, url)][2:] == [
        "its workers are told a server on login"
    ]
    blocks.outposts(campaign, run_dir, url)
    kept = [file.read_text("utf-8") for file in run_dir.path.glob("blocks/*")]
    assert kept == (["CQLTUI_REDIS_URL=redis://u:p@login/0\n"] if is_kept_here else []), "a Secret needs no file here"
    words = blocks.starting_of(campaign, campaign.blocks[0], run_dir, url).environment()
    assert ("CQLTUI_ENV_FILE" in words) == is_kept_here


def test_a_file_of_ones_own_is_used_on_shared_disks_too(tmp_path: Path) -> None:
    path, run_dir = tmp_path / "b.toml", RunDir(tmp_path / "run")
    path.write_text(FILE.replace("count = 2", 'count = 2\nenv_file = "/etc/me/url"'), encoding="utf-8")
    campaign = load_campaign(path)
    blocks.outposts(campaign, run_dir, "redis://u:p@login/0")
    starting = blocks.starting_of(campaign, campaign.blocks[0], run_dir, "redis://u:p@login/0")
    assert starting.environment()["CQLTUI_ENV_FILE"] == "/etc/me/url"
    assert not list(run_dir.path.glob("blocks/*"))


def test_each_host_is_told_to_those_who_look(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    hosts = 'hosts = ["lab", "me@lab2"]'
    path.write_text(FILE.replace('kind = "slurm"', 'kind = "ssh"').replace('partition = "long"', hosts), "utf-8")
    told = [each.info() for each in blocks.outposts(load_campaign(path), RunDir(tmp_path / "run"), None)]
    assert told == [BlockInfo("ssh on lab", "ssh", 2), BlockInfo("ssh on me@lab2", "ssh", 2)]


def test_a_plan_shows_what_would_be_started(campaign: Campaign, tmp_path: Path) -> None:
    (line,) = blocks.planned(campaign, RunDir(tmp_path / "run"))
    assert line.startswith("2 workers of the block slurm (slurm), each by: sbatch --parsable --job-name=cqltui-run-")
    assert line.endswith("--partition=long")
