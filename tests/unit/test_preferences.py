"""The user's settings of the screen, and what the terminal says of itself."""

import argparse
import json
import os
import pty
import re
import signal
import termios
import threading
from pathlib import Path

import pytest

from cqltui import cli
from cqltui.app import options, terminal
from cqltui.app.preferences import checked_keys, config_file, line_of, open_screen, read_settings
from cqltui.app.remembering import keep
from cqltui.errors import InputError
from cqltui.ui import ground
from cqltui.ui.keymap import key_name
from cqltui.ui.remembered import Remembered


def written(folder: Path, text: str) -> Path:
    path = folder / "cqltui" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_the_file_is_read(tmp_path: Path) -> None:
    text = 'theme = "light"\nascii = true\n[keys]\n"tasks.mark" = "m"\napp.mouse = ["f2", "ctrl+o"]\n'
    found = read_settings(written(tmp_path, text))
    assert (found.theme, found.ascii, found.plain) == ("light", True, None)
    assert found.keys == {"tasks.mark": ("m",), "app.mouse": ("f2", "ctrl+o")}
    assert read_settings(tmp_path / "none").keys == {}
    assert config_file({"XDG_CONFIG_HOME": "/etc/some"}) == Path("/etc/some/cqltui/config.toml")
    assert config_file({"XDG_CONFIG_HOME": "relative", "HOME": "/home/x"}) != Path("relative/cqltui/config.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('# a\ntheme = "purple"\n', "line 2: theme = 'purple': expected one of auto, dark"),
        ("ascii = 1\n", "line 1: ascii = 1: expected true or false"),
        ("\nthemes = 1\n", "line 2: unknown 'themes'; did you mean theme?"),
        ('[keys]\n"tasks.mark" = 3\n', 'line 2: [keys] tasks.mark: expected a key such as "m", or a list of keys'),
        ('[keys]\n"tasks.mark" = []\n', "line 2: [keys] tasks.mark: expected"),
        ("keys = 3\n", "line 1: keys: expected a table: [keys]"),
        ("theme =\n", "line 1, column 8: not valid TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as error:
        read_settings(path)
    assert f"{path}: {said}" in str(error.value)


def test_lines_are_found_however_an_action_is_written() -> None:
    for text in ('[keys]\n"app.help" = 1', "[keys]\napp.help = 1", "[keys.app]\nhelp = 1", "\nkeys.app.help = 1"):
        assert line_of(text, "app.help") == 2, text
    assert line_of("[keys]\nother = 1", "app.help") == 0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('"task.mark" = "m"', "there is no such action; did you mean tasks.mark?"),
        ('"tasks.mark" = "crtl+m"', "'crtl' is no modifier; did you mean ctrl?"),
        ('"tasks.mark" = "hom"', "'hom' is no key; did you mean home?"),
        ('"tasks.mark" = "shift+a"', "write 'A'"),
        ('"tasks.mark" = "ctrl+i"', "terminals send Ctrl+I as Tab"),
        ('"tasks.mark" = "j"', "j is the key of list.down too"),
        ('"task.pause" = "x"', "x is the key of task.cancel too"),
        ('"app.quit" = "x"', "x would be typed nowhere any more"),
        ('"dialog.next" = "y"', "y may be the key of an answer"),
        ('"app.help" = ["j", "p"]', "it would not act everywhere: its keys are those of list.down, task.pause too"),
        ('"app.leave" = "x"', "it would not act everywhere: its keys are those of task.cancel too"),
        ('"app.palette" = ["v"]', "it would not act everywhere: its keys are those of curves.rows too"),
        ('"app.leave" = "y"', "it would not act everywhere: its keys are those of curves.log too"),
        ('"task.pause" = "q"', "q is the key of app.leave, which acts everywhere: choose another"),
        ('"curves.grid" = ["f7", "?"]', "? is the key of app.help, which acts everywhere"),
        ('"tasks.fold" = ":"', ": is the key of app.palette, which acts everywhere"),
        ('"main.clear" = "ctrl+p"', "Ctrl+P is the key of app.palette, which acts everywhere"),
        ('"task.pause" = "ctrl+c"', "Ctrl+C is the key of app.quit too, and app.quit comes first"),
        ('"tasks.fold" = "/"', "/ is the key of main.filter too, and main.filter comes first"),
        ('"main.filter" = "z"', "z is the key of tasks.fold too, and main.filter comes first"),
    ],
)
def test_keys_that_cannot_be_are_told(tmp_path: Path, keys: str, said: str) -> None:
    path = written(tmp_path, f"[keys]\n\n{keys}\n")
    with pytest.raises(InputError) as error:
        checked_keys(read_settings(path))
    assert str(error.value).startswith(f"{path}: line 3: [keys] ")
    assert said in str(error.value)


