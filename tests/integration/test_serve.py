"""The screen in a browser: who is let in, over real connections; and what a real browser shows."""

import re
import shutil
import signal
import socket
import sys
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pyte
import pytest
from aiohttp import ClientSession, DummyCookieJar, WSMsgType, WSServerHandshakeError
from playwright.sync_api import Page, WebSocket, sync_playwright

from cqltui.app.serving import COOKIE, MOST, Site
from cqltui.errors import InputError
from cqltui.state.model import Wanted
from cqltui.state.varying import ID_CELLS
from tests.integration.command import PATIENCE_S
from tests.integration.place import Place, until
from tests.report.test_page_in_browser import CHROMIUM, FLAGS

ECHO = "import sys; sys.stdout.buffer.write(b'__GANGLION__\\nD\\0\\0\\0\\5hello'); sys.stdout.flush(); sys.stdin.read()"
"""A screen as far as a server of screens sees one."""


TOLD_BY_THE_TERMINAL = ("ping=", "CLOSED", "task queue exceeded")
"""What the terminal of the page says on the console: the last of a machine that is slow."""


class Opened:
    """A site on a free port, and a client that says of itself what it likes."""

    def __init__(self, site: Site, url: str, client: ClientSession) -> None:
        self.site, self.url, self.client = site, url, client
        parts = urllib.parse.urlsplit(url)
        self.host, self.base = parts.netloc, f"http://{parts.netloc}{parts.path}"
        self.token = urllib.parse.parse_qs(parts.query)["token"][0]

    async def get(self, path: str = "", cookie: str | None = None, **headers: str) -> tuple[int, str]:
        """The code and the text of an answer; the right cookie unless another is given."""
        sent = {"Cookie": f"{COOKIE}={self.token if cookie is None else cookie}", **headers}
        async with self.client.get(urllib.parse.urljoin(self.base, path), headers=sent, allow_redirects=False) as found:
            return found.status, (await found.read()).decode(errors="replace")

    async def websocket(self, cookie: str | None = None, query: str = "", **headers: str) -> int:
        """The code of the answer to a WebSocket, 101 for one that brings the screen's bytes."""
        sent = {"Cookie": f"{COOKIE}={self.token if cookie is None else cookie}", **headers}
        try:
            async with self.client.ws_connect(f"{self.base}ws{query}", headers=sent) as websocket:
                message = await websocket.receive(PATIENCE_S)
                assert (message.type, message.data) == (WSMsgType.BINARY, b"hello")
        except WSServerHandshakeError as error:
            return error.status
        return 101


@asynccontextmanager
async def opened() -> AsyncIterator[Opened]:
    """A site, listening."""
    site = Site((sys.executable, "-c", ECHO), "cqltui <deep>")
    url = await site.start(0)
    try:
        async with ClientSession(cookie_jar=DummyCookieJar()) as client:
            yield Opened(site, url, client)
    finally:
        await site.stop()


async def test_the_token_becomes_a_cookie_that_no_script_and_no_other_site_gets() -> None:
    async with opened() as site, site.client.get(site.url, allow_redirects=False) as found:
        assert (found.status, found.headers["Location"]) == (303, urllib.parse.urlsplit(site.base).path)
        cookie = found.cookies[COOKIE]
        assert (cookie.value, cookie["httponly"], cookie["samesite"]) == (site.token, True, "Strict")
        assert cookie["path"] == urllib.parse.urlsplit(site.base).path, "other ports of this machine share cookies"
        assert len(cookie["path"]) > 20
        code, text = await site.get()
        assert code == 200
        assert f'data-session-websocket-url="ws://{site.host}' in text
        assert "<title>cqltui &lt;deep&gt;</title>" in text
        assert site.token not in text
        assert not re.findall(r"https?://", text), "the page loads nothing from elsewhere"
        for path in re.findall(r'(?:src|href)="([^":]+)"', text):
            assert (await site.get(path))[0] == 200, path


async def test_every_answer_forbids_frames_referrers_and_foreign_scripts() -> None:
    async with opened() as site:
        for address in (site.url, site.base, f"http://{site.host}/"):
            async with site.client.get(address, allow_redirects=False) as found:
                policy = found.headers["Content-Security-Policy"]
                assert "default-src 'none'; script-src 'self'" in policy
                assert "frame-ancestors 'none'" in policy
                assert f"connect-src 'self' ws://{site.host}" in policy
                assert found.headers["Referrer-Policy"] == "no-referrer"
                assert found.headers["Cache-Control"] == "no-store"


