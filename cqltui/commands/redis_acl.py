"""`cqltui redis-acl`: the rights that users of your own server need."""

import argparse
import sys

from msgspec.structs import replace

from cqltui.app import options, serveruser
from cqltui.broker.protocol.keys import Keys
from cqltui.broker.protocol.quotas import WORKERS
from cqltui.broker.server.acl import OWNER, SHARED, WORKER
from cqltui.errors import ExitCode

HELP = "Print the users that cqltui needs on your own server: one that runs campaigns, one for workers elsewhere."
TRUST = (
    "Both users have full control of the campaign in this namespace, the worker's too, and can hold up the server, "
    "since they may run any script: give their passwords only to machines that you trust with it. Neither can touch "
    "other keys. A script that does not end is ended by the first user, with SCRIPT KILL, unless it has written."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui redis-acl`."""
    parser.add_argument(
        "--namespace",
        type=serveruser.keys,
        default="",
        metavar="NAME",
        help="the campaign's [redis] namespace; 'anna-*': all that begin so",
    )
    parser.add_argument(
        "--user",
        type=serveruser.user,
        metavar="NAME",
        help="names these users NAME and NAME-worker, whose workers `cqltui quota` counts (Redis 7 or Valkey)",
    )
    parser.add_argument(
        "--db",
        type=options.database,
        default=0,
        metavar="N",
        help="the database in the campaign's URL (default 0): they may choose no other",
    )
    parser.add_argument(
        "--shared",
        action="store_true",
        help="also one for workers that all campaigns of the server share: it controls every one of them",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print a line a user, to be typed into redis-cli with a password in the place of PASSWORD; and what they can do,
    on standard error."""
    name = arguments.user or ""
    names = (name, f"{name}{WORKERS}") if name else (OWNER.user, WORKER.user)
    for role, user in zip((OWNER, WORKER), names, strict=True):
        print(replace(role, user=user).rules(arguments.namespace, database=arguments.db, counted=name))
    if arguments.shared:
        print(SHARED.rules(Keys.of_all(), database=arguments.db))
    print(f"cqltui: {TRUST}", file=sys.stderr)
    return ExitCode.OK
