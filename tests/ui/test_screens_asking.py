"""Pictures of the questions before the run is changed, and of a screen that changes nothing."""

from contextlib import nullcontext

import pytest

from cqltui.state.events import Event, Kind
from cqltui.ui.ports import FileChanges
from cqltui.ui.screens.dialog import Dialog
from tests.ui.conftest import Compare
from tests.ui.driving import DONE, changed, started
from tests.ui.test_keys_changing import FakeFile

CHANGES = FileChanges(
    (
        "What this file makes of the run in /home/anna/runs/deep:",
        "  1 new, 46 kept (9 done), 1 continued, 2 withdrawn (1 done)",
        "  new        quality, alpha 0.4 (1a2b3c4d): 2,000 epochs",
        "  continued  quality, alpha 0.3 (2b3c4d5e): 3,000 epochs, from epoch 2,000 of 938fc1bd (done, 2,000 epochs)",
        "  withdrawn  ensemble, seed 60 (3c4d5e6f): done, 1,000 epochs",
    ),
    "agreed",
)


async def test_questions(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    file = FakeFile()
    file.found = CHANGES
    async with started(file=file) as (bench, pilot):
        monkeypatch.setattr(bench.app, "suspend", nullcontext)
        seq = max(event.seq for event in bench.given) + 1
        info = {"name": "deep", "title": "Deep campaign", "workers": 4, "workers_limit": 16}
        bench.give(Event(Kind.CAMPAIGN, bench.now, 1, seq, data={"wanted": "running", "campaign": info}))
        await bench.settle(pilot)
        bench.give(changed(bench, Kind.TASK_DEAD, DONE, "dead", error="CUDA out of memory"))
        await bench.settle(pilot)
        for name, key in (("ask-workers", "w"), ("ask-copy", "y"), ("ask-drain", "d"), ("ask-dead", "R")):
            await pilot.press(key)
            await bench.rest(pilot)
            compare(bench.app, f"{name}-80x24")
            await pilot.press("escape")
        await pilot.press("e")
        await bench.until(pilot, lambda: bench.shows(Dialog))
        await bench.rest(pilot)
        compare(bench.app, "ask-apply-80x24")


async def test_read_only(compare: Compare) -> None:
    async with started(size=(80, 24), read_only=True) as (bench, pilot):
        await bench.rest(pilot)
        compare(bench.app, "read-only-80x24")
