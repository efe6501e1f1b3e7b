"""A run in a folder with files of the user's that have the names of modules."""

import subprocess
import sys
from pathlib import Path

from tests.integration.command import PATIENCE_S
from tests.integration.place import TASKS, Place

SHORT = ("--set", "trainer.epochs=2", "--set", "phase.quality.epochs=2")
OF_THE_USER = ("trainer", "redis", "queue", "torch", "numpy")


def test_a_run_among_files_that_are_called_as_modules_are(place: Place) -> None:
    for name in OF_THE_USER:
        (place.folder / f"{name}.py").write_text('raise SystemExit("this file is the user\'s")\n')
    command = Path(sys.executable).with_name("cqltui")
    subprocess.run([command, place.campaign.name, "--no-ui", *SHORT], cwd=place.folder, check=True, timeout=PATIENCE_S)
    assert len(place.trained()) == TASKS
