"""The page of a report, as its HTML says it: in order, whole, for everyone, and nothing that runs or loads."""

import base64
import hashlib
import json
import re
from itertools import pairwise

import pytest
from msgspec.structs import replace

from cqltui.report.figure import Axis, Figure, Line, Panel
from cqltui.report.page.page import render_page
from cqltui.report.table import Table
from tests.report import pages
from tests.report.pages import HOSTILE, Element

METHODS = """# Methods

The $\\hat{q}(s)$, as $\\text{<b>x</b>}$ and $\\href{javascript:x}{y}$:

$$
L < \\frac{1}{B}
$$

## How

By </script><script>alert(1)</script> & 100 %

#### Deep

<b>bold</b> ![x](http://a.example/b.png)

| a |
|---|
| 1 |
"""
FIGURES, TABLES = pages.figures_of_all_kinds(), pages.tables()


def page(**changes: object) -> str:
    found = pages.judged(text=pages.asking().replace("A small campaign", json.dumps(HOSTILE)[1:-1]))
    verdict = ("Undecided: it is.", f"By {HOSTILE}.")
    return render_page(
        replace(found, **changes),
        TABLES,
        FIGURES,
        pages.sketches(FIGURES),
        verdict=verdict,
        kind="undecided",
        methods=METHODS,
        also=["METHODS.md"],
    )


@pytest.fixture(scope="module")
def html() -> str:
    return page()


@pytest.fixture(scope="module")
def root(html: str) -> Element:
    return pages.read(html)


def item(root: Element, name: str) -> Element:
    return root.all(id=name)[0]


