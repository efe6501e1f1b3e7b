"""Help and palette say what the keys do where one is."""

from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

from cqltui.ui.active import ActiveKey, active_keys
from cqltui.ui.panels.keys import KeyLine, key_line
from cqltui.ui.panels.view import LineView
from cqltui.ui.ports import LeaveChoice
from cqltui.ui.preferences import Level
from cqltui.ui.screens.details import DetailsScreen
from cqltui.ui.screens.help import FRAME, HelpScreen, Section, help_lines, sections
from tests.ui.conftest import Bench
from tests.ui.driving import started


def key(name: str, level: Level, *keys: str, show: bool = False, description: str = "Do") -> ActiveKey:
    sentence = f"Do {name} as it is said here"
    return ActiveKey(name, level, keys, "", description, sentence, show, True, Widget(id="tasks"), name.split(".")[-1])


KEYS = (
    key("tasks.mark", "panel", "space"),
    key("list.down", "panel", "j", "down"),
    key("task.pause", "screen", "p"),
    key("app.quit", "app", "ctrl+q", "ctrl+c"),
)


def text(found: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(part for part, _ in line).rstrip() for line in found]


def test_the_focused_panels_own_keys_come_first_under_its_name() -> None:
    found = sections(KEYS)
    assert [section.title for section in found] == ["Tasks", "Moving", "This screen", "Everywhere"]
    assert found[1].rows == ((("j", "↓"), "Do list.down as it is said here"),)


def test_two_columns_hold_every_key_once_and_one_column_where_it_is_narrow() -> None:
    found = sections(KEYS)
    wide, narrow = text(help_lines(found, 80 - FRAME)), text(help_lines(found, 40))
    assert max(map(len, wide)) <= 80 - FRAME
    assert len(wide) < len(narrow)
    for name in ("Space", "j ↓", "Ctrl+Q", "R Q", "Tasks", "States and signs"):
        assert sum(line.count(name) for line in wide) == 1, name
        assert sum(line.count(name) for line in narrow) == 1, name
    assert not any("Ctrl+C" in line for line in wide), "there is room for one"
    assert any("Ctrl+Q Ctrl+C" in line for line in text(help_lines(found, 60)))
    long = Section("Tasks", ((("x",), "a sentence that has to go on in a second line of its column"),))
    assert max(map(len, text(help_lines([long], 30)))) <= 30
    many = Section("Tasks", tuple(((letter,), long.rows[0][1]) for letter in "abcdefghijk"))
    assert text(help_lines([many], 80 - FRAME))[0][38:40].strip(), "a column begins with a key"


def test_the_last_line_leaves_out_what_does_not_fit_but_not_the_way_out() -> None:
    keys = [
        key("tasks.open", "panel", "enter", show=True, description="Details"),
        key("task.pause", "screen", "p", show=True, description="Pause"),
        key("task.lower", "screen", "minus", description="Lower"),
        key("app.leave", "app", "q", show=True, description="Leave"),
    ]
    line, places = key_line(keys, 80)
    assert "".join(part for part, _ in line) == "Enter Details p Pause q Leave "
    assert [(place.start, place.end, place.key) for place in places] == [
        (0, 13, "enter"),
        (14, 21, "p"),
        (22, 29, "q"),
    ]
    assert "".join(part for part, _ in key_line(keys, 22)[0]) == "Enter Details q Leave "
    both = replace(key("curves.zoom_in", "panel", "plus", show=True, description="Zoom"), display="+/-")
    out, helps = key("curves.zoom_out", "panel", "minus", show=True), key("app.help", "app", "question_mark", show=True)
    line = key_line([both, out, *keys, replace(helps, action="help", description="Help")], 30)[0]
    assert "".join(part for part, _ in line) == "+/- Zoom q Leave ? Help ", "one name for both, and help before others"
    found = key_line([both, key("log.search", "panel", "slash", show=True, description="Search")], 30)[0]
    assert "".join(part for part, _ in found) == "+/- Zoom / Search ", "what stands between the two is none of them"


async def test_help_and_palette_are_of_the_panel_that_has_the_keys() -> None:
    async with started() as (bench, pilot):
        app = bench.app
        keys = active_keys(app.screen, {})
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        shown = " ".join(str(app.screen.query_one("#keys", Static).content).split())
        assert shown.startswith("Tasks")
        for found in keys:
            assert found.tooltip.split(" ", 2)[0] in shown, found.id
        await pilot.press("escape", "tab", "question_mark")
        assert "Show the task's details" not in str(app.screen.query_one("#keys", Static).content)
        await pilot.press("escape", "shift+tab", "colon", *"raise")
        await chosen(bench, pilot, "Raise the priority")
        await bench.until(pilot, lambda: bool(bench.requests.calls))
        assert bench.requests.calls[0][0] == "priority"
        await pilot.press("ctrl+p", *"show the task")
        await chosen(bench, pilot, "Show the task's details, or unfold a folded row")
        await bench.until(pilot, lambda: bench.shows(DetailsScreen))


async def chosen(bench: Bench, pilot: Pilot[LeaveChoice], name: str) -> None:
    """Take the action that the palette has found first, once it is that one."""
    await bench.until(pilot, lambda: bench.shows(CommandPalette))
    found = bench.app.screen.query_one(CommandList)
    await bench.until(
        pilot, lambda: found.highlighted == 0 and str(found.get_option_at_index(0).prompt).startswith(name)
    )
    await pilot.press("enter")


class Own(LineView):
    """A panel with a key of its own, which the screen has too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "down", "Points", show=False, id="own.points", tooltip="Show the points")
    ]


async def test_what_a_panel_takes_over_is_shown_in_the_last_line() -> None:
    async with started() as (bench, pilot):
        panel = Own("own")
        await bench.app.screen.mount(panel)
        panel.focus()
        await bench.until(pilot, lambda: panel.has_focus)
        keys = {key.id: key for key in active_keys(panel.screen, {})}
        assert keys["own.points"].show
        assert "task.pause" not in keys
        assert not keys["list.down"].show, "nobody else has it"
        await bench.until(
            pilot, lambda: bench.app.screen.query_one(KeyLine).render_line(0).text.startswith("p Points ")
        )
