"""Where "auto" trains: on a device that passed and is faster for this campaign, one choice a campaign."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from cqltui.app import devices, placing, readiness, selftest
from cqltui.app.devices import Device
from cqltui.app.options import RunOptions
from cqltui.app.selftest import SelfTests
from cqltui.broker.server.checkup import Level
from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import BlockConfig, Campaign, SlurmConfig
from cqltui.campaign.model import Device as Kind
from cqltui.campaign.placing import ShapeSpeed, Verdict, choose
from cqltui.cli import main
from cqltui.errors import ExitCode, InputError
from cqltui.results.rundir import RunDir
from trainer.allowance import Allowed
from trainer.config import step_flops

QUICK = load_campaign(Path(__file__).parents[2] / "campaigns" / "quick.toml")
CAMPAIGN = replace(QUICK, workers=replace(QUICK.workers, device="auto", count=4))
SMALL, WIDE = step_flops((256, 128, 64), 6, 128), step_flops((2048, 1024, 512, 256), 6, 128)
GPU = Device("cuda:0", "H100", 1, "NVRM 550", "GPU-1")
CPU = Device("cpu", "AVX2", 1)


def verdict(small: float, wide: float, device: str = "cuda:0", cores: int = 4, passed: bool = True) -> Verdict:
    """A device that takes so many times as long for a step as all cores."""
    shapes = (ShapeSpeed(WIDE, wide * 0.1, 0.1), ShapeSpeed(SMALL, small * 0.001, 0.001))
    return Verdict(device, "H100", passed, "all is well" if passed else "its losses are wrong", shapes, cores, 1.0)


def chosen_by(campaign: Campaign) -> RunOptions:
    """The options of a run of it."""
    return RunOptions(campaign, RunDir(Path("/nowhere")), None)


def of_networks(*dims: tuple[int, ...]) -> Campaign:
    """The campaign with one task of each network."""
    phase = CAMPAIGN.phases[0]
    tasks = tuple(replace(phase.tasks[0], trainer=replace(phase.tasks[0].trainer, hidden_dims=dim)) for dim in dims)
    return replace(CAMPAIGN, phases=(replace(phase, tasks=tasks),))


def test_the_campaigns_own_networks_decide() -> None:
    gpu = verdict(small=3.0, wide=0.1)  # calls take the time of small networks
    small, wide = of_networks((256, 128, 64)), of_networks((2048, 1024, 512, 256))
    assert choose(small, [gpu], 4).devices == ("cpu",)
    assert "3.0 times as long as 4 workers on the CPU" in choose(small, [gpu], 4).reason
    assert choose(wide, [gpu], 4).devices == ("cuda:0",)
    assert "10.0 times as fast here as 4 workers" in choose(wide, [gpu], 4).reason
    assert choose(of_networks((256, 128, 64), (2048, 1024, 512, 256)), [gpu], 4).devices == ("cuda:0",), "its work"
    assert choose(of_networks((16,)), [verdict(small=0.9, wide=0.1)], 4).devices == ("cpu",), "smaller still"
    assert choose(of_networks((4096, 4096)), [gpu], 4).devices == ("cuda:0",), "larger still"


def test_fewer_workers_on_the_cpu_are_slower() -> None:
    gpu = verdict(small=1.5, wide=1.5, cores=8)
    assert choose(CAMPAIGN, [gpu], 8).devices == ("cpu",)
    assert choose(CAMPAIGN, [gpu], 4).devices == ("cuda:0",)


def test_workers_elsewhere_decide_the_precision_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine multiplies bfloat16, and of the other's nothing is known: the tasks go from one to the other."""
    monkeypatch.setattr(devices, "auto_precision", lambda places: "bf16")
    alone = replace(CAMPAIGN, workers=replace(CAMPAIGN.workers, device="cpu"))
    assert any(task.auto_precision for task in alone.tasks)
    assert placing.settle(alone, None, test=False).precision == "bf16"
    both = replace(alone, blocks=(BlockConfig("gpu", SlurmConfig(), 1, device="cuda"),))
    settled = placing.settle(both, None, test=False)
    assert settled.precision == "fp32"
    assert "precision auto is fp32 for all workers: what the machines of gpu can do" in settled.reason
    began = {"placing": to_builtins(placing.settle(alone, None, test=False))}
    assert placing.settle(both, began, test=False).precision == "bf16", "a block that is added later changes no task"
    said = tuple(replace(task, auto_precision=False) for task in both.phases[0].tasks)
    fixed = replace(both, phases=(replace(both.phases[0], tasks=said),))
    assert placing.settle(fixed, None, test=False).reason == "", "the file says which"


