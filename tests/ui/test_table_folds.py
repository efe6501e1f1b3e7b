"""Folded rows of the task list."""

from msgspec.structs import replace

from cqltui.state.eta import Estimate
from cqltui.state.filter import compiled
from cqltui.state.model import Lifecycle, Progress, Status, TaskInfo, TaskState
from cqltui.ui.frame import Frame
from tests.ui.test_table import NOW, frame, shown, text


def repeated(running: int = -1, seq: int = 1) -> Frame:
    """Of two alphas; of 0.3 six seeds, of 0.5 two, and one alone in another phase."""
    made = []
    for n, (alpha, seed, phase) in enumerate(
        [*((0.3, seed, "even") for seed in range(42, 48)), (0.5, 42, "even"), (0.5, 43, "even"), (0.5, 42, "odd")]
    ):
        progress = Progress("1-1", 13, 50, 100, metrics={"loss": 0.1 * (n + 1)}, best=0.2 + n / 100, best_epoch=9)
        status = Status.RUNNING if n == running else Status.DEAD if n == 5 else Status.DONE
        info = TaskInfo(f"t{n:02}", phase, f"seed {seed}", index=n, settings={"alpha": alpha, "seed": seed}, epochs=100)
        life = Lifecycle((1, seq), status, 3, token="1-1", attempt=1, finished_ts=NOW - 60, report=progress)
        made.append(TaskState(info, life, progress if status is Status.RUNNING else None))
    state = replace(frame(seq=seq).state, tasks={entry.id: entry for entry in made})
    return Frame(state, Estimate(None, {}, {}), NOW)


async def test_seeds_fold_into_one_row_and_enter_unfolds_it() -> None:
    async with shown(repeated()) as (table, app, pilot):
        await pilot.press("j", "z")
        assert str(table.border_title) == "Tasks · 9 · seeds folded"
        rows = [text(table, row) for row in range(1, 5)]
        assert rows[:2] == [
            "▌ 5D 1X ▸ 6 × alpha 0.3 92% 0.3500 ±0.1871 0.2250 ±0.0187 ━━━━━━━━━━━━━━━╸─",
            "2D ▸ 2 × alpha 0.5 100% 0.7500 ±0.0707 0.2650 ±0.0071 ━━━━━━━━━━━━━━━━━",
        ]
        assert rows[2].startswith("D done seed 42"), "what repeats nothing stands as it is"
        assert (table.cursor_id, table.chosen.group) == ("t00", tuple(f"t{n:02}" for n in range(6)))
        assert table.targets == table.chosen.group
        await pilot.press("enter", "j")
        assert [table.render_line(row).text[:14].rstrip() for row in (1, 2, 7, 8)] == [
            *("   5D 1X", "▌  D done", "   X dead", "   2D")
        ]
        assert (table.cursor_id, table.chosen.group, app.opened) == ("t00", (), [])
        await pilot.press("j", "Z")
        assert (table.cursor_id, table.row, table.targets) == ("t01", 1, ("t01",))


async def test_a_task_that_is_joined_by_another_one_stands_below_their_row() -> None:
    before = repeated()
    async with shown(before) as (table, _, pilot):
        await pilot.press("z", "G", "k")
        assert table.render_line(table.row + 2).text.startswith("   D done     seed 42")
        tasks = dict(before.state.tasks)
        added = replace(tasks["t08"].info, id="t09", index=9, settings={"alpha": 0.5, "seed": 43})
        tasks["t09"] = replace(tasks["t08"], info=added)
        table.show(replace(before, state=replace(before.state, seq=2, tasks=tasks)))
        await pilot.press("G", "enter")
        assert table.render_line(table.row + 2).text.startswith("   D done       seed 42")


async def test_a_task_that_is_new_or_defined_anew_changes_its_row() -> None:
    before = repeated()
    async with shown(before) as (table, _, pilot):
        await pilot.press("z")
        tasks = dict(before.state.tasks)
        moved = replace(tasks["t00"].info, settings={"alpha": 0.5, "seed": 44})
        tasks["t00"] = replace(tasks["t00"], info=moved)
        added = replace(tasks["t08"].info, id="t09", index=9, settings={"alpha": 0.5, "seed": 43})
        tasks["t09"] = replace(tasks["t08"], info=added)
        table.show(replace(before, state=replace(before.state, seq=2, tasks=tasks)))
        assert [row.split("0.")[0] for row in (text(table, n) for n in range(1, 4))] == [
            *("▌ 3D ▸ 3 × alpha ", "4D 1X ▸ 5 × alpha ", "2D ▸ 2 × alpha ")
        ]
        table.set_filter(compiled("seed:43..44"))
        assert table.ids == ("t00", "t07", "t01", "t02", "t09"), "only those that are found are folded"


async def test_marks_and_the_cursor_go_with_a_folded_row() -> None:
    async with shown(repeated(running=4)) as (table, _, pilot):
        assert table.cursor_id == "t04"
        await pilot.press("space", "z")
        assert table.cursor_id == "t04", "of the row that its next one went into, the one that runs"
        assert table.render_line(1).text.startswith("▌~ 1R 4D 1X")
        await pilot.press("space", "k")
        assert table.marked == {f"t{n:02}" for n in range(6)}
        assert table.render_line(1).text.startswith("▌+ ")
        await pilot.press("v", "j")
        assert len(table.marked) == 8
        await pilot.press("v", "z")
        assert str(table.border_title) == "Tasks · 9 · phases folded · 8 marked"
        table.show(repeated(running=8, seq=2))
        assert text(table, 1).startswith("▌+ 7D 1X ▸ 8 × even")
        folded = []
        for _ in range(4):
            await pilot.press("z")
            folded.append(table.fold_name)
        assert folded == ["alpha", "seed", "", "=repeat"], "each setting that differs, and then none"


async def test_folded_rows_are_sorted_by_what_they_show() -> None:
    async with shown(repeated()) as (table, _, pilot):
        await pilot.press("z")
        table.sort_by("loss")
        assert table.ids[0] == "t00"
        table.sort_by("loss", inverted=True)
        assert table.ids == ("t08", "t06", "t07", *(f"t{n:02}" for n in range(6)))
        assert text(table, 2).startswith("2D ▸ 2 ×")
        table.move_to(2)
        await pilot.press("enter")
        assert table.ids == ("t08", "t06", "t07", *(f"t{n:02}" for n in range(5, -1, -1))), (
            "what is seen is sorted, too"
        )
