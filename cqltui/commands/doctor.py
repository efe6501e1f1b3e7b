"""`cqltui doctor`: is this machine ready? Each finding with its fix."""

import argparse
import json
import sys
from pathlib import Path

from msgspec import to_builtins

from cqltui.app import blockchecks, options
from cqltui.app.readiness import look
from cqltui.broker.server.checkup import Level
from cqltui.campaign.load import load_campaign
from cqltui.errors import ExitCode
from cqltui.reporters.findings import SHOWN, print_findings
from cqltui.state.plain import plain

HELP = "Check this machine: Python, PyTorch and devices, server, terminal, disk. Each finding comes with its fix."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui doctor`."""
    parser.add_argument(
        "campaign",
        nargs="?",
        type=Path,
        metavar="CAMPAIGN.toml",
        help="check its blocks of workers too",
    )
    parser.add_argument("--redis-url", metavar="URL", help="check this server too (default: REDIS_URL, if it is set)")
    parser.add_argument(
        "--namespace", type=options.namespace, default="", help="the campaign's [redis] namespace on that server"
    )
    parser.add_argument("--retest", action="store_true", help="test the GPUs again, although they were tested before")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 if one is an error."""
    campaign = None if arguments.campaign is None else load_campaign(arguments.campaign)
    url = options.redis_url(arguments.redis_url) or (campaign.redis.url if campaign is not None else None)
    findings = list(look(url, arguments.namespace, tell, retest=arguments.retest))
    if campaign is not None:
        findings += blockchecks.blocks(campaign, options.run_dir(None, campaign), url)
    if arguments.json:
        print(json.dumps([to_builtins(finding) for finding in findings], indent=1))
    else:
        print_findings(findings)
    return ExitCode.UNFINISHED if any(finding.level is Level.ERROR for finding in findings) else ExitCode.OK


def tell(text: str) -> None:
    """Say what takes time, to whoever waits for it."""
    print(f"cqltui: {plain(text, SHOWN)}", file=sys.stderr)
