"""What Slurm is told and what it says, in words that a real cluster has said (Slurm 22.05)."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from cqltui.campaign.model import BlockConfig, SlurmConfig
from cqltui.placement import slurmwords
from cqltui.placement.protocol import End, Handle, State, Why
from cqltui.placement.starting import Starting, read_secrets, write_secrets

RUN = Path("/data/my runs/night %j")


def starting(**settings: object) -> Starting:
    """Those of a block "gpu" of two workers."""
    return Starting(RUN, BlockConfig("gpu", SlurmConfig(), 2, **settings), RUN / "logs")  # type: ignore[arg-type]


def test_the_names_of_jobs_tell_run_and_slot_and_nobody_elses() -> None:
    own, other = starting(), Starting(Path("/data/other/night %j"), starting().block, RUN)
    name = own.job_name("gpu-2")
    assert name.startswith("cqltui-night-j-")
    assert own.slot(name) == "gpu-2"
    assert other.slot(name) is None, "a run of the same name in another folder"
    assert own.slot(name + "x") is None
    assert own.slot(own.prefix + "gpu-1-3") is None, "a block may be called gpu-1"


def test_what_is_asked_for() -> None:
    slurm = SlurmConfig("long", "lab", time="1-12", cpus=4, memory="8G", gpus=1, options=("--constraint=a100",))
    words = slurmwords.submit(slurm, starting(), "gpu-1")
    assert words[:2] == ["sbatch", "--parsable"]
    assert {"--no-requeue", "--signal=B:TERM@60", "--partition=long", "--account=lab", "--time=1-12"} <= set(words)
    assert {"--cpus-per-task=4", "--mem=8G", "--gres=gpu:1"} <= set(words)
    assert "--output=/data/my runs/night %%j/logs/gpu-1.log" in words, "% begins a pattern of Slurm's"
    assert words[-1] == "--constraint=a100"
    assert not any(word.startswith("--qos") for word in words)


def test_the_script_makes_the_shell_the_worker_and_tells_it_its_end(tmp_path: Path) -> None:
    told = tmp_path / "told"
    python = tmp_path / "a python"
    python.write_text(f'#!/bin/sh\nprintf "%s\\n" "$CQLTUI_END_TS" "$MARK" "$OMP_NUM_THREADS" "$$" "$@" > {told}\n')
    python.chmod(0o700)
    text = slurmwords.script(
        SlurmConfig(time="2", setup=("export MARK='a b'",)), starting(python=str(python), data_root="/d"), "gpu-1"
    )
    shell = subprocess.Popen(["sh"], stdin=subprocess.PIPE, env={"PATH": os.environ["PATH"]}, text=True)
    shell.communicate(text, timeout=20)
    end_ts, mark, threads, pid, *words = told.read_text().splitlines()
    assert mark == "a b"
    assert threads == "1"
    assert int(pid) == shell.pid, "signals reach it"
    assert 100 < int(end_ts) - told.stat().st_mtime <= 121
    assert words[:5] == ["-P", "-m", "cqltui", "worker", "--worker-id"]
    assert words[words.index("--run-dir") + 1] == str(RUN)
    assert words[words.index("--data-root") + 1] == "/d"


def test_a_worker_that_does_not_see_the_run_directory_is_told_where_files_are() -> None:
    block = BlockConfig("gpu", SlurmConfig(), 1, shared=False, dir="/scratch", data_root="/d")
    words = Starting(RUN, block, RUN / "logs", store="s3://b/f").worker("gpu-1")
    assert words[-6:] == ["--store", "s3://b/f", "--dir", "/scratch", "--data-root", "/d"]
    assert "--run-dir" not in words
    assert "--store" not in Starting(RUN, starting().block, RUN / "logs", store="s3://b/f").worker("gpu-1")


def test_slurms_own_word_of_the_end_is_the_better_one() -> None:
    text = slurmwords.script(SlurmConfig(time="2"), starting(python="true"), "gpu-1")
    before = text[: text.index("exec ")] + 'echo "$CQLTUI_END_TS"\n'
    environment = {"SLURM_JOB_END_TIME": "77", "PATH": os.environ["PATH"]}
    assert subprocess.check_output(["sh"], input=before, env=environment, text=True) == "77\n"
    bare = slurmwords.script(SlurmConfig(), starting(python="true"), "gpu-1")
    assert "date" not in bare, "without a limit nobody knows"
    subprocess.run(["sh", "-n"], input=bare, env=environment, text=True, check=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 1800), ("30:15", 1815), ("2:00:05", 7205), ("1-12", 129_600), ("1-2:30", 95_400), ("0-0:0:7", 7)],
)
def test_limits_as_slurm_writes_them(text: str, seconds: int) -> None:
    assert slurmwords.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "1-", "-1", "1:2:3:4", "a", "1:b"])
def test_what_is_no_limit(text: str) -> None:
    assert slurmwords.seconds(text) is None


def test_what_squeue_tells() -> None:
    name = starting().job_name
    said = (
        f"1|{name('gpu-1')}|FAILED|768|\n2|{name('gpu-2')}|FAILED|9|\n3|{name('gpu-1')}|COMPLETED|0|\n"
        f"4|{name('gpu-2')}|PENDING|0|Resources|\n5|somebody's|RUNNING|0|\nslurm_load_jobs error\n"
        f"6|{name('gpu-1')}|NEWFANGLED|0|\n7|{name('gpu-1')}|RUNNING|0|None|\n8|{name('gpu-2')}|PENDING|0|None|\n"
    )
    assert list(slurmwords.jobs(said, starting())) == [
        (Handle("gpu-1", "1"), State.ENDED, End(Why.EXIT, 3), ""),
        (Handle("gpu-2", "2"), State.ENDED, End(Why.SIGNAL, -9), ""),
        (Handle("gpu-1", "3"), State.ENDED, End(Why.EXIT, 0), ""),
        (Handle("gpu-2", "4"), State.PENDING, None, "Resources"),
        (Handle("gpu-1", "6"), State.UNKNOWN, None, ""),
        (Handle("gpu-1", "7"), State.RUNNING, None, ""),
        (Handle("gpu-2", "8"), State.PENDING, None, ""),
    ]


@pytest.mark.parametrize(
    ("state", "code", "end", "counts"),
    [
        ("TIMEOUT", "0", End(Why.TIME_LIMIT), False),
        ("PREEMPTED", "15", End(Why.PREEMPTED), False),
        ("NODE_FAIL", "0", End(Why.NODE_LOST), False),
        ("CANCELLED", "15", End(Why.CANCELLED), False),
        ("OUT_OF_MEMORY", "0:125", End(Why.OOM), True),
        ("FAILED", "3:0", End(Why.EXIT, 3), True),
        ("FAILED", "0:9", End(Why.SIGNAL, -9), True),
        ("FAILED", "?", End(Why.EXIT, 1), True),
    ],
)
def test_why_a_job_ended_and_whether_its_tasks_may_have_done_it(state: str, code: str, end: End, counts: bool) -> None:
    assert slurmwords.end_of(state, code) == end
    assert end.counts is counts


def test_the_number_of_a_job() -> None:
    assert slurmwords.job_of("sbatch: lua: welcome\n17;cluster\n") == "17"
    assert slurmwords.job_of("error") is None
    assert slurmwords.job_of("") is None


def test_one_that_waits_is_cancelled_and_one_that_runs_is_told() -> None:
    job = Handle("gpu-1", "7")
    told = ["scancel", "--signal=TERM", "--batch", "7"]
    assert list(slurmwords.cancel(job, State.RUNNING, 60.0)) == [told]
    assert list(slurmwords.cancel(job, None, 60.0)) == [told]
    assert list(slurmwords.cancel(job, State.PENDING, 60.0)) == [["scancel", "--state=PENDING", "7"], told]
    assert ["scancel", "7"] in list(slurmwords.cancel(job, State.RUNNING, 0.0))


def test_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "blocks" / "gpu.env"
    write_secrets(path, {"CQLTUI_REDIS_URL": "redis://u:p=1@h/0"})
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_secrets(str(path)) == {"CQLTUI_REDIS_URL": "redis://u:p=1@h/0"}
    path.chmod(0o644)
    with pytest.raises(ValueError, match="others can read it"):
        read_secrets(str(path))
    text = slurmwords.script(SlurmConfig(), Starting(RUN, starting().block, RUN, path), "gpu-1")
    assert f"export CQLTUI_ENV_FILE={shlex.quote(str(path))}" in text
    assert "redis://" not in text
