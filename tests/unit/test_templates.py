"""Engines that are spoken to by templates: what is filled in, what their lists say, and one that is real enough."""

import json
import os
import shlex
import signal
import time
from pathlib import Path

import pytest

from cqltui.campaign.model import BlockConfig, CommandConfig
from cqltui.placement import templates
from cqltui.placement.command import Command, start_words
from cqltui.placement.presets import PRESETS, dialect_of
from cqltui.placement.protocol import End, Handle, PlacementError, State, Why
from cqltui.placement.starting import Starting
from cqltui.placement.templates import Row

RUN = Path("/data/my runs/night")
GONE = "PATH=/nowhere"
TRACEBACK = """\
Traceback (most recent call last):
  File "/bin/ray", line 8, in <module>
    sys.exit(main())
RuntimeError: status code 500: Traceback (most recent call last):
  File "/lib/job_head.py", line 3, in submit
    raise Exception("No agent")
Exception: No agent
.
"""
"""As `ray` fails: what is wrong stands at the end of the other machine's."""


def starting(command: CommandConfig | None = None, **settings: str) -> Starting:
    """Those of a block "pool" of two workers."""
    block = BlockConfig("pool", command or CommandConfig("pbs"), 2, **settings)  # type: ignore[arg-type]
    return Starting(RUN, block, RUN / "logs", RUN / "blocks" / "pool.env")


def test_what_is_filled_in() -> None:
    own = starting()
    words = ["{worker_id}", "-o{log}", "{env_file}", '{"json": "{job}"}', "sh -c {worker}", "{Other}"]
    filled = templates.fill(words, own, "pool-1", "17")
    assert filled[:4] == ["pool-1", "-o/data/my runs/night/logs/pool-1.log", str(own.env_file), '{"json": "17"}']
    assert filled[5] == "{Other}"
    alone = templates.fill(["{worker}"], own, "pool-1")
    assert alone[0] == "/usr/bin/env"
    assert f"CQLTUI_ENV_FILE={own.env_file}" in alone
    assert alone[-1] == str(RUN)
    assert shlex.split(filled[4].removeprefix("sh -c ")) == alone


def test_what_presets_ask_for() -> None:
    own = starting()
    worker = templates.fill(["{worker}"], own, "pool-2")
    name = own.job_name("pool-2")
    pbs = start_words(PRESETS["pbs"], ("-q", "long"), own, "pool-2")
    assert pbs == ["qsub", "-N", name, "-j", "oe", "-o", str(own.log("pool-2")), "-r", "n", "-q", "long", "--", *worker]
    lsf = start_words(PRESETS["lsf"], (), own, "pool-2")
    assert lsf == ["bsub", "-J", name, "-o", str(own.log("pool-2")), "-rn", *worker]
    assert PRESETS["lsf"].job("Job <71> is submitted to default queue <normal>.\n") == "71"
    assert PRESETS["lsf"].job("Request aborted") is None
    assert PRESETS["pbs"].job("12.server\n") == "12.server"
    assert PRESETS["pbs"].job("") is None


def test_what_pbs_tells() -> None:
    told = {
        "1.s": {"Job_Name": "a", "job_state": "Q", "comment": "Not Running: too few ncpus"},
        "2.s": {"Job_Name": "b", "job_state": "R"},
        "3.s": {"Job_Name": "c", "job_state": "F", "Exit_status": 3},
        "4.s": {"Job_Name": "d", "job_state": "F", "Exit_status": 265},
        "5.s": {"Job_Name": "e", "job_state": "F", "Exit_status": -29},
        "6.s": {"Job_Name": "f", "job_state": "F", "Exit_status": -27},
        "7.s": {"Job_Name": "g", "job_state": "F"},
        "8.s": {"Job_Name": "h", "job_state": "?"},
        "9.s": 7,
    }
    assert list(PRESETS["pbs"].rows(json.dumps({"Jobs": told}))) == [
        Row("1.s", "a", State.PENDING, reason="Not Running: too few ncpus"),
        Row("2.s", "b", State.RUNNING),
        Row("3.s", "c", State.ENDED, End(Why.EXIT, 3)),
        Row("4.s", "d", State.ENDED, End(Why.SIGNAL, -9)),
        Row("5.s", "e", State.ENDED, End(Why.TIME_LIMIT)),
        Row("6.s", "f", State.ENDED, End(Why.OOM)),
        Row("7.s", "g", State.ENDED, End(Why.CANCELLED)),
        Row("8.s", "h", State.UNKNOWN),
    ]
    for nonsense in ("", "{", "[]", '{"Jobs": 3}'):
        assert list(PRESETS["pbs"].rows(nonsense)) == []


