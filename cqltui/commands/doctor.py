"""`cqltui doctor`: is this machine ready? Each finding with its fix."""

import argparse
import json
import sys
from dataclasses import asdict

from cqltui.app import options
from cqltui.app.readiness import look
from cqltui.broker.server.checkup import Level
from cqltui.errors import ExitCode
from cqltui.reporters.findings import SHOWN, print_findings
from cqltui.state.plain import plain

HELP = "Check this machine: Python, PyTorch and devices, server, terminal, disk. Each finding comes with its fix."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui doctor`."""
    parser.add_argument("--redis-url", metavar="URL", help="check this server too (default: REDIS_URL, if it is set)")
    parser.add_argument(
        "--namespace", type=options.namespace, default="", help="the campaign's [redis] namespace on that server"
    )
    parser.add_argument("--retest", action="store_true", help="test the GPUs again, although they were tested before")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 if one is an error."""
    url = options.redis_url(arguments.redis_url)
    findings = list(look(url, arguments.namespace, tell, retest=arguments.retest))
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        print_findings(findings)
    return ExitCode.UNFINISHED if any(finding.level is Level.ERROR for finding in findings) else ExitCode.OK


def tell(text: str) -> None:
    """Say what takes time, to whoever waits for it."""
    print(f"cqltui: {plain(text, SHOWN)}", file=sys.stderr)
