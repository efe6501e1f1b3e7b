"""Cost of a campaign: work, list scheduling, memory, and how it is shown."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cqltui.campaign.load import load_campaign
from cqltui.campaign.model import Campaign
from cqltui.campaign.plan import Speeds, list_schedule, plan
from cqltui.cli import main
from cqltui.commands import plan as command
from cqltui.errors import InputError
from cqltui.reporters.plan import disk_warning, duration, plan_json, plan_table
from cqltui.results.room import free_bytes, taken_bytes
from cqltui.state.units import flops, size

DEEP = Path(__file__).parents[2] / "campaigns" / "deep.toml"
ROWS = 1675


@pytest.fixture(scope="module")
def deep() -> Campaign:
    return load_campaign(DEEP)


def test_work_of_the_deep_campaign(deep: Campaign) -> None:
    made = plan(deep, ROWS, workers=2)
    first = made.phases[0].tasks[0]
    assert first.steps == 2000 * 13
    # [256, 128, 64] on 6 features: products of 128 rows, three per layer, two for the first
    layers = [(6, 256), (256, 128), (128, 64), (64, 4)]
    assert first.step_flops == sum(2 * 128 * i * o * (2 if i == 6 else 3) for i, o in layers)
    assert first.params == sum(i * o + o for i, o in layers) + 2 * (256 + 128 + 64)
    assert made.flops == sum(task.flops for phase in made.phases for task in phase.tasks)
    assert [phase.name for phase in made.phases] == ["quality", "exploration", "ensemble"]
    assert not made.measured


def test_tasks_start_in_the_order_of_the_queue(deep: Campaign) -> None:
    made = plan(deep, ROWS, workers=2)
    starts = [task.start_s for task in made.queue_order]
    assert starts == sorted(starts)
    assert [planned.task for planned in made.queue_order] == deep.queue_order
    assert made.seconds == pytest.approx(made.worker_seconds / 2, rel=0.1)


def test_one_worker_needs_the_sum(deep: Campaign) -> None:
    made = plan(deep, ROWS)
    assert made.seconds == pytest.approx(made.worker_seconds)


def test_measured_speeds_replace_the_assumption(deep: Campaign) -> None:
    shape = "256-128-64:128:fp32"
    made = plan(deep, ROWS, Speeds({shape: 0.5}))
    first, second = made.phases[0].tasks[:2]
    assert (first.seconds, first.measured) == (26_000 * 0.5, True)
    assert second.measured is False
    assert second.seconds == pytest.approx(26_000 * Speeds().seconds_per_step("1:1:", second.step_flops))
    shapes = {task.algorithm.shape(task.trainer) for task in deep.tasks}
    assert len(shapes) == 9
    assert plan(deep, ROWS, Speeds(dict.fromkeys(shapes, 0.001))).measured


@given(st.lists(st.floats(0, 1000), max_size=30), st.integers(1, 6))
def test_list_scheduling(seconds: list[float], workers: int) -> None:
    starts = list_schedule(seconds, workers)
    assert starts == sorted(starts)
    spans = list(zip(starts, seconds, strict=True))
    for start, _ in spans:
        assert sum(s <= start < s + d for s, d in spans) <= workers
    if seconds:
        makespan = max(start + duration for start, duration in spans)
        assert makespan <= sum(seconds) / workers + max(seconds) + 1e-6  # Graham's bound


def test_idle_workers_share_the_tasks() -> None:
    assert list_schedule([4.0, 1.0, 1.0, 1.0], 2) == [0.0, 0.0, 1.0, 2.0]


def test_memory_counts_the_workers_and_the_largest_tasks(deep: Campaign) -> None:
    sizes = sorted((t.memory_bytes for p in plan(deep, ROWS).phases for t in p.tasks), reverse=True)
    assert plan(deep, ROWS, workers=3).memory_bytes == sum(sizes[:3])


def test_room_on_the_disk_by_hand(deep: Campaign) -> None:
    made = plan(deep, ROWS, validation_rows=500, workers=2)
    first = made.phases[0].tasks[0]
    result = 2 * 4 * first.params + 4 * 4 * 500 + 130 * 2000  # the model of the last epoch, and the best
    assert first.disk_bytes == 2 * result + 12 * first.params + (64 << 10)
    assert first.checkpoint_bytes == 12 * first.params
    left = sum(task.disk_bytes for phase in made.phases for task in phase.tasks)
    # The 20 members of the ensemble on 2 workers are packs of 10.
    packs = [task.members * 2 * task.checkpoint_bytes for phase in made.phases for task in phase.tasks]
    assert {task.members for task in made.phases[2].tasks} == {10}
    assert made.disk_bytes == left + 2 * max(packs)
    alone = plan(deep, ROWS, validation_rows=500, workers=1000)
    every = sum(2 * task.checkpoint_bytes for phase in alone.phases for task in phase.tasks)
    assert alone.disk_bytes == left + every, "no more than there are tasks"


def test_a_disk_with_less_room_is_warned_of(deep: Campaign) -> None:
    made = plan(deep, ROWS)
    assert disk_warning(made, 0, made.disk_bytes) == ""
    assert disk_warning(made, made.disk_bytes, 0) == "", "the run has taken it already"
    said = disk_warning(made, 5 << 20, 1 << 20)
    assert f"may take {size(made.disk_bytes - (5 << 20))} beside the 5.0 MiB that the run has" in said
    assert "its disk has 1.0 MiB free" in said


@pytest.mark.parametrize(
    ("number", "as_size", "as_flops"),
    [
        (0, "0 B", "0 FLOP"),
        (7, "7 B", "7 FLOP"),
        (999.6, "1,000 B", "1.0 kFLOP"),
        (1023, "1,023 B", "1.0 kFLOP"),
        (1024, "1.0 KiB", "1.0 kFLOP"),
        (99_940, "97.6 KiB", "99.9 kFLOP"),
        (99_960, "97.6 KiB", "100 kFLOP"),
        (999_700, "976 KiB", "1.0 MFLOP"),
        (3_400_000_000, "3.2 GiB", "3.4 GFLOP"),
        (2e21, "1,818,989,404 TiB", "2,000 EFLOP"),
    ],
)
def test_no_amount_reads_as_zero(number: float, as_size: str, as_flops: str) -> None:
    assert (size(number), flops(number)) == (as_size, as_flops)


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0 s"), (0.0002, "1 ms"), (0.31, "310 ms"), (0.96, "1.0 s")])
def test_no_time_reads_as_zero(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.usefixtures("probed_once")
def test_the_command_tells_the_room_and_warns_of_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", str(DEEP), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert 0 < said["disk_bytes"] < said["disk_free_bytes"]
    assert said["warnings"] == []
    monkeypatch.setattr(command, "free_bytes", lambda folder: 1 << 20)
    assert main(["plan", str(DEEP)]) == 0
    assert "warning: the run may take" in (shown := capsys.readouterr().out)
    assert "its disk has 1.0 MiB free" in shown
    assert main(["plan", str(DEEP), "--json"]) == 0
    assert "its disk has" in json.loads(capsys.readouterr().out)["warnings"][0]


def test_a_folders_room_counts_each_file_once_and_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 10_000)
    run = tmp_path / "run"
    (run / "tasks").mkdir(parents=True)
    (run / "tasks" / "a").write_bytes(b"x" * 100)
    (run / "b").hardlink_to(run / "tasks" / "a")
    (run / "c").hardlink_to(outside / "large")
    assert taken_bytes(run) == 100, "one with a name outside frees nothing"
    (run / "link").symlink_to(outside)
    assert 100 < taken_bytes(run) < 10_000
    assert taken_bytes(tmp_path / "none") == 0
    assert free_bytes(tmp_path / "none" / "nor this") == free_bytes(tmp_path) > 0


def test_a_batch_larger_than_the_data_is_refused(deep: Campaign) -> None:
    with pytest.raises(InputError) as caught:
        plan(deep, 100)
    assert len(caught.value.problems) == 3
    assert caught.value.problems[0].endswith("deep.toml: phase.quality: batch_size 128 is more than the 100 rows")


def test_the_table_shows_every_task(deep: Campaign) -> None:
    out = io.StringIO()
    Console(file=out, width=120, color_system=None).print(plan_table(plan(deep, ROWS, workers=2)))
    lines = out.getvalue().splitlines()
    assert sum(line.startswith(("quality ", "exploration ", "ensemble ")) for line in lines) == 3 + 49
    assert any("Best overall (938fc1bd)" in line and "44,100" in line for line in lines)
    assert "49 tasks on 1,675 rows" in out.getvalue()
    assert "assumed speed" in out.getvalue()


def test_a_narrow_terminal_cuts_titles_and_no_figures(deep: Campaign) -> None:
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(plan_table(plan(deep, ROWS, workers=2)))
    rows = [line for line in out.getvalue().splitlines() if line.startswith("exploration ")][1:]
    assert len(rows) == 24
    assert all(("TFLOP" in row or "GFLOP" in row) and "MiB" in row for row in rows)
    assert "…" in rows[-1]


def test_markup_in_a_title_is_shown_as_it_is(tmp_path: Path) -> None:
    text = DEEP.read_text(encoding="utf-8").replace("Best overall (938fc1bd)", "[red]x[/red]")
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    out = io.StringIO()
    Console(file=out, width=120, color_system=None).print(plan_table(plan(load_campaign(tmp_path / "c.toml"), ROWS)))
    assert "[red]x[/red]" in out.getvalue()


def test_json(deep: Campaign) -> None:
    made = plan(deep.identified("data"), ROWS, workers=2)
    shown = json.loads(json.dumps(plan_json(made)))
    assert [task["id"] for task in shown["tasks"]] == [planned.task.id for planned in made.queue_order]
    assert shown["seconds"] == made.seconds
    assert [phase["tasks"] for phase in shown["phases"]] == [5, 24, 20]


HERE = '[[workers]]\nkind = "local"\ndevice = "cpu"\ncount = {}\n'
ELSEWHERE = '[[workers]]\nkind = "slurm"\nname = "lab"\ncount = {}\n'
CAMPAIGN = """\
[campaign]
name = "blocks"
[trainer]
alpha = 0.3
lr = 1e-4
epochs = 5
hidden_dims = [8]
{}
[[phase]]
name = "p"
[phase.grid]
seed = {{ from = 1, to = 4 }}
"""


@pytest.mark.parametrize(
    ("blocks", "workers", "noted"),
    [
        (HERE.format(0), 1, [command.NOBODY]),
        ('[workers]\ndevice = "cpu"\ncount = 0\n', 1, [command.NOBODY]),
        (HERE.format(0) + ELSEWHERE.format(2), 2, ["2 workers of the block lab (slurm), each by: sbatch "]),
        (HERE.format(1) + ELSEWHERE.format(2), 3, ["2 workers of the block lab (slurm), each by: sbatch "]),
    ],
    ids=["nobody", "nobody, in the short form", "elsewhere alone", "both"],
)
def test_a_block_that_is_to_have_nobody_is_planned_without(
    blocks: str, workers: int, noted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "blocks.toml"
    file.write_text(CAMPAIGN.format(blocks), encoding="utf-8")
    assert main(["plan", str(file), "--json", "--run-dir", str(tmp_path / "run")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["workers"] == workers
    found = [note for note in said["notes"] if "worker" in note]
    assert [note[: len(start)] for note, start in zip(found, noted, strict=True)] == noted


def test_a_block_elsewhere_of_nobody_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "blocks.toml"
    file.write_text(CAMPAIGN.format(ELSEWHERE.format(0)), encoding="utf-8")
    assert main(["plan", str(file), "--run-dir", str(tmp_path / "run")]) == 2
    assert "workers.lab.count: expected an integer from 1 to 1,024, found 0" in capsys.readouterr().err