def test_what_lsf_tells() -> None:
    said = (
        "1|a|PEND|-|-|New job is waiting for scheduling;\n2|b|RUN|-|-|-\n3|c|DONE|0|-\n4|d|EXIT|3|-\n5|e|EXIT|137|-\n"
        "6|f|EXIT|140|TERM_RUNLIMIT: job killed\n"
        "7|g|EXIT|130|TERM_PREEMPT: job killed\n8|h|UNKWN|-|-\nNo job found\n"
    )
    assert list(PRESETS["lsf"].rows(said)) == [
        Row("1", "a", State.PENDING, reason="New job is waiting for scheduling"),
        Row("2", "b", State.RUNNING),
        Row("3", "c", State.ENDED, End(Why.EXIT)),
        Row("4", "d", State.ENDED, End(Why.EXIT, 3)),
        Row("5", "e", State.ENDED, End(Why.SIGNAL, -9)),
        Row("6", "f", State.ENDED, End(Why.TIME_LIMIT)),
        Row("7", "g", State.ENDED, End(Why.PREEMPTED)),
        Row("8", "h", State.UNKNOWN),
    ]


def test_what_any_program_may_tell() -> None:
    said = (
        "1 a pending no key\n2 b running\n3 c exit 3\n4 d signal 9\n5 e preempted\n6 f dancing\n7 g\n8 h node_lost -\n"
    )
    assert list(templates.plain_rows(said)) == [
        Row("1", "a", State.PENDING, reason="no key"),
        Row("2", "b", State.RUNNING),
        Row("3", "c", State.ENDED, End(Why.EXIT, 3)),
        Row("4", "d", State.ENDED, End(Why.SIGNAL, -9)),
        Row("5", "e", State.ENDED, End(Why.PREEMPTED)),
        Row("6", "f", State.UNKNOWN),
        Row("8", "h", State.ENDED, End(Why.NODE_LOST)),
    ]


@pytest.fixture
def home(tmp_path: Path) -> CommandConfig:
    """An engine of three lines of shell: jobs are processes, and their names lie in a folder."""
    start = 'sleep 60 >/dev/null 2>&1 & echo "$1" > "$0/$!"; echo "job is" $!'
    tell = "$(kill -0 $j 2>/dev/null && echo running || echo exit 1)"
    ls = f'for f in "$0"/[0-9]*; do j=${{f##*/}}; echo $j $(cat $f) {tell}; done'
    jobs = str(tmp_path / "jobs")
    Path(jobs).mkdir()
    return CommandConfig(
        start=("sh", "-c", start, jobs, "{job_name}"),
        list=("sh", "-c", ls, jobs),
        stop=("sh", "-c", "kill $0", "{job}"),
    )


def test_an_engine_of_ones_own(home: CommandConfig) -> None:
    engine = Command(home, starting(home))
    engine._starting = own = Starting(Path(home.list[-1]), starting(home).block, Path(home.list[-1]) / "logs")
    one, two = engine.start(["pool-1", "pool-2"])
    try:
        assert engine.list() == {one: State.RUNNING, two: State.RUNNING}
        assert Command(home, own).list().keys() == {one, two}, "the next supervisor finds them"
        engine.stop(one, 60.0)
        deadline = time.monotonic() + 10
        while engine.list()[one] is not State.ENDED:
            assert time.monotonic() < deadline
        assert engine.why(one) == End(Why.EXIT, 1)
        assert engine.why(Handle("pool-9", "0")) == End(Why.UNKNOWN)
    finally:
        os.kill(int(two.job), signal.SIGKILL)


def test_a_program_that_fails_says_why(home: CommandConfig, tmp_path: Path) -> None:
    own = Starting(tmp_path, starting().block, tmp_path / "logs")
    for words, said, refused in (
        (("sh", "-c", "echo no quota >&2; exit 1"), "sh: no quota", True),
        (("sh", "-c", f"printf '%s' {shlex.quote(TRACEBACK)} >&2; exit 1"), "^sh: Exception: No agent .$", True),
        (("no-such-program",), "there is no program 'no-such-program' on PATH", True),
        (("true",), "true named no job: it said ''", False),
    ):
        with pytest.raises(PlacementError, match=said) as raised:
            Command(CommandConfig(start=words, list=home.list, stop=home.stop), own).start(["pool-1"])
        assert raised.value.refused is refused
    assert dialect_of(CommandConfig("lsf")) is PRESETS["lsf"]
