"""`cqltui schema`: the JSON Schema of the campaign file, by which an editor completes and checks it."""

import argparse
import json

from cqltui.campaign.reference import json_schema, markdown
from cqltui.errors import ExitCode

HELP = "Print the JSON Schema of the campaign file, for editors that use taplo or Even Better TOML."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `cqltui schema`."""
    parser.add_argument("--markdown", action="store_true", help="print the reference for people (Markdown) instead")


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    print(markdown().rstrip("\n") if arguments.markdown else json.dumps(json_schema(), indent=1))
    return ExitCode.OK
