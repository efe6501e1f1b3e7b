"""[[workers]] and [queue] of a campaign file: where workers run, and the short form that there always was."""

import json
from pathlib import Path

import pytest

from cqltui.campaign.hosts import SshConfig
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import BlockConfig, Campaign, CommandConfig, SlurmConfig, WorkersConfig
from cqltui.errors import InputError
from cqltui.supervisor.manifest import resolved

HEAD = '[campaign]\nname = "b"\n'
TAIL = '[trainer]\nalpha = 0.3\nlr = 1e-4\nseed = 1\nepochs = 5\nhidden_dims = [8]\n[[phase]]\nname = "p"\n'
TAIL += "[[phase.task]]\n"
LOCAL = '[[workers]]\nkind = "local"\ncount = 3\n'
SLURM = '[[workers]]\nkind = "slurm"\ncount = 2\npartition = "long"\n'
SSH = '[[workers]]\nkind = "ssh"\ncount = 2\nhosts = ["a", "me@b"]\n'
COMMAND = '[[workers]]\nkind = "command"\ncount = 1\nstart = ["run", "{worker}"]\nstop = ["end", "{job}"]\n'
SKY = '[[workers]]\nkind = "command"\ncount = 1\npreset = "skypilot"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "b.toml"


def loaded(path: Path, workers: str, *settings: str) -> Campaign:
    """The campaign whose file says so of its workers."""
    path.write_text(HEAD + workers + TAIL, encoding="utf-8")
    return load_campaign(path, settings)


def refused(path: Path, workers: str, *settings: str) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(InputError) as raised:
        loaded(path, workers, *settings)
    return [line.removeprefix(str(path)) for line in str(raised.value).splitlines()]


def test_the_short_form_is_one_block_of_this_machine(path: Path) -> None:
    campaign = loaded(path, "[workers]\ncount = 3\nlease_s = 9\n")
    assert campaign.workers == WorkersConfig(count=3, lease_s=9.0)
    assert campaign == loaded(path, LOCAL + "[queue]\nlease_s = 9\n")
    assert campaign.blocks == ()


def test_several_blocks(path: Path) -> None:
    named = SLURM.replace("count = 2", 'count = 1\nname = "gpu"\ngpus = 1\nmin_priority = 7')
    campaign = loaded(path, LOCAL + SLURM + named)
    assert campaign.workers.count == 3
    assert campaign.blocks == (
        BlockConfig("slurm", SlurmConfig("long"), 2),
        BlockConfig("gpu", SlurmConfig("long", gpus=1), 1, min_priority=7),
    )
    assert [block.slots for block in campaign.blocks] == [["slurm-1", "slurm-2"], ["gpu-1"]]
    assert campaign.workers_elsewhere == 3
    own = loaded(path, COMMAND + 'list = ["ls"]\n').blocks[0]
    assert own.on == CommandConfig(start=("run", "{worker}"), list=("ls",), stop=("end", "{job}"))
    pbs = loaded(path, '[[workers]]\nkind = "command"\npreset = "pbs"\ncount = 1\noptions = ["-qlong"]\n').blocks[0]
    assert (pbs.name, pbs.kind, pbs.on) == ("pbs", "command", CommandConfig("pbs", options=("-qlong",)))
    assert loaded(path, SLURM).workers.count == 0, "nobody works here"


def test_hosts_have_the_workers_in_turn(path: Path) -> None:
    (block,) = loaded(path, SSH).blocks
    assert block == BlockConfig("ssh", SshConfig(("a", "me@b")), 2, shared=False)
    assert block.slots == ["ssh-1", "ssh-2", "ssh-3", "ssh-4"]
    assert isinstance(block.on, SshConfig)
    assert [list(block.on.share(block.slots, host)) for host in block.on.hosts] == [
        ["ssh-1", "ssh-3"],
        ["ssh-2", "ssh-4"],
    ]
    assert loaded(path, SSH).workers_elsewhere == 4
    one = SSH.replace('["a", "me@b"]', '"a"') + 'shared = {}\noptions = ["-p2222"]\n'
    assert loaded(path, one.format("true")).blocks == (BlockConfig("ssh", SshConfig(("a",), ("-p2222",)), 2),)
    logging = loaded(path, one.format("false") + 'log = "/l"\n').blocks
    assert logging == (BlockConfig("ssh", SshConfig(("a",), ("-p2222",)), 2, shared=False, log="/l"),)
    dialling = SSH.replace('hosts = ["a", "me@b"]', "dials_in = true")
    assert loaded(path, dialling).blocks == (BlockConfig("ssh", SshConfig(dials_in=True), 2, shared=False),)


