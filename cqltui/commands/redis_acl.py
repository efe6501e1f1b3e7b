"""`cqltui redis-acl`: the rights that users of your own server need."""

import argparse

from cqltui.broker.acl import OWNER, WORKER
from cqltui.broker.keys import Keys
from cqltui.commands import options
from cqltui.errors import ExitCode

HELP = "Print, for your own server, the users that cqltui needs: one that runs campaigns, one for workers elsewhere."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui redis-acl`."""
    parser.add_argument(
        "--namespace", type=options.namespace, default="", metavar="NAME", help="the campaign's [redis] namespace"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print a line a user, to be typed into redis-cli with a password in the place of PASSWORD."""
    for role in (OWNER, WORKER):
        print(role.rules(Keys(arguments.namespace)))
    return ExitCode.OK
