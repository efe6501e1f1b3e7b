"""Figures as files: what every reader, printer and page can make of them."""

import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from cqltui.report.drawing.colors import PALETTE, dark_style
from cqltui.report.drawing.draw import SETTINGS, Drawn, draw
from cqltui.report.drawing.inline import inline
from cqltui.report.drawing.spans import span
from cqltui.report.drawing.ticks import ticks
from cqltui.report.figure import Axis, Band, Bars, Figure, Line, Mark, Panel, Points, Rule
from cqltui.report.scales import short
from cqltui.report.thinning import kept

NAN = float("nan")
HOSTILE = 'a <b> & "c" $x_1$ id="p" url(#p) : #0077bb 100 % \N{CJK UNIFIED IDEOGRAPH-4E2D}'
X = tuple(float(x) for x in range(1, 2_001))
MARKS = Panel(
    "Marks",
    Axis("epoch", "log"),
    Axis("loss"),
    (
        Band("quartiles", X, tuple(1 / x for x in X), tuple(3 / x for x in X)),
        Line(HOSTILE, X, tuple(2 / x for x in X)),
        Line("second", X, tuple(1 / x for x in X), color=1, style="dashed"),
        *(Line(f"task {n}", X, tuple(n / x for x in X), color=2, faint=True, group="many") for n in range(3)),
        Rule("break-even", 0.5),
    ),
)
LYING = Panel(
    "Lying",
    Axis("time (UTC)", format="time"),
    Axis("worker", categories=("first", "second")),
    (
        Bars(
            "work",
            (0.0, 1.0),
            (1.8e9 + 7200, 1.8e9 + 3600),
            base=(1.8e9, 1.8e9),
            color=1,
            across=True,
            texts=("10", "3"),
        ),
        Points("", (1.8e9 + 60,), (0.0,), low=(1.8e9,), high=(1.8e9 + 600,), across=True, texts=("beside",)),
    ),
)
EMPTY = Panel("Empty", Axis("x", "log"), Axis("y"), (Line("nothing", (NAN, -1.0), (1.0, 1e300)),))
FIGURE = Figure("example", "An example", "Caption.", "Alt.", (MARKS, LYING, EMPTY), columns=2, size=(7.5, 5.0))


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(FIGURE)


def test_the_same_figure_gives_the_same_bytes_whatever_the_users_own_settings(drawn: Drawn) -> None:
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "pdf.fonttype": 3, "svg.fonttype": "none"}):
        before = dict(matplotlib.rcParams)
        assert draw(FIGURE) == drawn
        assert dict(matplotlib.rcParams) == before, "drawing leaves no settings behind"


def test_pdf_has_its_fonts_embedded_as_outlines_of_truetype(drawn: Drawn) -> None:
    assert drawn.pdf.startswith(b"%PDF")
    assert b"/FontFile2" in drawn.pdf
    assert b"/Type3" not in drawn.pdf
    assert b"/CreationDate" not in drawn.pdf


def test_svg_for_files_has_outlines_and_no_date(drawn: Drawn) -> None:
    root = ElementTree.fromstring(drawn.svg)
    assert root.get("width") == "540pt"
    assert not [each for each in root.iter() if each.tag.endswith("}text")], "looks the same without the font"
    assert "<dc:date" not in drawn.svg


def test_svg_for_pages_has_text_that_can_be_searched_and_restyled(drawn: Drawn) -> None:
    root = ElementTree.fromstring(drawn.page_svg)
    texts = ["".join(each.itertext()) for each in root.iter("text")]
    assert {"Marks", "loss", "second", "first", "10", "beside", "no values"} <= set(texts)
    assert "nothing" not in texts, "a legend of what is not there"
    assert HOSTILE.split("100")[0].strip() in " ".join(texts), "text is nobody's markup and no formula"
    assert drawn.page_svg.startswith('<svg class="plot" viewBox="0 0 540 360"')
    assert "<?xml" not in drawn.page_svg
    assert "width=" not in drawn.page_svg.split(">", 1)[0]
    inside = re.findall(r"<[^>]*>", drawn.page_svg)
    assert not [tag for tag in inside if re.search(r"""[:"] *#[0-9a-f]{6}""", tag)], (
        "a color that dark mode cannot change"
    )
    assert "currentColor" in drawn.page_svg
    assert "var(--plot-0, #0077bb)" in drawn.page_svg


def test_ids_of_two_figures_on_one_page_are_apart_and_each_is_there(drawn: Drawn) -> None:
    other = draw(replace(FIGURE, name="other", panels=(LYING,)))
    ids = [
        set(re.findall(r' id="([^"]+)"', "".join(re.findall(r"<[^>]*>", page))))
        for page in (drawn.page_svg, other.page_svg)
    ]
    assert ids[0]
    assert ids[1]
    assert not ids[0] & ids[1]
    tags = "".join(re.findall(r"<[^>]*>", drawn.page_svg))
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', tags)) == ids[0]