def test_what_one_may_set_means_the_local_block_and_the_queue(path: Path) -> None:
    assert loaded(path, SLURM + LOCAL, "workers.count=5").workers.count == 5
    made = loaded(path, SLURM, "workers.count=5", "workers.lease_s=7", "workers.slurm.count=9", "workers[0].time=4:00")
    assert (made.workers.count, made.workers.lease_s) == (5, 7.0)
    assert made.blocks == (BlockConfig("slurm", SlurmConfig("long", time="4:00"), 9),)
    assert loaded(path, SLURM.replace("count", 'name = "s"\ncount'), "workers.s.count=9").blocks[0].count == 9
    assert loaded(path, "[queue]\nlease_s = 9\n", "workers.lease_s=7").workers.lease_s == 7.0


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        (
            "[workers]\nlease_s = 8\n[queue]\nlease_s = 9\n",
            ":6: queue.lease_s: is said twice, here and as workers.lease_s: remove one of them",
        ),
        (LOCAL + LOCAL, ":6: workers[1]: is a second block of this machine: one is enough, with a larger count"),
        (SLURM + SLURM, ":7: workers[1]: 'slurm' is the name of an earlier block: give it another"),
        (
            SLURM.replace("slurm", "slrm"),
            ":4: workers[0].kind: expected one of local, slurm, ssh, command; did you mean slurm?",
        ),
        ("[[workers]]\ncount = 1\n", ":3: workers[0]: has no kind; add kind = one of local, slurm, ssh, command"),
        (SLURM.replace("count = 2\n", ""), ":3: workers[0]: has no count; add count = N, its workers"),
        (LOCAL + "lease_s = 3\n", ":6: workers[0].lease_s: unknown key; it is the queue's: put it in [queue]"),
        (
            SLURM + 'name = "w7"\n',
            ":7: workers.w7.name: expected a name of letters, digits, - and _, 1 to 31",
        ),
        (SLURM.replace("long", "--wrap=x"), ":6: workers[0].partition: expected a name of letters, digits and _.,@+-"),
        (SLURM + 'time = "soon"\n', ":7: workers[0].time: expected a time as Slurm writes it"),
        (SLURM + 'options = ["job.sh"]\n', ":7: workers[0].options[0]: expected an option, which begins with -"),
        (SLURM + 'setup = ["a\\u001bb"]\n', ":7: workers[0].setup[0]: expected a text without control characters"),
        (SSH.replace('"a"', '"-oProxyCommand=x"'), ":6: workers[0].hosts[0]: expected a host as ssh is given it"),
        (SSH.replace('"me@b"', '"a"'), ':6: workers[0].hosts[1]: "a" repeats [0]'),
        (SSH + "dials_in = true\n", ":6: workers[0].hosts: are not reached by a block that dials in: remove them"),
        (SSH.replace("hosts", "#"), ":3: workers[0]: has no hosts; add hosts"),
        (SSH + 'env_file = "/e"\n', ":7: workers[0].env_file: unknown key"),
        (COMMAND, ":3: workers[0]: has no list; add them, or preset = one of pbs, lsf"),
        (COMMAND + 'preset = "pbs"\n', ":6: workers[0].start: is the preset's to say: remove it, or the preset"),
        (SKY, ":3: workers[0]: skypilot's workers do not see this machine's disks: add shared = false"),
        (
            SKY + 'shared = false\nenv_file = "/e"\n',
            ":8: workers[0].env_file: is not for skypilot, which brings the URL itself: remove it",
        ),
        (
            COMMAND.replace("{worker}", "{wrker}") + 'list = ["ls"]\n',
            ":6: workers[0].start: nothing is called {wrker}; did you mean worker?",
        ),
        (SLURM + 'log = "/l"\n', ":7: workers[0].log: is not for a shared disk: logs are in the run directory there"),
        (
            SKY + 'shared = false\nlog = "/l"\n',
            ":8: workers[0].log: is not for skypilot, which keeps what workers print (`sky jobs logs`): remove it",
        ),
        (
            SSH.replace('hosts = ["a", "me@b"]', "dials_in = true") + 'log = "/l"\n',
            ":7: workers[0].log: is not for workers that are started by hand, who print where they are: remove it",
        ),
        (
            COMMAND + 'list = ["ls"]\nshared = false\nlog = "/l"\n',
            ":10: workers[0].log: is named by no word of start: put {log} there, or remove it",
        ),
        ("workers = 3\n", ":3: workers: expected a table, found 3"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(path: Path, workers: str, said: str) -> None:
    if workers.startswith("workers"):
        path.write_text(workers + HEAD + TAIL, encoding="utf-8")
        with pytest.raises(InputError, match="workers: expected a table, found 3"):
            load_campaign(path)
        return
    (line,) = refused(path, workers)
    assert line.startswith(said)


def test_campaign_json_tells_of_blocks_no_words_that_may_be_secret(path: Path) -> None:
    plain = resolved(loaded(path, LOCAL))
    assert "blocks" not in plain, "as earlier versions wrote it"
    written = resolved(loaded(path, SLURM + 'setup = ["export TOKEN=marker"]\noptions = ["--comment=marker"]\n'))
    assert written["blocks"] == [{"name": "slurm", "kind": "slurm", "count": 2}]
    assert "marker" not in json.dumps(written)


def test_a_task_is_the_same_wherever_it_is_trained(path: Path) -> None:
    ids = {
        task.digest for workers in ("", LOCAL, LOCAL + SLURM) for task in loaded(path, workers).identified("data").tasks
    }
    assert len(ids) == 1