def test_keys_have_the_names_that_people_write() -> None:
    written_as = {
        "esc": "escape", "Return": "enter", "PgDn": "pagedown", "page_up": "pageup", "del": "delete", "ins": "insert",
        "spacebar": "space", " ": "space", "↑": "up", "←": "left", ",": "comma", "?": "question_mark",
        "Ctrl+D": "ctrl+d", "ctrl++": "ctrl+plus", "J": "J",
    }  # fmt: skip
    assert {text: key_name(text) for text in written_as} == {text: (name, "") for text, name in written_as.items()}


def test_a_colour_is_told_in_parts_of_its_most() -> None:
    assert ground.color_of("\x1b]11;rgb:ffff/8000/0000") == (1.0, 0x8000 / 0xFFFF, 0.0)
    assert ground.color_of("\x1b]11;rgb:ff/80/00") == (1.0, 0x80 / 0xFF, 0.0)


def test_keys_that_can_be_are_taken(tmp_path: Path) -> None:
    text = '[keys]\n"task.pause" = "x"\n"task.cancel" = "p"\n"app.help" = ["F1", "p"]\n"tasks.mark" = "x"\n'
    found = checked_keys(read_settings(written(tmp_path, text)))
    assert found["task.pause"] == found["tasks.mark"] == "x", "a panel's own before its screen's"
    assert found["app.help"] == "f1,p"


def test_the_command_lists_the_keys_as_the_user_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    written(tmp_path, '[keys]\n"tasks.mark" = ["m", "space"]\n')
    assert cli.main(["keys", "--json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["tasks.mark"]["keys"] == ["m", "space"]
    assert rows["app.help"]["shown"] == ["?"]
    assert cli.main(["keys"]) == 0
    assert re.search(r"(?m)^tasks\.mark +m Space +Mark the task", capsys.readouterr().out)
    written(tmp_path, "theme = 3\n")
    assert cli.main(["keys"]) == 2


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color"}, "dark"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;default;15"}, "light"),
        ({"TERM": "xterm-256color", "COLORFGBG": "15;0"}, "dark"),
        ({"TERM": "screen-256color", "COLORFGBG": "0;15"}, "dark"),
        ({"TERM": "linux"}, "ansi"),
    ],
)
def test_the_theme_suits_the_terminal(environment: dict[str, str], expected: str) -> None:
    assert terminal.theme(environment) == expected


