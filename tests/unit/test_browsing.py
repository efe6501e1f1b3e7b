"""What is opened in the browser, and what is said where there is none. The browser is a program of the test."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from cqltui.app import browsing
from cqltui.app.browsing import open_page, show_report
from cqltui.results.rundir import RunDir, write_json

BROWSER = """\
#!{python}
import json, os, sys, time
with open({seen!r} + ".tmp", "w") as file:
    where = [os.path.realpath(f"/dev/fd/{{number}}") for number in (0, 1, 2)]
    json.dump([sys.argv[1:], where, os.environ.get("TERM"), os.getsid(0)], file)
os.rename({seen!r} + ".tmp", {seen!r})
print("a browser writes this onto the terminal")
time.sleep({seconds})
sys.exit({code})
"""
WAIT_S = 60.0


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a display, in front of which somebody sits."""
    for name in (*browsing.REMOTE, *browsing.DISPLAYS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("TERM", "xterm-256color")


def browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, seconds: float = 0.0, code: int = 0) -> Path:
    """Have a browser that stays for so long; where it writes what it was given."""
    program, seen = tmp_path / "browser", tmp_path / "seen.json"
    program.write_text(BROWSER.format(python=sys.executable, seen=str(seen), seconds=seconds, code=code))
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(program))
    return seen


def page_in(tmp_path: Path) -> Path:
    """A page whose path has what URLs quote."""
    page = tmp_path / "a run #1" / "report" / "report.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>the report")
    return page


def test_the_browser_gets_the_page_and_nothing_of_the_terminal(
    local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    seen, page = browser(monkeypatch, tmp_path), page_in(tmp_path)
    assert open_page(page) == (f"The browser shows {page}", "")
    arguments, streams, term, session = json.loads(seen.read_text())
    assert arguments == [page.as_uri()]
    assert "%23" in page.as_uri()
    assert streams == ["/dev/null"] * 3
    assert term is None, "a browser of the terminal is none"
    assert session != os.getsid(0)
    assert capfd.readouterr() == ("", "")


def test_a_browser_that_stays_keeps_nobody_waiting(
    local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, page = browser(monkeypatch, tmp_path, seconds=60), page_in(tmp_path)
    monkeypatch.setattr(browsing, "WAIT_S", 0.1)
    began = time.monotonic()
    assert open_page(page) == (f"The browser shows {page}", "")
    assert time.monotonic() - began < 30
    while not seen.exists():
        assert time.monotonic() - began < WAIT_S
        time.sleep(0.02)


def test_where_the_browser_fails_the_path_is_said(local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser(monkeypatch, tmp_path, code=1)
    monkeypatch.setenv("PATH", str(tmp_path))  # which has no other
    page = page_in(tmp_path)
    assert open_page(page) == (f"No browser could be started. The report is {page}", str(page))


@pytest.mark.parametrize("name", browsing.REMOTE)
def test_over_ssh_nothing_is_started(local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    seen, page = browser(monkeypatch, tmp_path), page_in(tmp_path)
    monkeypatch.setenv(name, "10.0.0.1 50000 10.0.0.2 22")
    assert open_page(page) == (f"Over ssh no browser is started. The report is {page}", str(page))
    assert not seen.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a display needs no variable")
def test_without_a_display_nothing_is_started(local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    page = page_in(tmp_path)
    assert open_page(page) == (f"There is no display here. The report is {page}", str(page))


def test_without_a_report_it_is_said_when_there_is_one(
    local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = RunDir(tmp_path / "run")
    assert show_report(run_dir)[0].endswith("report.html, on another machine.")
    run_dir.path.mkdir()
    by_hand = f"cqltui report --run-dir {run_dir.path}"
    later = f"There is no report yet: it comes once every task has ended; {by_hand} writes one now."
    assert show_report(run_dir) == (later, "")
    write_json(run_dir.campaign_json, {"campaign": {"report": {"auto": False}}})
    assert show_report(run_dir) == (f"There is no report yet: {by_hand} writes it.", "")
    monkeypatch.setattr(browsing, "missing_packages", lambda: ["jinja2", "matplotlib"])
    assert show_report(run_dir)[0] == (
        "There is no report: it needs jinja2 and matplotlib (pip install 'cqltui[report]')."
    )


def test_a_page_that_is_a_link_is_not_opened(local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, run_dir = browser(monkeypatch, tmp_path), RunDir(tmp_path / "run")
    run_dir.report.mkdir(parents=True)
    run_dir.report_html.symlink_to(page_in(tmp_path))
    assert "is a link or another user's" in show_report(run_dir)[0]
    assert not seen.exists()