def test_text_that_looks_like_markup_is_not_changed() -> None:
    svg = '<svg viewBox="0 0 1 1"><text x="1.23456"> id="x" url(#x) fill: #262626 d="1.23456"</text></svg>'
    assert inline(svg, "name", {"#262626": "currentColor"}).endswith(
        '<text x="1.23456"> id="x" url(#x) fill: #262626 d="1.23456"</text></svg>'
    )


def test_labels_are_nine_points(drawn: Drawn) -> None:
    sizes = set(re.findall(r"font-size: ([\d.]+)px", drawn.page_svg))
    assert sizes == {"9"}, "an SVG's unit is a point here"
    assert SETTINGS["font.size"] == 9


def test_png_has_two_hundred_dots_an_inch(drawn: Drawn) -> None:
    assert drawn.png.startswith(b"\x89PNG")
    assert np.frombuffer(drawn.png[16:24], ">u4").tolist() == [1500, 1000]


def test_frames_say_where_a_value_is_drawn(drawn: Drawn) -> None:
    marks, lying, _ = drawn.panels
    assert marks.x.log
    share = (np.log10(10) - np.log10(marks.x.first)) / (np.log10(marks.x.last) - np.log10(marks.x.first))
    tick = marks.left + share * marks.width
    found = re.search(r'<text [^>]*x="([\d.]+)"[^>]*>10</text>', drawn.page_svg)
    assert found is not None
    assert float(found[1]) == pytest.approx(tick, abs=0.1)
    assert lying.left > marks.left + marks.width, "the second of two columns"
    assert lying.y.first > lying.y.last, "the first category is at the top"
    first = re.search(r'<text [^>]*y="([\d.]+)"[^>]*>first</text>', drawn.page_svg)
    second = re.search(r'<text [^>]*y="([\d.]+)"[^>]*>second</text>', drawn.page_svg.split("first</text>")[1])
    assert first is not None
    assert second is not None
    assert float(first[1]) < float(second[1])


def test_a_figure_without_panels_says_why() -> None:
    with pytest.raises(ValueError, match="no task has trained"):
        draw(Figure("none", "None", "", "", reason="no task has trained"))


def test_many_points_say_once_what_they_look_like() -> None:
    def page(count: int) -> int:
        values = tuple(float(n) for n in range(count))
        points = Panel("", Axis("x"), Axis("y"), (Points("all", values, values),))
        return len(draw(Figure("points", "", "", "", (points,))).page_svg)

    assert page(400) - page(200) < 200 * 45


def linear(color: str) -> npt.NDArray[np.float64]:
    """Linear RGB of #rrggbb."""
    parts = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
"""Machado, Oliveira and Fernandes (2009), severity 1."""


def lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """CIE L*a*b* of linear RGB."""
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("seen", [np.eye(3), DEUTERANOPIA, PROTANOPIA], ids=["all", "deuteranopia", "protanopia"])
def test_colors_differ_for_everyone(seen: npt.NDArray[np.float64]) -> None:
    places = {color: lab(seen @ linear(color)) for color in PALETTE}
    distances = {pair: float(np.linalg.norm(places[pair[0]] - places[pair[1]])) for pair in combinations(PALETTE, 2)}
    assert min(distances.values()) > 15, min(distances, key=distances.__getitem__)


def test_the_first_colors_differ_in_grey_and_all_stand_out_on_white() -> None:
    lightness = sorted(float(lab(linear(color))[0]) for color in PALETTE[:3])
    assert min(np.diff(lightness)) > 12
    luminance = [float(TO_XYZ[1] @ linear(color)) for color in PALETTE]
    assert all(1.05 / (each + 0.05) > 2.8 for each in luminance)
    assert "--plot-6: #" in dark_style(".plot", "#111111")


def test_thinning_keeps_extremes_ends_and_gaps() -> None:
    rng = np.random.default_rng(17)
    x = np.arange(1.0, 10_001.0)
    y = rng.standard_normal(len(x))
    y[1234], y[7777], y[5000:5003] = 50.0, -50.0, np.nan
    places = kept(x, y, 100)
    assert len(places) <= 2 * 100 + 6
    assert {0, 1234, 7777, 9999} <= set(places.tolist())
    assert np.isnan(y[places]).sum() == 1, "a gap stays a gap"
    for part in np.array_split(np.arange(4900), 49):  # the envelope that one sees
        inside = places[(places >= part[0]) & (places <= part[-1])]
        assert y[inside].max() == pytest.approx(np.nanmax(y[part]), abs=1e-12) or 99 in part % 100