def test_terminals_are_known_by_their_names() -> None:
    assert terminal.unfit({"TERM": "dumb"}) == "TERM=dumb"
    assert terminal.unfit({}) == "TERM=not set"
    assert not terminal.unfit({"TERM": "xterm-mono"})
    assert not terminal.has_colors({"TERM": "xterm-mono"})
    assert not terminal.has_colors({"TERM": "xterm", "NO_COLOR": ""})
    assert terminal.has_colors({"TERM": "xterm"})
    assert terminal.is_ascii({"TERM": "linux", "LANG": "C.UTF-8"})
    assert terminal.is_ascii({"TERM": "xterm", "LC_ALL": "C", "LANG": "en_US.UTF-8"})
    assert not terminal.is_ascii({"TERM": "xterm", "LANG": "de_DE.utf8"})
    assert not terminal.is_ascii({"TERM": "xterm"})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"\x1b]11;rgb:ffff/ffff/f000\x1b\\", "light"),
        (b"x\x1b]11;rgb:00/10/00\x07", "dark"),
        (b"\x1b]11;rgba:0000/0000/0000/ffff\x07", "dark"),
        (b"\x1b]11;rgb:ffff/ffff/ff", None),
        (b"\x1b]11;purple\x07", None),
        (b"", None),
    ],
)
def test_the_terminal_is_asked_and_left_as_it_was(
    answer: bytes, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    master, slave = pty.openpty()
    kept = os.dup(0), os.dup(2)
    os.dup2(slave, 0)
    os.dup2(slave, 2)
    monkeypatch.setattr(ground, "ANSWER_S", 5.0 if expected else 0.05)
    before = termios.tcgetattr(slave)
    heard: list[bytes] = []
    echoes: list[int] = []

    def terminals() -> None:
        heard.append(os.read(master, 100))
        echoes.append(termios.tcgetattr(slave)[3] & termios.ECHO)
        os.write(master, answer)

    other = threading.Thread(target=terminals)
    other.start()
    try:
        with ground.Question() as question:
            other.join()
            color = question.answer()
        assert (color and ground.theme_on(color)) == expected
        assert (heard, echoes) == ([ground.QUESTION], [0])
        assert termios.tcgetattr(slave) == before
    finally:
        os.dup2(kept[0], 0)
        os.dup2(kept[1], 2)
        for descriptor in (master, slave, *kept):
            os.close(descriptor)


def test_a_signal_while_the_terminal_is_asked_leaves_it_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    kept = os.dup(0), os.dup(2)
    os.dup2(slave, 0)
    os.dup2(slave, 2)
    monkeypatch.setattr(ground, "ANSWER_S", 0.0)
    before, handler = termios.tcgetattr(slave), signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as end, ground.Question():
            os.kill(os.getpid(), signal.SIGTERM)
        assert end.value.code == 128 + signal.SIGTERM
        assert termios.tcgetattr(slave) == before
        assert signal.getsignal(signal.SIGTERM) == handler
    finally:
        os.dup2(kept[0], 0)
        os.dup2(kept[1], 2)
        for descriptor in (master, slave, *kept):
            os.close(descriptor)


def test_without_a_terminal_it_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = argparse.Namespace(no_ui=False, json=False)
    assert not options.is_on_screen(asked)
    assert capsys.readouterr().err == (
        "cqltui: there is no terminal: no screen can be drawn, going on as with --no-ui\n"
    )
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert not options.is_on_screen(asked)
    assert capsys.readouterr().err.startswith("cqltui: TERM=dumb: no screen can be drawn")
    monkeypatch.setenv("TERM", "xterm")
    assert options.is_on_screen(asked)
    assert not options.is_on_screen(argparse.Namespace(no_ui=True, json=False))
    assert capsys.readouterr().err == ""


def test_a_wrong_file_ends_the_command_before_the_screen_opens_and_not_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, '[keys]\n"task.pause" = "x"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm")
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    assert cli.main(["attach", "nothing"]) == 2
    assert f"{path}: line 2: [keys] task.pause: x is the key of task.cancel too" in capsys.readouterr().err
    assert cli.main(["attach", "nothing", "--no-ui"]) == 2
    assert capsys.readouterr().err.startswith("cqltui: nothing: is not a run directory")


def test_options_go_before_the_file_before_what_is_remembered_before_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "COLORFGBG", "COLORTERM", "LC_ALL", "LC_CTYPE", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("XDG_CONFIG_HOME", tmp_path), ("XDG_STATE_HOME", tmp_path), ("LANG", "C.UTF-8")):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("TERM", "linux")

    def found(theme: str | None = None, ascii: bool = False, plain: bool = False) -> tuple[object, ...]:
        said = open_screen(argparse.Namespace(theme=theme, ascii=ascii, plain_ui=plain, read_only=False))[1]
        return said.theme, said.ascii, said.plain, said.colors, said.asks

    assert found() == ("ansi", True, False, True, False), "a console"
    keep(Remembered(theme="light"))
    assert found()[0] == "light"
    written(tmp_path, 'theme = "high-contrast"\nascii = false\nplain = true\n[keys]\n"tasks.mark" = "m"\n')
    assert found() == ("high-contrast", False, True, True, False)
    assert found(theme="dark", ascii=True)[:3] == ("dark", True, True)
    assert found(theme="auto")[0] == "ansi"
    assert open_screen(argparse.Namespace(theme=None, ascii=False, plain_ui=False, read_only=False))[1].keymap == {
        "tasks.mark": "m"
    }
