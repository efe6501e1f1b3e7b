"""What is private in Textual is used in one file, and looked at again when it changes."""

import ast
import hashlib
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from textual._compositor import Compositor
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.widget import Widget

import cqltui.ui
from cqltui.ui import internals

WRITTEN_FOR = {
    "LinuxDriver.__init__": "fb7025526b3430c3",
    "LinuxDriver._get_terminal_size": "db29bd35f3a092c1",
    "LinuxDriver._sigtstp_application": "fc3c9d7934bb38a4",
    "LinuxDriver._sigcont_application": "d7849d1b206d57c0",
    "LinuxDriver._enable_mouse_support": "421051259b16a9d2",
    "LinuxDriver._disable_mouse_support": "80d153f8d9b5a671",
    "LinuxDriver.disable_input": "e45641a2cb3bfdbd",
    "LinuxDriver.start_application_mode": "a8142c049c9d0e7c",
    "XTermParser.parse": "940481ba03082378",
    "XTermParser.feed": "b66dd74e34d7ca43",
    "XTermParser.tick": "51cb36cbf10a853e",
    "App._fatal_error": "30d456a15493cb76",
    "App._close_messages_no_wait": "38c5a9f8fc40a32f",
    "App._on_notify": "668163cccf7d6882",
    "App._unnotify": "83c910aa0adda5db",
    "App.on_event": "83330ed58dc202da",
    "App._on_key": "c3da61909d60a726",
    "App._check_bindings": "751c5f8bcc604d78",
    "Toast._expire": "8609e049cdd9180b",
    "ToastRack.show": "235ab2261d656cfd",
    "Screen._screen_resized": "49c2908cfe351a6f",
    "Screen._update_timer": "f9b897fa3d50418e",
    "Screen._on_timer_update": "56238104cb47e99e",
    "Screen._on_idle": "a4ea19d754ab438f",
    "Screen._compositor_refresh": "293583a9432b7eca",
    "Screen._refresh_layout": "9d29357a14c83503",
    "Screen._on_key": "dcd365cc2d57b263",
    "Screen._clear_tooltip": "320de9b9cc9122ee",
    "Compositor.reflow": "a992662692b8a4f2",
    "Compositor.reflow_visible": "7f8f36e0e11a944d",
    "Compositor._regions_to_spans": "c6b0b0556fc12936",
    "Compositor._render_chops": "5c0f706cb96ea839",
    "Compositor.render_partial_update": "264b882cbb5d1f64",
    "ChopsUpdate.render_segments": "07c6fd17afe04610",
    "Widget._exchange_repaint_regions": "6b70394ca5a297c1",
    "Widget.vertical_scrollbar": "1c7037995a130518",
    "Widget._on_key": "dcd365cc2d57b263",
    "Widget.handle_key": "1a3ee2f2be5bc4b9",
    "MessagePump._get_dispatch_methods": "7a223622a15296d3",
}
"""The source of each part that cqltui/ui/internals.py was written for, hashed."""
ATTRIBUTES = (
    (LinuxDriver, "_file"),
    (LinuxDriver, "_key_thread"),
    (LinuxDriver, "_must_signal_resume"),
    (Driver, "_auto_restart"),
    (Driver, "_size"),
    (App, "_driver"),
    (App, "_exit_renderables"),
    (App, "_batch_count"),
    (Screen, "_compositor"),
    (Compositor, "_dirty_regions"),
    (Compositor, "_full_map"),
    (Compositor, "_full_map_invalidated"),
    (Widget, "_repaint_regions"),
    (Widget, "_vertical_scrollbar"),
)


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(cqltui.ui.__path__, "cqltui.ui."):
        if (module := importlib.import_module(found.name)) is not internals:
            yield module


def digest(part: object) -> str:
    """Of the code, however it is laid out."""
    words = inspect.getsource(part.fget if isinstance(part, property) else part).split()  # type: ignore[arg-type]
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]


def test_the_private_parts_are_those_that_the_code_was_written_for() -> None:
    found = {f"{owner.__name__}.{name}": digest(getattr(owner, name)) for owner, name in internals.USED}
    assert found == WRITTEN_FOR, "Textual has changed: read cqltui/ui/internals.py again"
    for owner, attribute in ATTRIBUTES:
        assert re.search(rf"self\.{attribute}\b.*=", inspect.getsource(owner)), f"{owner.__name__}.{attribute}"


def test_no_other_file_imports_what_is_private() -> None:
    for module in modules():
        tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
        for node in ast.walk(tree):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            private = [name for name in names if name.startswith(("textual.", "rich.")) and "._" in name]
            assert not private, f"{module.__name__}: {private}"


def used(tree: ast.AST) -> set[str]:
    """Private names that a class defines, or reads and sets on any object."""
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    methods = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {name for name in attributes | methods if name.startswith("_") and not name.startswith("__")}


def theirs(cls: type) -> set[str]:
    """Private names in the modules of Textual that the class inherits from."""
    files = {inspect.getfile(base) for base in cls.__mro__ if base.__module__.split(".")[0] == "textual"}
    texts = [Path(file).read_text("utf-8") for file in files]
    return {name for text in texts for name in re.findall(r"(?:\bdef |\bself\.)(_[a-z]\w*)", text)}


def test_no_class_uses_what_is_private_in_those_that_it_inherits_from() -> None:
    looked_at = 0
    for module in modules():
        for cls in vars(module).values():
            if isinstance(cls, type) and cls.__module__ == module.__name__ and (names := theirs(cls)):
                looked_at += 1
                tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
                assert not used(tree) & names, f"{module.__name__}.{cls.__name__}"
    assert looked_at > 20
