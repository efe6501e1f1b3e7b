"""What `cqltui plan` says of the disk, beside what a real run takes while it goes on and at its end."""

import json
import time

from cqltui.results.room import taken_bytes
from tests.integration.place import TWO, Place

LOOK_S = 0.01
WIDE = ("--set", "trainer.hidden_dims=[256,256]", "--set", "epochs_scale=0.2", "--set", "workers.checkpoint_s=0.01")


def test_a_run_takes_no_more_than_was_planned_and_not_much_less(place: Place) -> None:
    said = json.loads(place.ask("plan", place.campaign.name, "--json", *WIDE, *TWO).out)
    run, peak = place.begin(*WIDE, *TWO), 0
    while run.code is None:
        peak = max(peak, taken_bytes(place.run_dir.path))
        time.sleep(LOOK_S)
    run.ends(0)
    assert taken_bytes(place.run_dir.path) <= peak <= said["disk_bytes"] <= 2 * peak
    again = json.loads(place.ask("plan", place.campaign.name, "--json", *WIDE, *TWO).out)
    assert again["disk_bytes"] == said["disk_bytes"]
