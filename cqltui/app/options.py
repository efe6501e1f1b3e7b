"""The options that commands share, and what they resolve to. Flags > environment > file > default."""

import argparse
import os
import re
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from cqltui.app import terminal
from cqltui.broker.protocol.keys import EXPECTED, NAMESPACE
from cqltui.broker.server.keeper import CONTROL
from cqltui.broker.server.ownership import expect_ours
from cqltui.child import clean_environment
from cqltui.errors import InputError
from cqltui.later import later
from cqltui.results.rundir import AUDIT_FORMAT, CAMPAIGN_BYTES, RunDir, read_json
from cqltui.state.plain import is_utf8, word
from cqltui.supervisor.lock import is_supervised, unusable
from cqltui.ui.preferences import THEME_NAMES
from trainer.files import read_regular
from trainer.names import suggestion

if TYPE_CHECKING:
    from cqltui.campaign.model import Campaign

load_campaign = later("cqltui.campaign.load", "load_campaign")  # most commands read no file
id_length = later("cqltui.results.known", "id_length")

RUNS = Path("runs")
_SET_ASIDE = re.compile(r"\.old-\d+$")
"""What `--fresh` puts out of the way."""
_NOTHING = ("lost+found",)  # of a disk; what begins with a dot is the system's, too
URL_VARIABLES = ("CQLTUI_REDIS_URL", "REDIS_URL")
DEVICES = ("auto", "cuda", "mps", "cpu")

Number = TypeVar("Number", int, float)


class RunOptions(Struct, frozen=True):
    """A campaign to run, and where."""

    campaign: "Campaign"
    run_dir: RunDir
    redis_url: str | None
    """None: the embedded server."""


def positive(text: str) -> int:
    """Return a whole number from 1, for argparse."""
    return _number(text, int, lambda value: value >= 1, "a whole number from 1")


def share(text: str) -> float:
    """Return a share above 0 and up to 1, for argparse."""
    return _number(text, float, lambda value: 0 < value <= 1, "a share above 0, up to 1")


def port(text: str) -> int:
    """Return the number of a port, for argparse; 0 is any that is free."""
    return _number(text, int, lambda value: 0 <= value < 1 << 16, "a port from 0 to 65,535")


def database(text: str) -> int:
    """Return the number of one of a server's databases, for argparse."""
    return _number(text, int, lambda value: 0 <= value < 1 << 31, "a whole number from 0")


def positive_seconds(text: str) -> float:
    """Return a positive number of seconds, for argparse."""
    return _number(text, float, lambda value: 0 < value < float("inf"), "a positive number of seconds")


def speed(text: str) -> float:
    """Return how many times as fast as the wall's a clock is, for argparse."""
    return _number(text, float, lambda value: 0.1 <= value <= 1e5, "a number from 0.1 to 100,000")


def price(text: str) -> float:
    """Return a price, for argparse."""
    return _number(text, float, lambda value: 0 < value <= 1e6, "a positive number, at most 1,000,000")


def _number(text: str, read: Callable[[str], Number], fits: Callable[[Number], bool], expected: str) -> Number:
    try:
        if fits(value := read(text)):
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected {expected}, found {text[:40]}")


def directory(text: str) -> Path:
    """Return a directory's path, for argparse: an empty one, of a variable that is not set, would be the current
    folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a directory, found nothing")
    return Path(text)


def namespace(text: str) -> str:
    """Return a [redis] namespace, for argparse."""
    if not NAMESPACE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected {EXPECTED}; found {text[:40]!a}")
    return text


def add_campaign(parser: argparse.ArgumentParser) -> None:
    """Add the campaign file and what may be changed of it."""
    parser.add_argument("campaign", type=Path, metavar="CAMPAIGN.toml", help="the campaign file")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a dotted key of the campaign file: trainer.lr=5e-5, phase.quality.epochs=20, epochs_scale=0.01",
    )
    parser.add_argument("--workers", type=positive, metavar="N", help="worker processes (default: one a core or GPU)")
    parser.add_argument(
        "--device",
        choices=DEVICES,
        help="where to train (default auto: a GPU that has passed its self test and is faster, else the CPU)",
    )


class _ByPosition(argparse.Action):
    """Sets a directory. Not a `type`, which argparse would ask to convert `SUPPRESS` as well."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: Any, _: Any = None
    ) -> None:
        try:
            setattr(namespace, self.dest, directory(value))
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentError(self, str(error)) from error


