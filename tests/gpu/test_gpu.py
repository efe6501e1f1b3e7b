"""`make gpu` on a CPU, a little of everything: what it runs, and what becomes of a stage that fails, hangs or lacks
something. All of it in full is `make gpu ARGS="--device cpu --short"`, which CI runs too.
"""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.gpu import run, stages
from tests.gpu.run import Outcome, Stage, run_stage
from tests.gpu.stages import STAGES, Place
from tests.gpu.table import markdown
from trainer import data
from trainer.config import DataConfig
from trainer.selftest import TOLERANCE
from trainer.threads import one_thread

ROOT = Path(__file__).parents[2]
CARD = {"name": "cuda:0", "description": "NVIDIA H100", "memory_bytes": 80 * 2**30, "driver": "NVRM 550", "torch": "2"}


@pytest.fixture(scope="module")
def place() -> Place:
    one_thread()
    return Place("cpu", data.load(DataConfig()), short=True)


@pytest.mark.parametrize("name", ["parity", "resume", "packs"])
def test_a_stage_passes_where_all_is_well(name: str, place: Place) -> None:
    answer = json.loads(json.dumps(STAGES[name](place)))
    assert answer["passed"], answer
    assert all(len(row) == len(answer["columns"]) for row in answer["rows"])
    assert name == "resume" or answer["rows"]


def test_a_device_that_is_off_does_not_pass(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "losses_apart", lambda *arguments, **options: 2 * TOLERANCE)
    assert not stages.parity(place)["passed"]
    monkeypatch.setattr(stages, "resume_apart", lambda *arguments: 1e-3)
    assert not stages.resume(place)["passed"]
    monkeypatch.setattr(stages, "difference", lambda *arguments: float("inf"))
    assert not stages.packs(place)["passed"]


def test_a_stage_that_hangs_dies_or_lacks_something_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def script(text: str) -> tuple[str, ...]:
        return (sys.executable, "-c", text)

    good = {"passed": True, "said": "well", "columns": ["a", "b"], "rows": [["1", "2|3"]]}
    made = [
        Stage("hangs", script("import time; print('so far', flush=True); time.sleep(60)"), 0.5, ()),
        Stage("dies", script("import os; os.abort()"), 60.0, ()),
        Stage("raises", script("raise ValueError('no kernel image')"), 60.0, ()),
        Stage("lacks", script("print('never')"), 60.0, ("torch", "no_such_package")),
        Stage("campaign", script("raise SystemExit(3)"), 60.0, (), tmp_path / "run" / "results" / "summary.json"),
        Stage("works", script(f"print({json.dumps(json.dumps(good))})"), 60.0, ()),
    ]
    monkeypatch.setattr(run, "stages", lambda device, folder, short: made)
    monkeypatch.setattr(run, "CARD", f"print({json.dumps(CARD)!r})")
    monkeypatch.setattr(run, "TRAINING", ("torch", "no_such_package"))
    began = time.monotonic()
    assert run.main(["--device", "cpu", "--docs", str(tmp_path)]) == 1
    assert time.monotonic() - began < 45
    (page,) = tmp_path.glob("gpu-*.md")
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    found = {cells[1].strip(): cells[2:] for cells in (line.split("|") for line in lines)}
    assert found["works"][0].strip() == "passed"
    assert found["1"] == [" 2/3 ", ""], "its own table"
    assert all(found[name][0].strip() == "**failed**" for name in ("hangs", "dies", "raises", "lacks", "campaign"))
    assert "ended after its 0 s: so far" in found["hangs"][2]
    assert "exit code -6" in found["dies"][2]
    assert "no kernel image" in found["raises"][2]
    assert "no_such_package missing" in found["lacks"][2]
    assert "exit code 3" in found["campaign"][2]
    printed = capsys.readouterr()
    assert "pip download" in printed.err
    assert "no_such_package" in printed.err
    assert "WHEELS=wheels" in printed.err


def test_the_time_of_all_is_limited() -> None:
    assert "were over" in run_stage(Stage("late", (sys.executable, "-c", ""), 60.0, ()), [], 0.0, os.environ).said
    made = run.stages("cuda", Path("/x"), short=False)
    assert [stage.name for stage in made] == ["parity", "resume", "packs", "memory", "speed", "quick", "deep"]
    assert run.TOTAL_S <= 8 * 60
    for stage in made[-2:]:
        assert "epochs_scale=0.1" in stage.command
        assert not set(run.CPU_ENGINE) & set(stage.needs), "a GPU trains without them"


def test_a_campaign_passes_when_all_is_done(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (tmp_path / "campaign.json").write_text('{"placing": {"places": ["cuda:0", "cuda:0"]}}')
    summary = results / "summary.json"
    stage = Stage("quick", (sys.executable, "-c", ""), 60.0, (), summary)
    for done, passed in ((5, True), (4, False)):
        summary.write_text(json.dumps({"phases": [{"tasks": 5, "statuses": {"done": done}}]}))
        found = run_stage(stage, [], 60.0, os.environ)
        assert found.passed is passed
        assert f"{done} of 5 tasks done by 2 workers on cuda:0" in found.said


def test_wheels_are_found_by_every_process(tmp_path: Path) -> None:
    wheels, target = tmp_path / "wheels", tmp_path / "target"
    wheels.mkdir()
    with pytest.raises(SystemExit, match="there is no wheel"):
        run.environment_with(wheels, target)
    (wheels / "given-1.0-py3-none-any.whl").write_bytes(b"no archive")
    with pytest.raises(SystemExit, match="the wheels do not fit"):
        run.environment_with(wheels, target)
    (wheels / "given-1.0-py3-none-any.whl").unlink()
    with zipfile.ZipFile(wheels / "given_by_wheel-1.0-py3-none-any.whl", "w") as wheel:
        about = "given_by_wheel-1.0.dist-info"
        wheel.writestr("given_by_wheel.py", "VALUE = 7\n")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: given_by_wheel\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    environment = run.environment_with(wheels, target)
    script = "import given_by_wheel, trainer; print(given_by_wheel.VALUE)"
    answer = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, cwd="/")
    assert answer.stdout == "7\n", answer.stderr


def test_a_device_that_is_not_there_is_told_before_anything_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert run.main(["--device", "cuda", "--docs", str(tmp_path / "docs")]) == 2
    assert "PyTorch sees no cuda device" in capsys.readouterr().err
    assert not (tmp_path / "docs").exists()


def test_a_campaign_on_a_gpu_needs_neither_screen_nor_compiler() -> None:
    script = """
import sys
for name in ("textual", "numba", "scipy", "hiredis"):
    sys.modules[name] = None
import cqltui.commands.run, cqltui.commands.worker, tests.gpu.stages
from cqltui.supervisor import manifest
manifest.PACKAGES = ("torch", "no-such-package")
print(sorted(manifest.versions()))
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert answer.stdout == "['cqltui', 'python', 'torch']\n", answer.stderr


def test_the_page_has_the_cards_name() -> None:
    page = markdown(CARD, [Outcome("parity", True, "well", 1.25)], shortened=False)
    assert page.startswith("# NVIDIA H100\n\n`make gpu` on cuda:0, 80 GiB; NVRM 550; torch 2, Python ")
    assert "| parity | passed | 1.2 | well |" in page
