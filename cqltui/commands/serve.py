"""`cqltui serve`: the screen in a browser of this machine."""

import argparse
import os

from cqltui.app import options
from cqltui.app.extras import needed
from cqltui.child import PYTHON
from cqltui.errors import ExitCode
from cqltui.later import load

HELP = (
    "Show the screen of a run in a browser on this machine (127.0.0.1). Whoever has the address that is printed can "
    "look, and with --control also command."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui serve`."""
    parser.add_argument(
        "--port", type=options.port, default=0, metavar="N", help="where to listen (default: any port that is free)"
    )
    parser.add_argument("--control", action="store_true", help="let the page pause, cancel, resubmit and stop, too")
    options.add_place(parser, by_position=True)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    needed("textual_serve.server", "serve", "the screen in a browser")
    command = [*PYTHON, "-m", "cqltui", "attach", "--browser", "control" if arguments.control else "look"]
    url, title = options.redis_url(arguments.redis_url), "cqltui"
    if url is None or arguments.run_dir is not None:
        run_dir = options.existing_run(arguments.run_dir)
        command += ["--run-dir", str(run_dir.path)]
        title = f"cqltui {run_dir.path.name}"
    if arguments.namespace is not None:
        command += ["--namespace", arguments.namespace]
    if url is not None:  # a password has no place in an argument
        os.environ[options.URL_VARIABLES[0]] = url
    how = "everything can be done there" if arguments.control else "it can only be looked at; --control for more"
    said = f"{title} is shown there: {how}. Ctrl-C ends this, and not the run."
    serving = load("cqltui.app.serving")
    serving.serve(serving.Site(command, title), arguments.port, lambda url: print(f"{url}\n{said}", flush=True))
    return ExitCode.OK