def test_there_is_one_title_and_no_heading_leaves_out_a_level(root: Element) -> None:
    levels = [int(it.tag[1]) for it in root.all() if re.fullmatch("h[1-6]", it.tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_name_is_given_once_and_every_reference_leads_somewhere(root: Element) -> None:
    names = [it.attributes["id"] for it in root.all() if "id" in it.attributes]
    assert len(names) == len(set(names))
    referred = [
        name
        for it in root.all()
        for key in ("aria-labelledby", "aria-describedby")
        for name in it.attributes.get(key, "").split()
    ]
    links = [it.attributes["href"][1:] for it in root.all("a") if it.attributes["href"].startswith("#")]
    assert referred
    assert links
    assert set(referred) | set(links) <= set(names)


def test_drawings_have_a_text_and_heads_of_tables_say_of_what(root: Element) -> None:
    assert root.all("svg")
    for drawing in root.all("svg"):
        described = root.all(id=drawing.attributes["aria-describedby"])[0]
        assert drawing.attributes["role"] == "img"
        assert described.text == FIGURES[0].alt
    for head in root.all("th"):
        assert head.attributes["scope"] in ("col", "row")
    for box in (it for it in root.all("div") if "scroll" in it.attributes.get("class", "").split()):
        assert box.attributes["tabindex"] == "0"
    assert root.all("html")[0].attributes["lang"] == "en"


def test_foreign_text_is_text(root: Element) -> None:
    for text in (root.all("h1")[0].text, item(root, "title-cql_betting_performance_table").text):
        assert text == HOSTILE
    assert "By </script><script>alert(1)</script> & 100 %" in item(root, "main").said
    assert f"By {HOSTILE}." in root.all("header")[0].said
    scripts = root.all("script")
    assert [it.attributes.get("type") for it in scripts] == ["application/json", None]
    told = json.loads(scripts[0].text)
    assert told[0]["marks"][0]["label"] == told[1]["title"] == HOSTILE
    assert "<!--" not in scripts[0].text
    assert "<b>bold</b>" in item(root, "main").said


def test_it_loads_nothing_and_runs_its_own_script_alone(html: str, root: Element) -> None:
    assert not root.all("link")
    assert not root.all("img")
    assert not [it for it in root.all() if {"src", "srcset", "data", "poster", "onclick"} & set(it.attributes)]
    style = root.all("style")[0].text
    assert "url(" not in style
    assert "@import" not in style
    policy = root.all("meta", **{"http-equiv": "Content-Security-Policy"})[0].attributes["content"]
    told = dict(part.split(" ", 1) for part in policy.split("; "))
    digest = base64.b64encode(hashlib.sha256(root.all("script")[-1].text.encode()).digest()).decode()
    assert told["default-src"] == "'none'"
    assert told["script-src"] == f"'sha256-{digest}'"
    assert not {"connect-src", "font-src", "frame-src"} & set(told)
    assert html.index("Content-Security-Policy") < html.index("<title>") < html.index("<style>")
    outside = [it.attributes["href"] for it in root.all("div", **{"class": "prose"})[0].all("a")]
    assert outside == ["http://a.example/b.png"]  # which nothing but a click opens
    for link in (it for it in root.all("a") if it.attributes["href"] not in outside):
        assert re.match(r"#|(tables|figures)/[\w.]+$|METHODS\.md$", link.attributes["href"])


def test_the_verdict_comes_first_then_the_audit_then_the_answers(root: Element) -> None:
    said = root.all("body")[0].said
    order = ["Undecided", "Leak audit:", "How far?", "How low?", "Everything completes", "Policies"]
    order += ["Looks at the test rows", "Methods", "Files", "Further tables and figures"]
    places = [said.index(words, said.index("Leak audit:") if place else 0) for place, words in enumerate(order)]
    assert places == sorted(places)
    assert next(it.text for it in root.all("strong", **{"class": "open"})).startswith("Undecided")
    criteria = [it.text for it in root.all("strong") if it.text in ("passed", "failed", "open")]
    assert criteria == ["passed", "failed"]
    assert "No figures answer it by themselves." in said


def test_nothing_is_lost_or_shown_twice(root: Element) -> None:
    shown = [it.attributes["id"] for it in root.all("figure")]
    assert sorted(shown) == sorted([it.name for it in TABLES] + [it.name for it in FIGURES])
    sections = {it.all("h2")[0].text: it for it in root.all("section") if it.all("h2")}
    assert [it.attributes["id"] for it in sections["Further tables and figures"].all("figure")] == ["of_nobody"]
    assert item(root, "cql_training_curves") in sections["Answers"].all("figure")
    assert "#cql_training_curves" in [it.attributes["href"] for it in sections["Convergence"].all("a")]
    for missing in (TABLES[2], FIGURES[1]):
        assert missing.reason.replace("`", "") in item(root, missing.name).text
    assert item(root, "zero_weeks_table").all("code")[0].text == "cqltui evaluate"


def test_values_read_as_in_other_files_and_sort_as_numbers(root: Element) -> None:
    rows = item(root, "cql_betting_performance_table").all("tbody")[0].all("tr")
    cells = [[it for it in row.parts if isinstance(it, Element)] for row in rows]
    assert [[it.text for it in row] for row in cells] == [
        ["ten", "+10.0", "10", "−0.500", "yes"],
        ["nine", "−9.0", "9", "–", "no"],
        [HOSTILE, "–", "1,000,000", "2.250", "–"],
    ]
    assert [[it.attributes.get("data-value") for it in row[1:4]] for row in cells] == [
        ["0.1", "10", "-0.5"],
        ["-0.09", "9", ""],
        ["", "1000000", "2.25"],
    ]


def test_a_run_that_goes_on_is_marked_and_so_is_one_on_validation_rows(root: Element) -> None:
    assert "Interim" not in root.all("body")[0].said
    going = replace(pages.judged(waiting={4}), evaluation={"part": "validation"})
    said = pages.read(render_page(going, (), (), {})).all("body")[0].said
    assert "Interim report" in said
    assert "4 of 5 tasks have ended" in said
    assert "on validation rows only" in said


def test_what_the_audit_found_is_told_the_worst_first() -> None:
    finding = {"check": "feature_auc", "subject": "edge", "grade": "LEAK", "sentence": "AUC 0.956"}
    clean = finding | {"grade": "CLEAN", "subject": "p_hat"}
    audit = {"grade": "LEAK", "trusted": False, "findings": [clean, finding, 7, {"grade": ["x"]}]}
    root = pages.read(page(audit=audit, opened=({}, {})))
    told = [it.text for it in root.all("ul", **{"class": "findings"})[0].all("li")]
    assert told[0] == "leak feature auc, edge: AUC 0.956"
    said = root.all("main")[0].said
    assert "looked at 2 times" in said


def test_the_same_run_gives_the_same_bytes(html: str) -> None:
    assert page() == html


def test_a_page_of_many_lines_is_small() -> None:
    x = tuple(float(n) for n in range(1, 2_001))
    lines = tuple(Line(f"task {n}", x, tuple(n + 1 / (3 * e) for e in x)) for n in range(200))
    panels = tuple(Panel("", Axis("epoch", "log"), Axis("loss"), lines) for _ in range(4))
    figure = Figure("cql_training_curves", "Curves", "Losses.", "Lines.", panels)
    made = render_page(pages.judged(), (), [figure], pages.sketches([figure]))
    told = json.loads(pages.read(made).all("script")[0].text)
    assert len(made) < 400_000
    for panel in told:
        for mark in panel["marks"]:
            assert mark["at"][0][0] == 1
            assert mark["at"][0][-1] == 2_000


def test_a_table_of_a_thousand_rows_has_a_box_of_its_own() -> None:
    many = Table("of_nobody", "Many", "Numbers.", TABLES[1].columns, tuple((f"row {n}",) for n in range(1_000)))
    root = pages.read(render_page(pages.judged(), [many], (), {}))
    assert len(item(root, "of_nobody").all("tr")) == 1_001
    assert item(root, "of_nobody").all("div")[0].attributes["class"] == "scroll long"


def test_methods_are_below_their_heading_and_load_nothing(root: Element) -> None:
    methods = next(it for it in root.all("section") if it.all("h2", id="methods"))
    assert [it.tag for it in methods.all() if re.fullmatch("h[1-6]", it.tag)] == ["h2", "h3", "h4"]
    assert methods.all("th")[0].attributes["scope"] == "col"
    assert [it.text for it in methods.all("math")][::2] == ["q^(s)", "L<1B"]
    assert not methods.all("b")
    assert [it.text for it in methods.all("code")] == [r"\href{javascript:x}{y}"]
