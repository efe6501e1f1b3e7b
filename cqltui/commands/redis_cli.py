"""`cqltui redis-cli`: one command to a run's server, the embedded one too, which wants a password."""

import argparse

from cqltui.app import options
from cqltui.app.run_server import open_run
from cqltui.broker.server import redis_cli

HELP = "Send one command to the run's server, such as: cqltui redis-cli zcard training_queue"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui redis-cli`; all after the first word belong to the command."""
    options.add_place(parser)
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND ...", help="as typed into redis-cli")


def run(arguments: argparse.Namespace) -> int:
    """Print the answer as redis-cli does; 1 if it is an error."""
    server, _ = open_run(arguments)
    try:
        return redis_cli.main(arguments.words, server.queue.client)
    finally:
        server.leave()
