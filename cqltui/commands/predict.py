"""`cqltui predict`: what a run's networks advise on games that are still open, or why not."""

import argparse
import json
import sys
from pathlib import Path

from cqltui.app import options
from cqltui.app.predicting import predict
from cqltui.errors import ExitCode, InputError
from cqltui.reporters.console import console
from cqltui.reporters.predictions import count_line, head_lines, prediction_table
from cqltui.results.predictions import expect_free, predictions_csv, to_document, write_predictions
from cqltui.state.plain import plain

HELP = "Say what a run's networks would bet on games without a result, or why not; the run's verdict comes first."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add those of `cqltui predict`."""
    options.add_run(parser)
    parser.add_argument(
        "games",
        type=Path,
        metavar="GAMES.csv",
        help="games in the form of the run's data; those without a result are predicted, from those before them",
    )
    parser.add_argument(
        "--confident",
        type=options.share,
        metavar="SHARE",
        help="bet only as certainly as this share of the validation bets (default: the cut of the evaluation)",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the CSV there")
    parser.add_argument("--force", action="store_true", help="replace earlier predictions that are in FILE")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print a row a game: a table on a terminal, else CSV. 1 if the evaluation forbids believing the networks."""
    run_dir = options.existing_run(arguments.run_dir)
    if arguments.output == Path("-"):
        raise InputError("-o -: is no file: leave -o out, and pipe the CSV on from standard output")
    if arguments.output is not None:
        expect_free(arguments.output, force=arguments.force)
    found = predict(run_dir, arguments.games, arguments.confident)
    for line in (*head_lines(found.about), *(f"note: {note}" for note in found.notes), count_line(found.rows)):
        print(plain(line, 1000), file=sys.stderr)
    if arguments.output is not None:
        try:
            write_predictions(arguments.output, found.rows, force=arguments.force)
        except OSError as error:
            raise InputError(f"{arguments.output}: cannot be written: {error.strerror}") from error
        print(f"written to {plain(str(arguments.output), 1000)}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(to_document(found), indent=1))
    elif sys.stdout.isatty():
        console().print(prediction_table(found.rows))
    elif arguments.output is None:
        print(predictions_csv(found.rows), end="")
    return ExitCode.OK if found.about.trusted else ExitCode.UNFINISHED