def add_run(parser: argparse.ArgumentParser) -> None:
    """Which run is meant, with an option or without."""
    parser.add_argument(
        "run_dir",
        nargs="?",
        action=_ByPosition,
        default=argparse.SUPPRESS,  # else it would take away what --run-dir gave
        metavar="RUN",
        help="the run: a directory, or a name in runs/ (default: the one that runs, or the only one)",
    )
    add_run_dir(parser)


def add_place(parser: argparse.ArgumentParser, *, by_position: bool = False) -> None:
    """Which run is meant, and its server. `by_position`: it may stand without an option."""
    (add_run if by_position else add_run_dir)(parser)
    parser.add_argument("--redis-url", metavar="URL", help="the server of the run, if it is not the embedded one")
    parser.add_argument(
        "--namespace",
        type=namespace,
        metavar="NAME",
        help="the campaign's [redis] namespace, with --redis-url alone",
    )


def add_run_dir(parser: argparse.ArgumentParser) -> None:
    """Where the run is."""
    parser.add_argument("--run-dir", type=directory, metavar="DIR", help="the run's directory, or its name in runs/")


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add the answer to what a start may ask."""
    parser.add_argument(
        "--yes",
        action="store_true",
        help="go on though the file withdraws what the run has trained, or the leak audit finds its data wrong",
    )


def add_no_report(parser: argparse.ArgumentParser) -> None:
    """Add the wish for no report."""
    parser.add_argument("--no-report", action="store_true", help="write no report at the end ([report] auto = false)")


def add_form(parser: argparse.ArgumentParser) -> None:
    """Add how a run is shown."""
    parser.add_argument("--no-ui", action="store_true", help="lines instead of the screen (default without a terminal)")
    parser.add_argument(
        "--json", action="store_true", help="without a screen: print one event per line on standard output"
    )


def add_look(parser: argparse.ArgumentParser) -> None:
    """Add how the screen looks, which the user's file says for good, and whether it changes anything."""
    parser.add_argument(
        "--theme", choices=THEME_NAMES, help="colours of the screen (default: as the terminal's background)"
    )
    parser.add_argument("--ascii", action="store_true", help="draw the screen with ASCII characters alone")
    parser.add_argument(
        "--plain-ui", action="store_true", help="a screen for screen readers: one panel at a time, words for drawings"
    )
    parser.add_argument("--read-only", action="store_true", help="a screen that changes nothing")


def no_terminal() -> str:
    """Return why no screen can be drawn here; nothing if one can."""
    return terminal.unfit(os.environ) if sys.stdin.isatty() and sys.stderr.isatty() else "there is no terminal"


def is_on_screen(arguments: argparse.Namespace) -> bool:
    """Return whether the run is shown on a screen; say so if one was to be expected and cannot be."""
    if arguments.no_ui or arguments.json:
        return False
    why = no_terminal()
    if why:
        print(f"cqltui: {why}: no screen can be drawn, going on as with --no-ui", file=sys.stderr)
    return not why


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """Add --verbose: a line for each task."""
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print a line for each task, however many there are"
    )


