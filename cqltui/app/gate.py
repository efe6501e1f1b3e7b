"""Who may see a run in a browser: whoever has the token, and asks this server by its own name. Pure."""

import hmac
from collections.abc import Sequence

from msgspec import Struct

NAMES = ("127.0.0.1", "localhost")
"""Any other name that leads here is somebody else's: a page whose name now has this address (DNS rebinding)."""
OPEN = "open the address that `cqltui serve` has printed"


class Asked(Struct, frozen=True):
    """What of a request counts."""

    host: Sequence[str]
    """Each Host header."""
    origin: Sequence[str]
    token: str = ""
    """As the address has it, or the cookie."""
    is_websocket: bool = False


class Gate(Struct, frozen=True):
    """Lets in, or says why not."""

    port: int
    token: str

    @property
    def hosts(self) -> tuple[str, ...]:
        """What this server is called."""
        return tuple(f"{name}:{self.port}" for name in NAMES) + (NAMES if self.port == 80 else ())

    def refused(self, asked: Asked) -> str:
        """Return why a request is refused; empty if it is not. A browser names the origin of whatever a page asks with
        effect, and of each WebSocket; it may leave it out where somebody has typed an address."""
        if len(asked.host) != 1 or asked.host[0].lower() not in self.hosts:
            return f"this server is {' or '.join(self.hosts)}: {OPEN}"
        own = f"http://{asked.host[0].lower()}"
        if any(origin.lower() != own for origin in asked.origin) or (asked.is_websocket and len(asked.origin) != 1):
            return "another page has asked, which may not"
        if not hmac.compare_digest(asked.token.encode(errors="replace"), self.token.encode()):
            return f"the token is missing or wrong: {OPEN}"
        return ""
