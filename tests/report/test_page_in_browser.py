"""The page in a browser, at three widths and printed: it fits, nothing complains, and its script does its work."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, sync_playwright

from cqltui.report.drawing.draw import draw
from cqltui.report.page.page import render_page
from tests.once import once
from tests.report import pages

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",  # as root in CI
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
WIDTHS = {1280: 900, 768: 1024, 360: 740}
SEEN = "seen.json"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


def build(folder: Path) -> Path:
    """A page with real drawings."""
    figures = pages.figures_of_all_kinds()
    drawn = {figure.name: draw(figure) for figure in figures if figure.panels}
    made = render_page(
        pages.judged(), pages.tables(), figures, drawn, verdict=("Undecided: so it is.",), methods="# How\n"
    )
    path = folder / "report.html"
    path.write_text(made, "utf-8")
    return path


def look(folder: Path) -> None:
    """Write down what a browser shows, started once for all tests."""
    folder.mkdir()
    address = build(folder).as_uri()
    seen: dict[str, Any] = {"said": [], "asked": [], "fits": {}, "axe": {}}
    with browser() as page:
        page.on("console", lambda message: seen["said"].append(message.text))
        page.on("pageerror", lambda error: seen["said"].append(str(error)))
        page.on("request", lambda request: seen["asked"].append(request.url))
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.goto(address)
            seen["fits"][width] = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            page.screenshot(path=folder / f"{width}.png")
            if width != 768:
                found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
                seen["axe"][width] = [f"{it['id']}: {it['nodes'][0]['html'][:200]}" for it in found]
        page.emulate_media(color_scheme="dark")
        seen["dark"] = [f"{it['id']}: {it['nodes'][0]['html'][:200]}" for it in contrasts(page)]
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 900})
        seen |= {"sorting": sorting(page), "plot": plot(page)}
        page.pdf(path=folder / "report.pdf", format="A4")
        page.emulate_media(media="print")
        seen["printed"] = page.evaluate(
            "[...document.querySelectorAll('.tools, .skip, .contents')].map((it) => getComputedStyle(it).display)"
        )
    (folder / SEEN).write_text(json.dumps(seen), "utf-8")


@contextmanager
def browser() -> Iterator[Page]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = started.new_page()
        page.set_default_timeout(20_000)
        yield page
        started.close()


def contrasts(page: Page) -> list[Any]:
    found: list[Any] = Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
    return found


def sorting(page: Page) -> list[list[str]]:
    """The first column after each way to sort: by click, again, by keyboard; and what the heads say of it."""
    table = page.locator("#cql_betting_performance_table table")
    count, value = table.locator("thead button").nth(2), table.locator("thead button").nth(3)
    told = []

    def note() -> None:
        told.append([text[:4] for text in table.locator("tbody th").all_inner_texts()])
        told.append(table.evaluate("(it) => [...it.tHead.rows[0].cells].map((cell) => cell.ariaSort ?? '')"))

    count.click()
    note()
    count.click()
    note()
    value.focus()
    page.keyboard.press("Enter")
    note()
    page.keyboard.press("Space")
    note()
    return told


def plot(page: Page) -> dict[str, Any]:
    """What the first figure says and shows while it is pointed at, dragged over, and worked with the keyboard."""
    figure = page.locator("#cql_training_curves")
    canvas, value, heard = figure.locator(".canvas"), figure.locator(".value"), figure.locator("div.heard")
    ends = partial(ticks, figure)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    left, top = box["x"], box["y"]
    told: dict[str, Any] = {"whole": ends()}
    page.mouse.move(left + 0.25 * box["width"], top + 0.43 * box["height"])
    told["hover"] = value.inner_text()
    page.mouse.down()
    page.mouse.move(left + 0.4 * box["width"], top + 0.2 * box["height"], steps=3)
    page.mouse.up()
    told["zoomed"] = ends()
    figure.get_by_role("button", name="Reset").click()
    told["reset"] = ends()
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "End"):
        page.keyboard.press(key)
    told["keys"] = heard.text_content()
    page.keyboard.press("PageDown")
    told["bars"] = heard.text_content()
    page.keyboard.press("+")
    told["closer"] = ends()
    page.keyboard.press("0")
    told["again"] = ends()
    return told


def ticks(figure: Locator) -> list[str]:
    """What is written at the axes, as it is seen."""
    texts: list[str] = figure.locator("svg.plot").evaluate(
        "(it) => [...it.querySelectorAll('text')]"
        ".filter((at) => !at.closest('[style*=\"display: none\"]')).map((at) => at.textContent)"
    )
    return [text for text in texts if re.fullmatch(r"[\d.,]+ ?%?", text)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "page-in-browser", look)


@pytest.fixture(scope="module")
def seen(folder: Path) -> Any:
    return json.loads((folder / SEEN).read_text("utf-8"))


def test_nothing_is_wider_than_the_window(seen: Any) -> None:
    assert set(seen["fits"]) == {str(width) for width in WIDTHS}
    for wide, window in seen["fits"].values():
        assert wide <= window


def test_the_console_is_empty_and_nothing_is_asked_of_a_network(seen: Any, folder: Path) -> None:
    assert seen["said"] == []
    assert set(seen["asked"]) == {(folder / "report.html").as_uri()}


def test_axe_finds_no_barrier(seen: Any) -> None:
    assert seen["axe"] == {"1280": [], "360": []}
    assert seen["dark"] == []


def test_tables_sort_as_numbers_by_click_and_by_keyboard_with_what_is_missing_last(seen: Any) -> None:
    up, down = "ascending", "descending"
    assert seen["sorting"] == [
        ["nine", "ten", "</sc"],
        ["", "", up, "", ""],
        ["</sc", "ten", "nine"],
        ["", "", down, "", ""],
        ["ten", "</sc", "nine"],
        ["", "", "", up, ""],
        ["</sc", "ten", "nine"],
        ["", "", "", down, ""],
    ]


def test_figures_show_values_and_zoom(seen: Any) -> None:
    told = seen["plot"]
    hover = re.fullmatch(r"(.+)\nepoch: (\d+)\nloss: (0\.\d+)", told["hover"])
    assert hover, told["hover"]
    name, epoch, loss = hover.groups()
    place = 0 if name == pages.HOSTILE else int(name.removeprefix("line "))
    assert float(loss) == pytest.approx(1 / (int(epoch) + place), abs=1e-4)
    assert told["zoomed"] != told["whole"] == told["reset"]
    assert "30" in told["whole"]
    assert "30" not in told["zoomed"]  # of the whole axis, which is no longer shown
    assert told["keys"].startswith(pages.HOSTILE[:9])
    assert told["keys"].endswith("epoch: 40\nloss: 0.0250")
    assert told["bars"] == "bars: left\nside: home\nshare: 25 %"
    assert told["closer"] != told["whole"] == told["again"]


def test_print_leaves_out_what_paper_cannot_do(seen: Any, folder: Path) -> None:
    assert set(seen["printed"]) == {"none"}
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
