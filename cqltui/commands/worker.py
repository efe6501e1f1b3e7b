"""`cqltui worker`: train from a queue, on this machine or on another that reaches the server."""

import argparse
from functools import partial
from pathlib import Path

from cqltui.app import options
from cqltui.app.blocks import take_secrets
from cqltui.app.dialling import dialled
from cqltui.app.joining import Joining, join
from cqltui.app.run_server import open_run
from cqltui.app.sharing import share
from cqltui.errors import InputError

HELP = (
    "Claim tasks from a queue and train them, until the queue has been empty for ten minutes. Ctrl-C: checkpoint, stop."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui worker`."""
    parser.add_argument(
        "--worker-id", required=True, metavar="ID", help="a unique name; an older worker of that name leaves"
    )
    parser.add_argument("--min-priority", type=int, metavar="N", help="take only tasks of this priority or higher")
    parser.add_argument("--poll-interval", type=options.positive_seconds, default=1.0, metavar="S")
    parser.add_argument(
        "--device", default="auto", metavar="D", help="auto (the run's own, if it is here), cpu, mps, cuda or cuda:1"
    )
    parser.add_argument(
        "--share",
        type=options.positive,
        metavar="N",
        help="workers that share the device (default: one a core)",
    )
    parser.add_argument(
        "--data-root",
        type=options.directory,
        metavar="DIR",
        help="on a machine other than the run's: the folder with the campaign's data file",
    )
    parser.add_argument(
        "--dir",
        type=Path,
        metavar="DIR",
        help="on a machine other than the run's: where this worker writes (default: runs)",
    )
    parser.add_argument(
        "--store",
        metavar="URL",
        help="on a machine other than the run's: the campaign's [store] url, for checkpoints above 8 MB",
    )
    parser.add_argument(
        "--through",
        metavar="HOST:FILE",
        help="on a machine that the run's cannot reach: how ssh reaches that one, and its file for this block "
        "(`cqltui plan` prints the words)",
    )
    parser.add_argument(
        "--shared",
        action="store_true",
        help="work for all campaigns on the server of --redis-url, for each by its [queue] weight",
    )
    options.add_place(parser)


def run(arguments: argparse.Namespace) -> int:
    """Work until there is nothing left to do."""
    take_secrets()
    joining = Joining(
        arguments.worker_id,
        arguments.device,
        arguments.share,
        arguments.min_priority,
        arguments.poll_interval,
        arguments.data_root,
        arguments.dir,
        arguments.store,
    )
    if arguments.shared:
        return _share(joining, arguments)
    if arguments.through is None:
        return join(joining, partial(open_run, arguments))
    if arguments.redis_url is not None or arguments.run_dir is not None:
        raise InputError("--through says where the run is: leave --redis-url and --run-dir out")
    with dialled(arguments.through) as arguments.redis_url:
        return join(joining, partial(open_run, arguments))


def _share(joining: Joining, arguments: argparse.Namespace) -> int:
    if arguments.through is not None:
        raise InputError("--through leads to one run, and --shared is for all campaigns on a server: leave one out")
    if arguments.run_dir is not None or arguments.namespace is not None:
        raise InputError("--shared is for all campaigns on a server: leave out --run-dir and --namespace")
    url = options.redis_url(arguments.redis_url)
    if url is None:
        raise InputError("--shared: which server? Give --redis-url URL, or set REDIS_URL")
    return share(joining, url)
