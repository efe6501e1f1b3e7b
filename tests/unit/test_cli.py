"""The command line: what it finds, what it refuses, and with which exit code."""

import json
import os
from pathlib import Path

import pytest

from cqltui.app import devices, options, readiness
from cqltui.app.asking import full_id
from cqltui.broker.server.checkup import Finding, Level
from cqltui.cli import COMMANDS, main
from cqltui.errors import ExitCode, InputError

ROOT = Path(__file__).parents[2]
QUICK = str(ROOT / "campaigns" / "quick.toml")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, probed_once: None) -> None:
    """In an empty directory, without the user's settings."""
    monkeypatch.chdir(tmp_path)
    for name in options.URL_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert "usage: cqltui" in capsys.readouterr().out


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == ExitCode.OK
    assert "CAMPAIGN.toml" in capsys.readouterr().out
    assert main(["--version"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("cqltui 0.")
    assert main([]) == ExitCode.INPUT


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.toml"], "missing.toml"),
        (["."], "folder"),
        ([QUICK, "--set", "trainer.lrr=1"], "trainer.lrr"),
        ([QUICK, "--set", "trainer.lr=nan"], "trainer.lr"),
        ([QUICK, "--set", "data.source=games", "--set", "data.path=none.csv"], "none.csv"),
        ([QUICK, "--set", "trainer.batch_size=5000"], "5,000"),
        ([QUICK, "--redis-url", "http://localhost"], "Redis URL"),
        (["status"], "--run-dir"),
        (["status", "--run-dir", "nowhere"], "nowhere"),
        (["resubmit"], "--run-dir"),
        (["logs", "--run-dir", "nowhere"], "nowhere"),
        (["worker", "--worker-id", "../x", "--run-dir", "."], "../x"),
        (["worker", "--worker-id", "w", "--device", "tpu"], "tpu"),
    ],
)
def test_wrong_input_ends_with_2_and_names_the_place(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, *([] if arguments[0] in COMMANDS else ["--no-ui"])]) == ExitCode.INPUT
    answer = capsys.readouterr()
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert list(Path.cwd().iterdir()) == []  # nothing was started


def test_run_asks_for_its_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run"])
    assert ended.value.code == ExitCode.INPUT
    assert "CAMPAIGN.toml" in capsys.readouterr().err


def test_a_server_that_does_not_answer_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--redis-url", "redis://:secret@127.0.0.1:1/0"]) == ExitCode.INTERNAL
    answer = capsys.readouterr()
    assert "127.0.0.1:1" in answer.err
    assert "secret" not in answer.err


def test_a_file_in_place_of_the_run_directory_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("here").write_text("x", encoding="utf-8")
    assert main([QUICK, "--no-ui", "--run-dir", "here"]) == ExitCode.INPUT
    assert "here" in capsys.readouterr().err


def test_flags_go_before_the_environment() -> None:
    environment = {"REDIS_URL": "redis://b", "CQLTUI_REDIS_URL": "redis://a"}
    assert options.redis_url("redis://flag", environment) == "redis://flag"
    assert options.redis_url(None, environment) == "redis://a"
    assert options.redis_url(None, {"REDIS_URL": "redis://b"}) == "redis://b"
    assert options.redis_url(None, {"REDIS_URL": ""}) is None


def test_ids_may_be_shortened_while_they_are_unique() -> None:
    known = ["0dacd399", "0dffffff", "aaaaaaaa"]
    assert full_id("aa", known) == "aaaaaaaa"
    assert full_id("0dacd399", known) == "0dacd399"
    for wrong in ("0d", "ff", ""):
        with pytest.raises(InputError):
            full_id(wrong, known)


def test_the_doctor_finds_this_machine_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == ExitCode.OK
    findings = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert {"Python", "PyTorch", "device cpu", "embedded server", "terminal", "disk"} <= findings.keys()
    assert all(finding["fix"] or finding["level"] == "ok" for finding in findings.values())


def test_the_doctor_names_a_setting_that_slows_products_down() -> None:
    assert [finding.level for finding in readiness.processor({})] == [Level.OK] * 3
    slow = list(readiness.processor({"OPENBLAS_CORETYPE": "Haswell"}))[-1]
    assert (slow.level, slow.what) == (Level.WARNING, "OpenBLAS")
    assert "Haswell" in slow.found
    assert slow.fix


def test_auto_precision_is_bf16_only_where_the_processor_multiplies_it(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16 amx\n", encoding="utf-8")
    assert devices.auto_precision(["cpu", "cpu"], info) == "bf16"
    assert devices.auto_precision(["cuda:0"], info) == "fp32"
    assert devices.auto_precision(["cpu"], tmp_path / "no such file") == "fp32"
    info.write_text("flags\t\t: fpu avx512f\nmodel name\t: avx512_bf16\n", encoding="utf-8")
    assert devices.auto_precision(["cpu"], info) == "fp32"


def test_the_doctor_looks_at_the_terminal() -> None:
    small = list(readiness.terminal({"TERM": "xterm"}, os.terminal_size((70, 20)), is_terminal=True))
    assert small[0] == Finding(
        Level.WARNING,
        "terminal",
        "70x20, TERM=xterm",
        f"enlarge it to {readiness.LEAST_COLUMNS}x{readiness.LEAST_ROWS} or more",
    )
    assert any(finding.what == "colours" and finding.fix for finding in small)
    large = readiness.terminal({"TERM": "xterm-256color"}, os.terminal_size((160, 48)), is_terminal=True)
    assert all(finding.level is Level.OK or finding.what == "encoding" for finding in large)