def redis_url(flag: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the server's URL from flag or environment, or None."""
    return flag or next((environment[name] for name in URL_VARIABLES if environment.get(name)), None)


def environment_with(url: str | None) -> dict[str, str]:
    """Return the environment of a child that is to use that server: a password has no place in an argument."""
    return clean_environment({} if url is None else {URL_VARIABLES[0]: url})


def load(arguments: argparse.Namespace) -> "Campaign":
    """Return the campaign as file, --set, --workers and --device say. Raises InputError."""
    campaign: Campaign = load_campaign(arguments.campaign, arguments.settings)
    workers = campaign.workers
    if arguments.workers is not None:
        workers = replace(workers, count=arguments.workers)
    if arguments.device is not None:
        workers = replace(workers, device=arguments.device)
    report = replace(campaign.report, auto=False) if getattr(arguments, "no_report", False) else campaign.report
    return replace(campaign, workers=workers, report=report)


def as_in(run_dir: RunDir, campaign: "Campaign") -> "Campaign":
    """Return the campaign with its tasks' ids as long as those of the run that is there, if there is one."""
    return replace(campaign, id_length=id_length(run_dir))


def run_options(arguments: argparse.Namespace) -> RunOptions:
    """Return what is to be run, where. Raises InputError, also for a run directory that is another user's, or a folder
    of other files."""
    campaign = load(arguments)
    found = run_dir(arguments.run_dir, campaign)
    expect_ours(found.path)
    expect_run(found)
    campaign = as_in(found, campaign)
    return RunOptions(campaign, found, redis_url(arguments.redis_url) or campaign.redis.url)


def run_dir(wanted: Path | None, campaign: "Campaign") -> RunDir:
    """Return the directory of the campaign's run, which need not be there yet. Raises InputError if it cannot be
    one."""
    path = _named(wanted or RUNS / campaign.name)
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            raise InputError(f"{path}: is a file, expected a run directory: choose another with --run-dir")
    except FileNotFoundError:
        pass  # it will be made
    except OSError as error:
        raise unusable(RunDir(path), error) from error
    return RunDir(path)


def expect_run(run_dir: RunDir) -> None:
    """Raise InputError for a folder that holds other things than a run: we would write among them, and over some. What
    was begun and cut off, or lost its campaign.json, is a run."""
    if isinstance((read_json(run_dir.campaign_json) or {}).get("campaign"), dict):
        return
    try:
        if any((run_dir.path / name).is_file() for name in ("supervisor.lock", "server/users.lock")):
            return
        found = [path for path in run_dir.path.iterdir() if not path.name.startswith(".") and path.name not in _NOTHING]
        if (read_json(run_dir.audit_json) or {}).get("format") == AUDIT_FORMAT:
            found.remove(run_dir.audit_json)
        is_begun = found == [run_dir.logs] and all(path.suffix == ".log" for path in run_dir.logs.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise unusable(run_dir, error) from error
    if found and not is_begun:
        raise InputError(
            f"{run_dir.path}: holds other files ({min(found).name}, for one) and no run (there is no campaign.json of "
            "one), which would be written among them: choose an empty folder, or a new one, with --run-dir DIR"
        )


def earlier(campaign: "Campaign") -> dict[str, Any] | None:
    """campaign.json of the campaign's run where it usually is; None if there is none."""
    return read_json(RunDir(RUNS / campaign.name).campaign_json)


def run_files() -> list[Path]:
    """Return the campaign.json of each run in runs/, by name."""
    return sorted(RUNS.glob("*/campaign.json"))


def _in_runs(run_dir: Path) -> Path:
    """Return the directory, or where there is none, the run of that name in runs/."""
    return RUNS / run_dir if not run_dir.exists() and (RUNS / run_dir / "campaign.json").exists() else run_dir


def existing_run(run_dir: Path | None) -> RunDir:
    """Return the run that is named, the only one that runs, or the only one. Raises InputError with those there are."""
    if run_dir is not None:
        found = RunDir(_named(_in_runs(run_dir)))
        try:
            read_regular(found.campaign_json, CAMPAIGN_BYTES)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            near = suggestion(str(run_dir), [path.parent.name for path in run_files()])
            raise InputError(f"{run_dir}: is not a run directory (it has no campaign.json){near}") from None
        except OSError as error:
            raise InputError(f"{run_dir}: the run cannot be read: {error.strerror}; ask its owner") from error
        return found
    found_here = [path.parent for path in run_files()]
    runs = [path for path in found_here if _SET_ASIDE.search(path.name) is None] or found_here
    live = [path for path in runs if is_supervised(RunDir(path))]
    if len(live) == 1 or len(runs) == 1:
        return RunDir(_named((live or runs)[0]))
    if not runs:
        raise InputError(f"there is no run in {RUNS.absolute()}: name one with --run-dir DIR")
    raise InputError("there are several runs, name one:", *(f"  --run-dir {word(str(path))}" for path in runs))


def _named(path: Path) -> Path:
    """Return the absolute path. Raises InputError if it could not be shown in a line, or be given to a server."""
    if CONTROL.search(found := str(path.absolute())):
        raise InputError(
            f"{word(found)}: has control characters in its name: choose another, or rename it (mv {word(found)} NAME)"
        )
    if not is_utf8(found):
        raise InputError(f"{word(found)}: its name is not UTF-8: choose another, or rename it (mv {word(found)} NAME)")
    return Path(found)