def test_thinning_leaves_alone_what_is_short_or_goes_back() -> None:
    x = np.concatenate((np.arange(500.0), np.arange(500.0)))
    assert len(kept(x, x, 10)) == len(x), "parts that cross"
    assert kept(np.arange(5.0), np.arange(5.0), 10).tolist() == [0, 1, 2, 3, 4]
    early = kept(np.arange(1.0, 10_001.0), np.zeros(10_000), 40, log=True)
    assert (early < 100).sum() >= 15, "a logarithmic axis is divided where it is drawn"


def test_axes_end_where_the_data_does() -> None:
    panel = Panel("", Axis("x"), Axis("y", "log"), (Line("", (0.0, 100.0), (0.01, 10.0)), Rule("", 100.0)))
    x, y = span(panel, upright=False), span(panel, upright=True)
    assert (x.first, x.last) == (-4.0, 104.0)
    assert y.log
    assert y.first < 0.01
    assert 100 < y.last < 200, "a rule is inside"
    counts = Panel("", Axis("x"), Axis("y"), (Bars("", (1.0, 2.0), (3.0, 4.0)),))
    assert span(counts, upright=True).first == 0.0, "bars stand on the ground"
    assert span(counts, upright=False).first < 0.6 < 2.4 < span(counts, upright=False).last
    nothing = Panel("", Axis("x", "log"), Axis("y"), (Line("", (-1.0,), (5.0,)),))
    assert not span(nothing, upright=False).log
    assert span(nothing, upright=True).first < 5 < span(nothing, upright=True).last


def test_ticks_are_few_round_and_short() -> None:
    assert ticks(Axis(""), 0.0, 1.0, 6) == [
        (0.0, "0"),
        (0.2, "0.2"),
        (0.4, "0.4"),
        (0.6, "0.6"),
        (0.8, "0.8"),
        (1.0, "1"),
    ]
    assert [text for _, text in ticks(Axis("", "log"), 0.9, 2_500.0, 5, log=True)] == ["1", "10", "100", "1,000"]
    assert [text for _, text in ticks(Axis("", format="percent"), -0.06, 0.06, 3)] == ["\N{MINUS SIGN}5%", "0%", "5%"]
    assert [short(value) for value in (44_100, 2.5e6, 1e-5, 0.0)] == ["44.1k", "2.5M", "1e\N{MINUS SIGN}05", "0"]
    night = ticks(Axis("", format="time"), 1_795_735_000.0, 1_795_755_000.0, 6)
    assert [text for _, text in night] == ["00:00\n27 Nov", "01:00", "02:00", "03:00", "04:00"]
    names = ticks(Axis("", categories=tuple(f"c{n}" for n in range(100))), 0, 99, 10)
    assert [text for _, text in names] == [f"c{n}" for n in range(0, 100, 10)]


def test_nothing_of_pyplot_is_loaded() -> None:
    asked = "import sys, cqltui.report.drawing.draw; print('matplotlib.pyplot' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.strip() == "False"


def test_whatever_the_values_and_however_little_room_there_is_something_is_drawn() -> None:
    wild = (1e300, 1e199, -1e199, 5e-324, float("inf"), NAN, 0.0, 2.0)
    marks: tuple[Mark, ...] = (
        *(Line(f"entry {n}", (1.0, 2.0), (1.0, 2.0), color=n) for n in range(60)),
        Line("a" * 300, wild, wild),
        Band("band", wild, wild[::-1], wild),
        Points("points", wild, wild, low=wild, high=wild, texts=("far away",) * len(wild)),
        Bars("bars", wild, wild, base=wild, texts=("10",) * len(wild)),
    )
    narrow = Axis("y", "log", low=1.0, high=1.0)
    figure = Figure("wild", "", "", "", (Panel("t" * 300, Axis("x", high=5.0), narrow, marks),) * 2, size=(1.0, 4.0))
    drawn = draw(figure)
    frame = drawn.panels[-1]
    assert frame.y.first < 1 < frame.y.last
    assert frame.width > 0
    entries = [float(y) for y in re.findall(r'y="([\d.]+)">entry \d+<', drawn.page_svg)]
    assert entries, "what there is room for"
    assert min(entries) > frame.top + frame.height, "a long legend covers no data"
    assert max(entries) < 288, "and ends inside of the figure"


def test_no_settings_of_a_folder_or_a_notebook_are_read(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_bytes(b"backend: nosuch\n\xff")
    environment = {**os.environ, "MPLBACKEND": "module://nosuch"}
    seen = "import os, cqltui.report.drawing.draw; print(os.getcwd(), os.environ['MPLBACKEND'])"
    said = subprocess.check_output([sys.executable, "-c", seen], cwd=tmp_path, env=environment, text=True)
    assert said.split() == [str(tmp_path), "module://nosuch"]