async def test_without_the_token_with_another_name_or_from_another_page_nothing_is_to_be_had() -> None:
    async with opened() as site:
        other = "http://evil.example"
        paths = ("", "keys.js", "static/js/textual.js", "nothing", "/")
        for path in paths:
            assert (await site.get(path, cookie=""))[0] == 403
            assert (await site.get(path, cookie="x" * len(site.token)))[0] == 403
            assert (await site.get(path, Host="evil.example"))[0] == 403
            assert (await site.get(path, Host=site.host.replace("127.0.0.1", "evil.example")))[0] == 403
            assert (await site.get(path, Origin=other))[0] == 403
        rebound = f"evil.example:{site.host.partition(':')[2]}"
        assert (await site.get(f"?token={site.token}", cookie="", Host=rebound))[0] == 403
        assert (await site.get("?token=wrong"))[0] == 403, "not even with the right cookie"
        assert await site.websocket(Origin=f"http://{site.host}") == 101
        assert await site.websocket() == 403
        assert await site.websocket(Origin=other) == 403
        assert await site.websocket(Origin="null") == 403
        assert await site.websocket(Origin=f"http://{rebound}", Host=rebound) == 403
        assert await site.websocket(cookie="", Origin=f"http://{site.host}") == 403
        assert (await site.get("static/../../server.py"))[0] in (403, 404)
        assert (await site.get("static/%2e%2e/server.py"))[0] in (403, 404)


async def test_screens_are_bounded_in_number_and_size() -> None:
    async with opened() as site:
        own = {"Origin": f"http://{site.host}"}
        for query in ("?width=1001", "?height=0", "?width=-1", "?width=9999999999", "?width=²"):
            assert await site.websocket(query=query, **own) == 400, query
        site.site._open = MOST
        assert await site.websocket(**own) == 503
        site.site._open = 0
        assert await site.websocket(query="?width=120&height=40", **own) == 101


async def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {port}: .*choose another"):
            await Site(("true",), "cqltui").start(port)


def test_without_the_extra_it_says_how_to_install_it(
    ended: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    monkeypatch.delitem(sys.modules, "textual_serve.server", raising=False)
    said = ended.ask("serve", "--run-dir", str(ended.run_dir.path), code=2)
    assert "pip install 'cqltui[serve]'" in said.err


class Watched:
    """A page, and what its screen shows."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self._screen = pyte.Screen(160, 48)
        self._stream = pyte.ByteStream(self._screen)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("websocket", self._listen)

    def _listen(self, websocket: WebSocket) -> None:
        websocket.on("framereceived", self._take)

    def _take(self, data: bytes | str) -> None:
        if isinstance(data, bytes):
            self._stream.feed(data)

    def until(self, what: str) -> None:
        """Wait for a text on the screen."""

        def shown() -> bool:
            self.page.wait_for_timeout(50)
            return what in "\n".join(self._screen.display)

        until(shown, what)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_browser_shows_the_run_and_cannot_change_it(place: Place) -> None:
    assert shutil.which(str(CHROMIUM))
    place.slow_down()
    run = place.begin("--set", "epochs_scale=40")
    until(place.under_way, "a task under way")
    served = place.start("serve", "--run-dir", str(place.run_dir.path))
    until(lambda: "Ctrl-C ends this" in served.out, "the address")
    url, token = re.findall(r"^(http://127\.0\.0\.1:\d+/\S+\?token=(\S+))$", served.out, re.MULTILINE)[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS), timeout=PATIENCE_S * 1000)
        context = browser.new_context(viewport={"width": 900, "height": 560})
        context.set_default_timeout(PATIENCE_S * 1000)
        seen = Watched(context.new_page())
        seen.page.goto(url)
        seen.until("A small campaign")
        seen.until(place.running()[0].id[:ID_CELLS])
        seen.until("read-only")
        assert token not in seen.page.url
        assert seen.page.evaluate("document.cookie") == "", "no script gets the token"
        assert seen.page.locator(".begun").is_hidden()
        seen.page.keyboard.press("P")
        seen.until("This screen is read-only")
        assert place.look().wanted is Wanted.RUNNING
        stranger = browser.new_page()
        answer = stranger.goto(url.partition("?")[0], timeout=PATIENCE_S * 1000)
        assert answer is not None
        assert answer.status == 403, "another browser, without the cookie"
        served.send(signal.SIGINT)
        served.ends(0)
        seen.page.wait_for_selector("body.-closed")
        assert seen.page.locator(".ended").is_visible()
        browser.close()
    assert [text for text in seen.said if not text.startswith(TOLD_BY_THE_TERMINAL)] == []
    assert token not in served.err
    until(lambda: not place.processes("--browser"), "the end of the screen, which does not stay behind")
    assert run.code is None, "the run goes on"
