"""How the screen looks in each theme, with ASCII characters alone, and where it is read out."""

import re

import pytest
from msgspec.structs import replace
from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.theme import Theme
from textual.widgets import OptionList, Static

from cqltui.state.events import Kind
from cqltui.state.model import Status
from cqltui.ui.announcing import changes, sentence
from cqltui.ui.app import CqltuiApp
from cqltui.ui.messages import Answered
from cqltui.ui.panels.announcer import Announcer
from cqltui.ui.panels.header import Header
from cqltui.ui.panels.keys import KeyLine
from cqltui.ui.panels.tasks import TaskTable
from cqltui.ui.panels.view import LineView
from cqltui.ui.ports import LeaveChoice, Ports
from cqltui.ui.preferences import AUTO, THEME_NAMES, Preferences
from cqltui.ui.signs import read_out, to_ascii
from cqltui.ui.spark import bar
from cqltui.ui.theme import DARK, HIGH_CONTRAST, LIGHT, THEMES, after
from cqltui.ui.words import curve_words
from tests.ui.conftest import Bench, Compare
from tests.ui.driving import QUEUED, changed
from tests.ui.night import Night


def contrast(one: str, other: str) -> float:
    """WCAG 2's ratio of two colours."""
    light, dark = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: Color) -> float:
    parts = [part / 255 for part in (color.r, color.g, color.b)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [DARK, LIGHT, HIGH_CONTRAST], ids=lambda theme: theme.name)
def test_text_and_signs_can_be_read_on_every_ground(theme: Theme) -> None:
    grounds = [theme.background, theme.surface, theme.panel, theme.variables["block-cursor-background"]]
    text = [theme.foreground, theme.primary, theme.secondary, theme.accent]
    text += [theme.success, theme.warning, theme.error, theme.variables["block-cursor-foreground"]]
    for ground in grounds:
        assert ground is not None
        for color in text:
            assert color is not None
            assert contrast(color, ground) >= 4.5, (color, ground)
        for name in ("dim", "faint"):
            assert contrast(theme.variables[name], ground) >= 3.0, (name, ground)
    for share, least in ((0.8, 4.5), (0.55, 3.0)):  # titles of frames, as app.tcss mixes them
        mixed = Color.parse(theme.background or "").blend(Color.parse(theme.foreground or ""), share)
        assert contrast(mixed.hex, theme.background or "") >= least
    banner = Color.parse(theme.background or "").blend(Color.parse(theme.error or ""), 0.15)
    assert contrast(theme.warning or "", banner.hex) >= 4.5, "what is wrong with the run"
    focused = Color.parse(theme.background or "").blend(Color.parse(theme.primary), 0.7)
    assert contrast(focused.hex, theme.background or "") >= 3.0, "the frame of the panel that has the keys"


def test_the_key_goes_round_the_themes() -> None:
    assert tuple(THEMES) == tuple(name for name in THEME_NAMES if name != AUTO)
    assert [after(name) for name in THEMES] == ["light", "high-contrast", "ansi", "dark"]
    assert after("another") == "dark"


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("abc", "abc"),
        ("╭─┤ é│", "+-+ e|"),
        ("━━╸──", "==---"),
        ("▁▂▃▄▅▆▇█", "_.:-=+*#"),
        ("⠀⠉⣀⣿", " '.:"),
        ("● w1 · 3–4 …", "* w1 . 3-4 ."),
        ("漢字🔥", "??????"),
        ("ﬁ", "?"),
    ],
)
def test_characters_have_stand_ins_of_their_width(text: str, drawn: str) -> None:
    assert to_ascii(text) == drawn


def test_what_is_drawn_is_not_read_out() -> None:
    assert read_out("─ Tasks ━━─ ▁▂ ⠉ 5 · é") == "  Tasks          5 . e"


def test_a_bar_is_seen_without_colours() -> None:
    filled, rest = bar(0.5, 4)
    assert set(filled).isdisjoint(rest)


