"""`cqltui quota`: how many workers each user of a server may have."""

import argparse
import json

from cqltui.app import options, serveruser
from cqltui.errors import ExitCode, InputError
from cqltui.later import load
from cqltui.reporters.console import console

HELP = (
    "Show how many workers each user of a server has and may have in all campaigns there; with USER N let that user "
    "have N at most, with USER --remove any number. A worker beyond waits for a place; who works already stays."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui quota`."""
    parser.add_argument("user", nargs="?", type=serveruser.user, metavar="USER", help="whose quota")
    parser.add_argument("limit", nargs="?", type=serveruser.workers, metavar="N", help="workers at most; 0: none")
    parser.add_argument("--remove", action="store_true", help="the user may have any number")
    parser.add_argument("--redis-url", metavar="URL", help="the server (default: REDIS_URL's)")
    parser.add_argument(
        "--namespace", type=options.namespace, metavar="NAME", help="the quota of the user who runs this campaign"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print a line a user, after what is asked for."""
    if arguments.remove and (arguments.user is None or arguments.limit is not None):
        raise InputError("--remove: whose quota? Give USER, and no number")
    found = load("cqltui.app.quotas").on_server(arguments)
    table = load("cqltui.reporters.quotas")
    if arguments.json:
        print(json.dumps(table.as_json(found), indent=1))
    elif not found:
        print("nobody has a quota or workers on this server; `cqltui quota USER N` sets one")
    else:
        console().print(table.quota_table(found))
    return ExitCode.OK
