"""A pytest plugin: collect the tests once, then fork for each change and run those that reach it until one fails."""

import gc
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import psutil
import pytest
from hypothesis import Phase, settings
from msgspec import Struct, field

from cqltui.broker.protocol.scripts import Scripts
from tests.mutants.mutant import Mutant, install
from tests.mutants.rooms import ROOT

LEAST_S = 20.0
"""A change is noticed, too, if the tests take so long (an endless loop), or five times as long as without it."""
MEMORY_BYTES = 6 * 1024**3
SURVIVED, NOTICED, COLD, BROKEN = 0, 1, 77, 78
"""Exit codes of a child. COLD asks for a process of its own; BROKEN is an error of this program."""
Reached = dict[str, set[str]]


class Child(Struct):
    """A forked process with one change."""

    place: int
    folder: Path
    since: float = field(default_factory=time.monotonic)


class Verdicts(Struct):
    """What became of each change, by its place in the list."""

    noticed_by: dict[int, str] = field(default_factory=dict)
    """"" for one that survived."""
    cold: list[int] = field(default_factory=list)
    seconds: float = 0.0
    left_out: list[str] = field(default_factory=list)
    """Tests that fail on the code as it is, some for being slowed down: they are no help."""


class Trial:
    """The plugin. After the session `verdicts` tell."""

    def __init__(self, mutants: list[Mutant], jobs: int) -> None:
        self.mutants, self.jobs = mutants, jobs
        self.verdicts = Verdicts()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of the tests' own loop."""
        settings.register_profile(
            "mutants", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
        )
        settings.load_profile("mutants")
        gc.freeze()
        folder = Path(tempfile.mkdtemp(prefix="cqltui-mutants-"))
        began = time.monotonic()
        self._fork(folder / "without", partial(_recorded, session, self.mutants, folder / "reached"))
        os.wait()
        recorded: tuple[Reached, dict[str, float], list[str]] = pickle.loads((folder / "reached").read_bytes())
        reached, took_s, self.verdicts.left_out = recorded
        limit_s = max(LEAST_S, 5 * (time.monotonic() - began))
        running: dict[int, Child] = {}
        waiting = list(range(len(self.mutants)))[::-1]
        while waiting or running:
            while waiting and len(running) < self.jobs:
                place = waiting.pop()
                mutant = self.mutants[place]
                tests = sorted(_reaching(mutant, reached), key=lambda test: took_s[test])
                child = Child(place, folder / str(place))
                running[self._fork(child.folder, partial(_tried, session, mutant, tests))] = child
            self._collect(running, limit_s)
        _end(folder)
        shutil.rmtree(folder, ignore_errors=True)
        self.verdicts.seconds = time.monotonic() - began
        return True

    def _fork(self, folder: Path, run: Callable[[], int]) -> int:
        folder.mkdir()
        if pid := os.fork():
            return pid
        code = BROKEN
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
            output = os.open(folder / "output", os.O_CREAT | os.O_WRONLY)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
            code = run()
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)

    def _collect(self, running: dict[int, Child], limit_s: float) -> None:
        """Take what has ended, and end what takes too long."""
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            time.sleep(0.01)
            for late in [pid for pid, child in running.items() if time.monotonic() - child.since > limit_s]:
                child = running.pop(late)
                os.kill(late, signal.SIGKILL)
                os.waitpid(late, 0)
                _end(child.folder)
                self.verdicts.noticed_by[child.place] = "the time limit"
            return
        child = running.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if code == COLD:
            self.verdicts.cold.append(child.place)
            return
        if code == BROKEN:
            said = (child.folder / "output").read_text(errors="replace")
            raise RuntimeError(f"{self.mutants[child.place]} could not be tried:\n{said}")
        failed = child.folder / "failed"
        by = failed.read_text() if failed.exists() else f"exit code {code}"
        self.verdicts.noticed_by[child.place] = "" if code == SURVIVED else by


def _reaching(mutant: Mutant, reached: Reached) -> Iterator[str]:
    name = mutant.file.rpartition("/")[2]
    if mutant.file.endswith(".lua"):
        wanted = "" if name in {"common.lua", "forms.lua", "align.lua"} else name
    else:
        wanted = f"{mutant.file}:{mutant.symbol.split('.<locals>')[0]}"
    return (test for test, names in reached.items() if not wanted or wanted in names)


def _recorded(session: pytest.Session, mutants: list[Mutant], target: Path) -> int:
    """Run all tests as they are, and write down which functions and scripts each reached and how long it took."""
    reached: Reached = {}
    took_s: dict[str, float] = {}
    left_out: list[str] = []
    codes: dict[int, CodeType] = {}
    scripts: set[str] = set()

    def called(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            codes[id(frame.f_code)] = frame.f_code

    plain = Scripts.run

    def run(self: Scripts, name: str, *args: Any) -> Any:
        scripts.add(f"{name}.lua")
        return plain(self, name, *args)

    Scripts.run = run  # type: ignore[method-assign]
    profile = None if all(mutant.file.endswith(".lua") for mutant in mutants) else called
    threading.setprofile(profile)
    for item, after in _in_order(session.items):
        codes.clear()
        scripts.clear()
        failed, began = session.testsfailed, time.monotonic()
        sys.setprofile(profile)
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        sys.setprofile(None)
        if session.testsfailed > failed:
            left_out.append(item.nodeid)
            continue
        took_s[item.nodeid] = time.monotonic() - began
        reached[item.nodeid] = {_name(code) for code in codes.values()} | set(scripts)
    target.write_bytes(pickle.dumps((reached, took_s, left_out)))
    return SURVIVED


def _name(code: CodeType) -> str:
    path = code.co_filename
    inside = path.startswith(str(ROOT))
    return f"{path[len(str(ROOT)) + 1 :]}:{code.co_qualname.split('.<locals>')[0]}" if inside else ""


def _tried(session: pytest.Session, mutant: Mutant, tests: list[str]) -> int:
    if not install(mutant):
        return COLD
    by_name = {item.nodeid: item for item in session.items}
    for item, after in _in_order([by_name[test] for test in tests]):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            Path(tempfile.gettempdir(), "failed").write_text(item.nodeid)
            with suppress(Exception):  # its servers end
                session.config.hook.pytest_sessionfinish(session=session, exitstatus=1)
            return NOTICED
    return SURVIVED


def _in_order(items: list[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip_longest(items, items[1:])


def _end(folder: Path) -> None:
    """End what was started in a folder and is still there: servers, of a child that could not end them."""
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in process.info["cmdline"] or ()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