def test_curves_are_told_in_words() -> None:
    curve = [(epoch, 1 / epoch) for epoch in range(1, 31)]
    told = ["".join(text for text, _ in line) for line in curve_words(curve)]
    assert told[:3] == ["Loss 0.0333 at epoch 30, falling.", "Lowest 0.0333 at epoch 30.", "Epoch 30: 0.0333"]
    assert len(told) == 12
    steady, rising = curve_words([(1, 2.0), (2, 2.0)]), curve_words([(1, 1.0), (2, 3.0), (3, 4.0)])
    assert "steady" in steady[0][0][0]
    assert "rising" in rising[0][0][0]
    assert curve_words([])[0][0][0] == "No loss yet."


def test_changes_are_told_the_worst_last() -> None:
    state = Night(4_200.0).state()
    one, two, *_ = (task for task in state.tasks.values() if task.status is Status.RUNNING)
    ended = replace(one, life=replace(one.life, status=Status.DEAD))
    paused = replace(two, life=replace(two.life, status=Status.PAUSED))
    now = replace(state, tasks={**state.tasks, ended.id: ended, paused.id: paused})
    assert changes(state, state) == []
    found = changes(state, now)
    assert found[-2:] == [f"{two.info.title}: paused", f"{one.info.title}: dead"], "what has failed is read out"
    assert sentence(found[-2:]) == f"{one.info.title}: dead, and 1 more change"
    assert sentence([]) == ""


def looking(preferences: Preferences) -> Bench:
    """An app in the middle of a night, as its user prefers it."""
    night = Night(4_200.0)
    bench = Bench(night.events(), night.now)
    ports = Ports(
        source=bench.source,
        requests=bench.requests,
        logs=bench.logs,
        clock=lambda: night.now,
        preferences=preferences,
    )
    bench.app = CqltuiApp(ports)
    bench.app.animation_level = "none"
    return bench


def drawn(bench: Bench) -> str:
    """All characters of the screen."""
    strips = bench.app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


async def each_screen(bench: Bench, pilot: Pilot[LeaveChoice]) -> dict[str, str]:
    """What is drawn by name: the main screen, its panels, details, help, palette and a question."""
    found = {"main": drawn(bench)}
    for name, keys in {
        "details": ("enter",),
        "help": ("question_mark",),
        "palette": ("colon",),
        "leave": ("q",),
    }.items():
        await pilot.press(*keys)
        await bench.rest(pilot)
        found[name] = drawn(bench)
        await pilot.press("escape")
        await bench.rest(pilot)
    return found


async def test_no_byte_of_the_screen_is_beyond_ascii() -> None:
    bench = looking(Preferences(ascii=True))
    async with bench.open((160, 48)) as pilot:
        await bench.settle(pilot)
        bench.app.notify("ein Gruß …")
        for name, text in (await each_screen(bench, pilot)).items():
            assert text.isascii(), f"{name}: {re.findall(r'[^ -~]', text)[:5]}"
            assert len(text) > 1_000, name


def test_signs_have_stand_ins_of_the_same_width() -> None:
    assert to_ascii("√∞≈≤≥✓✗●○▶◆…–µ") == "v8~<>vx*o>*.-u"
    text = "a ≤ 5, b ≥ 6, 7 ≠ 8, ≤9"
    assert to_ascii(text) == read_out(text) == "a <=5, b >=6, 7 !=8, <9", "the whole sign where there is a blank for it"


async def test_a_screen_that_is_read_out_shows_one_panel_in_words() -> None:
    bench = looking(Preferences(plain=True))
    async with bench.open((160, 48)) as pilot:
        await bench.settle(pilot)
        await pilot.press("j")
        await bench.rest(pilot)
        screen = bench.app.screen
        assert [panel.id for panel in screen.query(LineView) if panel.display and panel.can_focus] == ["tasks"]
        text = drawn(bench)
        assert not re.search(r"[|+]-|-{4}|={3}|[^ -~\n]", text), "no frame, no bar"
        table = screen.query_one(TaskTable)
        assert "curve" not in table.render_line(0).text, "a column of blanks"
        cursors = [line for y in range(table.size.height) if (line := table.render_line(y).text).startswith(">")]
        assert len(cursors) == 1
        assert table.cursor_id in cursors[0]
        assert screen.query_one(Header).render_line(1).text.startswith(" running")
        announcer = screen.query_one(Announcer)
        assert announcer.region.bottom == screen.size.height - 1
        bench.give(changed(bench, Kind.TASK_PAUSED, QUEUED, "paused"))
        await bench.settle(pilot)
        assert announcer.render_line(0).text.rstrip().endswith(": paused")
        await pilot.press("2")
        await bench.rest(pilot)
        assert re.search(r"training: from 0\.\d+ at epoch 1 to 0\.\d+ at epoch \d+", drawn(bench)), drawn(bench)


