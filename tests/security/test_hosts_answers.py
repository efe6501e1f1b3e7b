"""A host of an ssh block that was broken into answers what it likes: it names files here, prints for ever, and asks for
our environment. The `ssh` of these tests is a stand-in that gives its answers."""

import json
import os
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

import cqltui
from cqltui.campaign.hosts import SshConfig
from cqltui.campaign.model import BlockConfig
from cqltui.placement import ssh, tools, tunnel
from cqltui.placement.protocol import Handle, PlacementError, State
from cqltui.placement.ssh import Ssh
from cqltui.placement.starting import Starting
from cqltui.placement.there import MARK, TAIL_LINES
from cqltui.placement.tools import run_tool

LIMIT_S = 60.0
ENDLESS = "import sys\nwhile True: sys.stdout.buffer.write(bytes(1 << 20)), sys.stderr.buffer.write(bytes(1 << 20))\n"
RUNS, ENDED = (
    {"job": "7@1", "state": "running"},
    {"job": "7@1", "state": "ended", "code": 1, "words": ["marker"] * 10_000},
)

Answers = Callable[..., Ssh]


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Have the host answer so from now on."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat > /dev/null\ncat '{tmp_path}/answer'\n", encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    block = BlockConfig("lab", SshConfig(("host",)), 2, python=sys.executable, shared=False)
    engine = Ssh(SshConfig(("host",)), "host", Starting(tmp_path / "run", block, tmp_path / "run" / "logs"), dict)

    def answer(**said: object) -> Ssh:
        line = f"{MARK}{json.dumps({'version': cqltui.__version__, **said})}\n"
        (tmp_path / "answer").write_text(line, encoding="utf-8")
        return engine

    return answer


def test_what_a_worker_printed_last_is_bounded(answers: Answers, tmp_path: Path) -> None:
    assert answers(jobs={"lab-1": RUNS}).list() == {Handle("lab-1", "7@1"): State.RUNNING}
    assert answers(jobs={"lab-1": ENDED}).list() == {Handle("lab-1", "7@1"): State.ENDED}
    assert (tmp_path / "run" / "logs" / "lab-1.log").read_text("utf-8") == "marker\n" * TAIL_LINES


@pytest.mark.parametrize("slot", ["../../outside", "../lab-1", "{}/outside", ".", "", "a/b", "a\nb"])
def test_a_slot_names_no_file_elsewhere(answers: Answers, tmp_path: Path, slot: str) -> None:
    slot = slot.format(tmp_path)
    (tmp_path / "run" / "logs").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    for told in (RUNS, ENDED):
        with pytest.raises(PlacementError, match=r"host: its answer is not one that cqltui gives"):
            answers(jobs={slot: told}).list()
    assert [path for path in sorted(tmp_path.rglob("*")) if path.name != "answer"] == before


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"jobs": None},
        {"jobs": [RUNS]},
        {"jobs": {"lab-1": None}},
        {"jobs": {"lab-1": {"state": "running"}}},
        {"jobs": {"lab-1": {**RUNS, "state": "gone"}}},
        {"jobs": {"lab-1": {**RUNS, "state": ["running"]}}},
        {"jobs": {"lab-1": {**RUNS, "job": "7" * (ssh.LONGEST_JOB + 1)}}},
        {"jobs": {f"lab-{n}": RUNS for n in range(ssh.MOST_JOBS + 1)}},
    ],
)
def test_an_answer_that_cannot_be_read_says_of_no_worker_that_it_is_gone(
    answers: Answers, said: dict[str, object]
) -> None:
    with pytest.raises(PlacementError, match=r"host: its answer is not one that cqltui gives") as raised:
        answers(**said).list()
    assert not raised.value.refused
    with pytest.raises(PlacementError, match=r"host: its answer is not one that cqltui gives"):
        answers(**said).start(["lab-1"])


@pytest.mark.parametrize(
    "path", ["/tmp/s${HOME}", "/tmp/s%h", "/tmp/s:/etc/passwd", "9999", "relative/s", "/tmp/a b", 7]
)
def test_a_tunnels_end_is_a_path_that_ssh_takes_as_it_is(answers: Answers, path: object) -> None:
    assert answers(socket="/tmp/s-1.sock", folder="/home/me/a.b").ends() == ("/tmp/s-1.sock", Path("/home/me/a.b"))
    for said in ({"socket": path, "folder": "/home/me"}, {"socket": "/tmp/s", "folder": path}):
        with pytest.raises(PlacementError, match=r"host: its answer is not one that cqltui gives"):
            answers(**said).ends()


def test_what_the_doctor_asks_for_is_told_whole(answers: Answers) -> None:
    whole = {"python": "3.13", "cores": 8, "has_data_root": True}
    assert answers(**whole).look() == ssh.Look("3.13", 8, has_data_root=True)
    for name, wrong in (("python", 3), ("cores", "8\x1b[2J"), ("has_data_root", None)):
        with pytest.raises(PlacementError, match=r"host: its answer is not one that cqltui gives"):
            answers(**whole | {name: wrong}).look()
    with pytest.raises(PlacementError):
        answers().look()


def test_who_prints_for_ever_takes_no_memory() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(PlacementError, match="did not answer within 1 s"):
            run_tool([sys.executable, "-c", ENDLESS], limit_s=1.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * tools.OUTPUT_BYTES


def test_who_complains_for_ever_fills_neither_disk_nor_memory() -> None:
    words = ["sh", "-c", "yes nonsense | head -c 5000000 >&2; echo the end >&2"]
    with tunnel.opened(words, subprocess.DEVNULL) as (process, errors):
        assert process.stderr is not None
        assert stat.S_ISFIFO(os.fstat(process.stderr.fileno()).st_mode), "it is no file"
        assert process.wait(LIMIT_S) == 0
        said = tunnel.said(errors)
    assert said.endswith("the end")
    assert len(said) <= tunnel.SAID_BYTES
