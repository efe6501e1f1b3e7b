"""A run's screen in a browser of this machine. Each page that is open has a screen of its own, a process.

textual-serve brings the page's script and what passes on between a page and a process; of it `Server.handle_websocket`
and `Server.statics_path` are used. Who may come in, and what a page may do, is decided here.
"""

import asyncio
import secrets
import shlex
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web
from textual_serve.server import Server

from cqltui.app.gate import NAMES, Asked, Gate
from cqltui.app.servepage import KEYS, POLICY, page
from cqltui.errors import InputError

COOKIE = "cqltui"
MOST = 8
"""Screens that are open at a time."""
LARGEST = 1000
"""Columns and rows of a screen."""
LEAVE_S = 2.0
"""What open screens have to end."""
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Serves one run's screen on a port of 127.0.0.1."""

    def __init__(self, command: Sequence[str], title: str) -> None:
        """`command`: what shows the screen, as a process of its own."""
        self._title = title
        self._screens = Server(shlex.join(command))
        # Cookies know no ports: a server on another port of this machine, of somebody else, would be sent this one. It
        # is sent below a path alone that nobody else knows.
        self._base = f"/{secrets.token_urlsafe(16)}/"
        self._token = secrets.token_urlsafe(32)
        self._open = 0
        self._gate = Gate(0, "")
        self._runner: web.AppRunner | None = None

    async def start(self, port: int) -> str:
        """Begin to listen; the address to open. Raises InputError if the port cannot be had."""
        app = web.Application(middlewares=[self._guard()], client_max_size=1 << 16)
        app.add_routes(
            [
                web.get(self._base, self._index),
                web.get(f"{self._base}keys.js", self._keys),
                web.get(f"{self._base}ws", self._websocket),
                web.static(f"{self._base}static", self._screens.statics_path),
            ]
        )
        app.on_response_prepare.append(self._add_headers)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=LEAVE_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, NAMES[0], port).start()
        except OSError as error:
            await self.stop()
            raise InputError(f"--port {port}: {error.strerror}; choose another, or 0 for any that is free") from None
        _, found, *_ = self._runner.addresses[0]
        self._gate = Gate(found, self._token)
        return f"http://{NAMES[0]}:{found}{self._base}?token={self._token}"

    async def stop(self) -> None:
        """End, with all screens."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _guard(self) -> Any:
        """Return what each request goes through, also one for what is not there."""

        @web.middleware
        async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            given = request.query.get("token")
            asked = Asked(
                request.headers.getall("Host", []),
                request.headers.getall("Origin", []),
                request.cookies.get(COOKIE, "") if given is None else given,
                request.headers.get("Upgrade") is not None,
            )
            if why := self._gate.refused(asked):
                raise web.HTTPForbidden(text=f"cqltui: {why}\n")
            if given is None:
                return await handler(request)
            found = web.HTTPSeeOther(self._base)  # the token stays in no address
            found.set_cookie(COOKIE, self._token, path=self._base, httponly=True, samesite="Strict")
            raise found

        return let_in

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        websocket = f"ws://{self._gate.hosts[0]} ws://{self._gate.hosts[1]}"
        response.headers["Content-Security-Policy"] = POLICY.format(websocket=websocket)

    async def _index(self, request: web.Request) -> web.Response:
        return web.Response(text=page(self._title, f"ws://{request.host}{self._base}ws"), content_type="text/html")

    async def _keys(self, request: web.Request) -> web.Response:
        return web.Response(text=KEYS, content_type="text/javascript")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        sizes = [request.query.get(name, "80") for name in ("width", "height")]
        if not all(size.isascii() and size.isdecimal() and 0 < int(size[:6]) <= LARGEST for size in sizes):
            raise web.HTTPBadRequest(text="what size is that?")
        if self._open >= MOST:
            raise web.HTTPServiceUnavailable(text=f"{MOST} screens are open: close one")
        self._open += 1
        try:
            return await self._screens.handle_websocket(request)
        finally:
            self._open -= 1


def serve(site: Site, port: int, tell: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. `tell` gets the address. Raises InputError as `Site.start`."""
    asyncio.run(_serve(site, port, tell))


async def _serve(site: Site, port: int, tell: Callable[[str], None]) -> None:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    tell(await site.start(port))
    try:
        await over.wait()
    finally:
        await site.stop()