async def test_the_cursor_has_a_sign_and_the_theme_changes_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = looking(Preferences(theme="light"))
    parsed: list[str] = []
    reparse = Stylesheet.reparse

    def counted(sheet: Stylesheet) -> None:
        parsed.append(bench.app.theme)
        reparse(sheet)

    monkeypatch.setattr(Stylesheet, "reparse", counted)
    async with bench.open() as pilot:
        await bench.settle(pilot)
        table = bench.app.screen.query_one(TaskTable)
        signs = [y for y in range(table.size.height) if table.render_line(y).text.startswith("▌")]
        assert len(signs) == 1
        assert bench.app.theme == "light"
        assert not parsed, "the start parses once"
        await pilot.press("t")
        assert (bench.app.theme, bench.app.memory.now.theme) == ("high-contrast", "high-contrast")
        await pilot.press("t")
        await bench.rest(pilot)
        assert bench.app.theme == parsed[-1] == "ansi"
        line = next(table.render_line(y) for y in signs)
        assert all(segment.style is not None and segment.style.reverse for segment in line)


async def test_the_background_that_the_terminal_tells_late_chooses_the_theme() -> None:
    bench = looking(Preferences())
    async with bench.open() as pilot:
        bench.app.follow_background(None)
        themes = []
        for answer in ("4;1;rgb:ffff/ffff/ffff", "11;?", "11;rgb:ffff/ffff/ffff", "11;rgb:0/0/0"):
            bench.app.post_message(Answered(answer))
            await pilot.pause()
            themes.append(bench.app.theme)
        assert themes == ["dark", "dark", "light", "light"], "another colour, none, the background, and nobody asked"


async def test_the_answer_that_enter_takes_is_seen_without_colours() -> None:
    bench = looking(Preferences(colors=False))
    async with bench.open() as pilot:
        await bench.settle(pilot)
        await pilot.press("q", "j")
        await bench.rest(pilot)
        signed = [line.strip() for line in drawn(bench).splitlines() if "▸" in line]
        assert len(signed) == 1
        assert "Drain" in signed[0]
        options = bench.app.screen.query_one(OptionList)
        styles = [next(iter(options.render_line(y))).style for y in range(4)]
        assert [style is not None and bool(style.underline) for style in styles] == [False, True, False, False]
        assert bench.app.theme == "ansi"
        await pilot.press("escape", "t")
        assert bench.app.theme == "ansi"


async def test_the_users_keys_act_and_are_told() -> None:
    bench = looking(Preferences(keymap={"tasks.mark": "m", "app.mouse": "f2", "app.help": "f1,question_mark"}))
    async with bench.open() as pilot:
        await bench.settle(pilot)
        table = bench.app.screen.query_one(TaskTable)
        await pilot.press("m", "space")
        assert len(table.marked) == 1, "the key that it had means nothing any more"
        assert bench.app.screen.query_one(KeyLine).render_line(0).text.rstrip().endswith("F1 Help q Leave")
        await pilot.press("f1")
        await bench.rest(pilot)
        told = str(bench.app.screen.query_one("#keys", Static).content)
        assert re.search(r"m +Mark the task", told)
        assert re.search(r"F2 +Turn the mouse", told)


@pytest.mark.parametrize(
    ("name", "preferences"),
    [
        ("light", Preferences(theme="light")),
        ("high-contrast", Preferences(theme="high-contrast")),
        ("ansi", Preferences(theme="ansi")),
        ("ascii", Preferences(ascii=True)),
        ("plain", Preferences(plain=True)),
    ],
)
async def test_each_look(name: str, preferences: Preferences, compare: Compare) -> None:
    bench = looking(preferences)
    async with bench.open((120, 40)) as pilot:
        await bench.settle(pilot)
        compare(bench.app, f"look-{name}-120x40")