def test_what_did_not_pass_is_never_chosen_and_several_share_the_work() -> None:
    assert choose(CAMPAIGN, [], 4).devices == ("cpu",)
    assert choose(CAMPAIGN, [], 4).reason == "", "there was nothing to choose"
    failed = choose(CAMPAIGN, [verdict(0.01, 0.01, passed=False)], 4)
    assert failed.devices == ("cpu",)
    assert "cuda:0 did not pass its self test: its losses are wrong" in failed.reason
    two = [verdict(1.5, 1.5), verdict(1.5, 1.5, "cuda:1")]
    assert choose(CAMPAIGN, two[:1], 4).devices == ("cpu",)
    assert choose(CAMPAIGN, two, 4).devices == ("cuda:0", "cuda:1"), "together they are faster"
    mixed = choose(CAMPAIGN, [verdict(0.1, 0.1, passed=False), verdict(0.1, 0.1, "cuda:1")], 4)
    assert mixed.devices == ("cuda:1",)
    assert "cuda:0 did not pass" in mixed.reason


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[str]]:
    """A machine with these devices, on which each self test finds what it is told to; the tests that were run."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(selftest, "machine_id", lambda: "m1")

    def make(found: list[Device], says: dict[str, Any], torch: str = "2.13.0") -> list[str]:
        ran: list[str] = []

        def run(place: str) -> dict[str, Any]:
            ran.append(place)
            return dict(says)

        monkeypatch.setattr(devices, "probe", lambda: (torch, (*found, CPU)))
        monkeypatch.setattr(selftest, "run", run)
        return ran

    return make


def answer(given: Verdict) -> dict[str, Any]:
    """As the self test prints it."""
    shapes = [to_builtins(shape) for shape in given.shapes]
    return {"passed": given.passed, "said": given.said, "shapes": shapes, "cores": given.cores}


FAST, FAILED = answer(verdict(0.1, 0.1)), answer(verdict(0.1, 0.1, passed=False))


def test_auto_is_the_cpu_until_the_device_was_tested(machine: Callable[..., list[str]]) -> None:
    ran = machine([GPU], FAST)
    said: list[str] = []
    before = placing.settle(CAMPAIGN, None, test=False)
    assert before.places == ("cpu",) * 4
    assert "until cuda:0 has passed a self test" in before.reason
    assert ran == [], "looking starts nothing"
    run = placing.settle(CAMPAIGN, None, said.append, test=True)
    assert run.places == ("cuda:0",) * 4
    assert run.precision == "fp32"
    assert ran == ["cuda:0"]
    assert "testing cuda:0 (H100)" in said[0]
    assert placing.settle(CAMPAIGN, None, test=False) == run, "plan shows what a run did"
    placing.settle(CAMPAIGN, None, test=True)
    assert ran == ["cuda:0"], "once"


@pytest.mark.parametrize("change", ["torch", "driver", "uuid", "machine", "version", "cores", "damaged"])
def test_a_verdict_is_of_one_machine_driver_and_version(
    machine: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str
) -> None:
    ran = machine([GPU], FAST)
    assert SelfTests("2.13.0").verdict(GPU).passed
    other, torch = GPU, "2.13.0"
    if change == "torch":
        torch = "2.14.0"
    elif change == "machine":
        monkeypatch.setattr(selftest, "machine_id", lambda: "m2")
    elif change == "version":
        monkeypatch.setattr("cqltui.__version__", "99")
    elif change == "cores":
        monkeypatch.setattr("os.cpu_count", lambda: 1)
        monkeypatch.setattr("trainer.allowance.usable_cores", lambda: 1)
        monkeypatch.setattr("trainer.allowance.cores", lambda: Allowed(99, 99))
    elif change == "damaged":
        (file,) = (tmp_path / "cache" / "cqltui" / "selftest").iterdir()
        file.write_text('{"passed": true, "said": "", "shapes": [{}]}')
    elif change == "driver":
        other = replace(GPU, driver="another")
    else:
        other = replace(GPU, uuid="another")
    assert SelfTests(torch).known(other) is None
    SelfTests(torch).verdict(other)
    assert ran == ["cuda:0", "cuda:0"]


def test_a_failure_is_not_for_ever(machine: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    ran = machine([GPU], FAILED)
    assert placing.settle(CAMPAIGN, None, test=True).places == ("cpu",) * 4
    assert placing.settle(CAMPAIGN, None, test=True).places == ("cpu",) * 4
    assert ran == ["cuda:0"]
    later = time.time() + 90_000
    monkeypatch.setattr("cqltui.app.selftest.time.time", lambda: later)
    assert SelfTests("2.13.0").known(GPU) is None, "another program may have had all of it"
    assert not SelfTests("2.13.0").verdict(GPU, again=True).passed
    assert len(ran) == 2


def test_without_a_cache_it_is_tested_each_time(
    machine: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = machine([GPU], FAST)
    (tmp_path / "cache").write_text("in the way")
    said: list[str] = []
    assert placing.settle(CAMPAIGN, None, said.append, test=True).places == ("cuda:0",) * 4
    assert "again the next time" in said[-1]
    assert ran == ["cuda:0"]


def known(kind: str, wanted: str = "auto", precision: str = "fp32") -> dict[str, Any]:
    """campaign.json of a run that began there."""
    return {"placing": {"wanted": wanted, "places": [kind], "precision": precision, "reason": "why"}}


def test_a_run_that_goes_on_stays_where_it_began(machine: Callable[..., list[str]]) -> None:
    ran = machine([GPU], FAST)
    stays = placing.settle(CAMPAIGN, known("cpu", precision="bf16"), test=True)
    assert stays.places == ("cpu",) * 4
    assert stays.precision == "bf16"
    assert stays.reason == "why", "as it was said at first"
    assert ran == [], "nothing to decide"
    gpu = placing.settle(CAMPAIGN, known("cuda:1"), test=True)
    assert gpu.places == ("cuda:0",) * 4
    assert gpu.precision == "fp32"
    machine([], FAST)
    gone = placing.settle(CAMPAIGN, known("cuda:0"), test=True)
    assert gone.places == ("cpu",) * 4
    assert gone.precision == "fp32", "the tasks stay the same"
    assert "auto was cuda when this run began, which is not here now" in gone.reason


@pytest.mark.parametrize("odd", [{}, {"placing": []}, {"placing": {"wanted": "auto", "places": "cpu"}}, known("tpu")])
def test_a_record_of_another_make_is_none(machine: Callable[..., list[str]], odd: dict[str, Any]) -> None:
    machine([GPU], FAST)
    assert placing.settle(CAMPAIGN, odd, test=True).places == ("cuda:0",) * 4


def test_what_the_user_names_is_not_tested(machine: Callable[..., list[str]]) -> None:
    ran = machine([GPU], FAILED)

    def wanting(kind: Kind) -> Campaign:
        return replace(CAMPAIGN, workers=replace(CAMPAIGN.workers, device=kind))

    assert placing.settle(wanting("cuda"), known("cpu"), test=True).places == ("cuda:0",) * 4
    assert placing.settle(wanting("cpu"), known("cuda:0"), test=True).places == ("cpu",) * 4
    assert ran == []
    with pytest.raises(InputError, match=r"workers\.device = 'mps': this machine has cuda:0, cpu"):
        placing.settle(wanting("mps"), None, test=True)


@pytest.mark.parametrize(
    ("code", "out", "err", "expected"),
    [
        (-11, "", "", "ended by signal 11: it said nothing"),
        (1, "", "Traceback\nImportError: no torch\n", "exit code 1: ImportError: no torch"),
        (0, "nonsense", "", "exit code 0: it said nothing"),
        (0, "", "", "exit code 0: it said nothing"),
        (None, "", "", "no answer within 90 s"),
    ],
)
def test_a_test_that_does_not_answer_is_not_passed(
    monkeypatch: pytest.MonkeyPatch, code: int | None, out: str, err: str, expected: str
) -> None:
    def run(command: list[str], **others: Any) -> subprocess.CompletedProcess[str]:
        assert command[command.index("--device") + 1] == "cuda"
        assert others["env"][devices.MASK] == "1"
        if code is None:
            raise subprocess.TimeoutExpired(command, 90)
        return subprocess.CompletedProcess(command, code, out, err)

    monkeypatch.delenv(devices.MASK, raising=False)
    monkeypatch.setattr("cqltui.app.selftest.subprocess.run", run)
    found = selftest.run("cuda:1")
    assert found["passed"] is False
    assert found["said"] == expected


def test_the_real_test_of_a_gpu_that_is_not_there_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.MASK, "GPU-none")  # nor is it where there are others
    found = selftest.run("cuda:0")
    assert found["passed"] is False
    assert "CUDA" in found["said"] or "NVIDIA" in found["said"]


def test_doctor_shows_the_verdict_with_date_and_speed() -> None:
    passed = readiness.self_test(verdict(0.5, 0.1))
    assert passed.level is Level.OK
    assert "passed on" in passed.found
    assert "beside 4 cores of the CPU: 10x at 2,121 MFLOP a step, 2x at 32 MFLOP a step" in passed.found
    failed = readiness.self_test(verdict(0.5, 0.1, passed=False))
    assert failed.level is Level.WARNING
    assert "its losses are wrong" in failed.found
    assert "--retest" in failed.fix


def test_plan_and_doctor_show_it(machine: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    ran = machine([GPU], FAILED)
    command = ["plan", str(CAMPAIGN.path), "--workers", "3"]
    assert main(command) == ExitCode.OK
    assert "auto is the CPU until cuda:0 has passed a self test" in capsys.readouterr().out.replace("\n", " ")
    assert ran == []
    assert main(["doctor", "--json"]) == ExitCode.OK, "a GPU that cannot be used is no error"
    findings = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert findings["device cuda:0"]["found"] == "H100, 0.0 GiB, NVRM 550"
    assert "failed on" in findings["self test of cuda:0"]["found"]
    assert ran == ["cuda:0"]
    assert main([*command, "--json"]) == ExitCode.OK
    shown = json.loads(capsys.readouterr().out)
    assert shown["device"] == "cpu"
    assert shown["device_reason"] == "auto is the CPU: cuda:0 did not pass its self test: its losses are wrong"
    machine([GPU], FAST)
    assert main(["doctor", "--json", "--retest"]) == ExitCode.OK
    findings = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert "passed on" in findings["self test of cuda:0"]["found"]
    assert main([*command, "--json"]) == ExitCode.OK
    shown = json.loads(capsys.readouterr().out)
    assert (shown["device"], shown["workers"]) == ("cuda:0", 3)
    assert "auto is cuda:0" in shown["device_reason"]


def test_doctor_says_which_limit_counted() -> None:
    gib = 1024**3
    cores, memory = Allowed(4, 64, "the CPU quota of 3.5 in X"), Allowed(gib, 64 * gib, "the limit in Y")
    found = list(readiness.allowed(cores, memory, 2))
    assert found[0].found == (
        "4 of 64, by the CPU quota of 3.5 in X: 2 workers by default, since each takes memory, one thread each"
    )
    assert found[1].found.startswith("1.0 GiB of 64.0, by the limit in Y; ")
    free = list(readiness.allowed(Allowed(8, 8), Allowed(8 * gib, 8 * gib), 8))
    assert free[0].found == "8: 8 workers by default, one thread each"
    assert json.dumps([to_builtins(finding) for finding in free])
