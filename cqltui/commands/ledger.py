"""`cqltui ledger`: the bets that were really taken, how they stand, and whether to stop."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from cqltui.app import ledger, options
from cqltui.errors import ExitCode
from cqltui.judging.evaluated import CONFIDENT
from cqltui.ledger.bets import OPTIONS
from cqltui.ledger.export import document, export_csv, write_export
from cqltui.reporters.ledger import ledger_lines
from cqltui.state.plain import plain

HELP = "Keep the bets that were taken: settle them from results, see how they stand, and be warned."
ADD_HELP = "Add bets: those of a file as `cqltui predict -o` writes it, or one by options. The same bet twice is one."
SETTLE_HELP = "Take the results of the games that were bet on, and their closing lines, from a file of games."
SHOW_HELP = (
    "Show win rate, ROI, drawdown and closing line value, beside what a run's evaluation expected. The exit code is 1 "
    "after an alarm."
)
EXPORT_HELP = "Write the bets as CSV, a row each."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui ledger`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|settle|show|export")
    add = actions.add_parser("add", help=ADD_HELP, description=ADD_HELP)
    add.add_argument("file", nargs="?", type=Path, metavar="BETS.csv", help="a CSV of bets")
    add.add_argument("--game", dest="game_id", metavar="ID", help="the game, as GAMES.csv will name it")
    add.add_argument("--side", metavar="SIDE", help="home or away; a team, where the game's id names both")
    add.add_argument("--spread", metavar="POINTS", help="points by which that side is favoured: 3 where it gives three")
    add.add_argument("--handicap", metavar="POINTS", help="the same as bookmakers write it: -3 gives three points")
    add.add_argument("--price", metavar="ODDS", help="American odds: -110")
    add.add_argument("--net-odds", metavar="ODDS", help="in place of the price: profit per unit, 0.909")
    add.add_argument("--stake", metavar="SHARE", help="share of your largest stake, above 0 and up to 1")
    add.add_argument(
        "--at", dest="taken_at", metavar="TIME", help="when it was taken: 2022-09-11T17:00Z (default: now)"
    )
    add.add_argument(
        "--id", dest="bet_id", metavar="ID", help="a name for the bet (default: game, side, time if given)"
    )
    add.add_argument("--correct", action="store_true", help="replace a bet that is in the ledger with other terms")
    settle = actions.add_parser("settle", help=SETTLE_HELP, description=SETTLE_HELP)
    settle.add_argument("file", type=Path, metavar="GAMES.csv", help="games with home_score and away_score")
    settle.add_argument("--correct", action="store_true", help="replace results that are in the ledger and differ")
    show = actions.add_parser("show", help=SHOW_HELP, description=SHOW_HELP)
    show.add_argument("--run", dest="run_dir", type=options.directory, metavar="RUN", help="the run that advised them")
    show.add_argument(
        "--policy", default=CONFIDENT, metavar="NAME", help="whose figures to expect (default: %(default)s)"
    )
    show.add_argument("--json", action="store_true", help="as JSON")
    export = actions.add_parser("export", help=EXPORT_HELP, description=EXPORT_HELP)
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it there (default: standard output)")
    for action in (add, settle, show, export):
        action.add_argument(
            "--ledger", type=Path, default=ledger.DEFAULT, metavar="FILE", help="the ledger (default: %(default)s)"
        )


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked. 1 if a result was not taken, or after an alarm."""
    place: Path = arguments.ledger
    match arguments.action:
        case "add":
            columns = ("side", "spread", "handicap", "price", "net_odds", "stake", *OPTIONS)
            told = {name: getattr(arguments, name) for name in columns}
            for line in ledger.add(place, arguments.file, told, datetime.now(UTC), correct=arguments.correct):
                print(line)
        case "settle":
            lines, all_taken = ledger.settle(place, arguments.file, datetime.now(UTC), correct=arguments.correct)
            print("\n".join(lines))
            return ExitCode.OK if all_taken else ExitCode.UNFINISHED
        case "show":
            found = ledger.show(place, arguments.run_dir, arguments.policy)
            print(json.dumps(document(found), indent=1) if arguments.json else "\n".join(ledger_lines(found)))
            return ExitCode.UNFINISHED if found.is_alarmed else ExitCode.OK
        case "export":
            entries = ledger.entries(place)
            if arguments.output is None:
                print(export_csv(entries), end="")
            else:
                write_export(arguments.output, entries)
                print(f"written to {plain(str(arguments.output), 1000)}", file=sys.stderr)
    return ExitCode.OK
