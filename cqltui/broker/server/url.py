"""The URL of the user's own server: what it may hold, and what of it may be shown."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cqltui.errors import InputError
from trainer.files import open_regular

URL_FORMS = "redis://[user:password@]host:port/db (with TLS: rediss://) or unix://[user:password@]/path?db=0"
_OPTIONS = frozenset({"db", "username", "password", "client_name", "socket_timeout", "socket_connect_timeout"})
_SCHEMES = ("redis", "rediss", "unix")
TUNNEL = "tunnel://"
"""Begins a URL of ours: the folder with the connection file that the end of a tunnel keeps, at the workers' machine."""
_PRINTABLE = re.compile(r"[!-~]+")
_TLS = "ssl_"
"""How the client library's options of TLS begin."""
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS_OPTIONS = frozenset({*_TLS_FILES, "ssl_password", "ssl_check_hostname", "ssl_cert_reqs"})
"""Of the library's others some wait for whatever they name."""
LARGEST_FILE = 16 << 20
"""Of certificates: all that a system trusts take a quarter of a megabyte."""
LONGEST_S = 60.0
"""That a URL may have a server that does not answer be waited for."""


def tunnel_url(folder: Path) -> str:
    """Return the URL of the server to which the tunnel leads that ends in this folder."""
    return TUNNEL + quote(str(folder.absolute()))


def tunnel_folder(url: str) -> Path | None:
    """Return the folder of `tunnel_url`; None for another URL."""
    return Path(unquote(url.removeprefix(TUNNEL))) if url.startswith(f"{TUNNEL}/") else None


def check_url(url: str) -> None:
    """Raise InputError for what is no such URL, or has an option that the connection cannot have, or would wait for."""
    try:
        parts = urlsplit(url)
        values = parse_qsl(parts.query, keep_blank_values=True)
        options = [name for name, _ in values]
    except ValueError:
        raise wrong_form() from None
    at = "@" in parts.netloc
    # A special sign in a password ends the address early: what is taken for a path or an option is of the password.
    cut = bool(parts.netloc) and not at and any("@" in part for part in (parts.path, *options))
    if parts.scheme not in _SCHEMES or not _PRINTABLE.fullmatch(url) or "#" in url or cut:
        raise wrong_form()
    for name, value in values:
        if name not in _OPTIONS | _TLS_OPTIONS:
            known = ", ".join((*sorted(_OPTIONS), *sorted(_TLS_OPTIONS)))
            raise InputError(f"{shown_url(url)}: unknown option {name[:40]!a}; known: {known}")
        if name.startswith(_TLS) and parts.scheme != "rediss":
            raise InputError(f"{shown_url(url)}: {name} is for TLS: the URL must begin with rediss://")
        if name.endswith("timeout") and not 0 < _seconds(value) <= LONGEST_S:
            raise InputError(f"{shown_url(url)}: {name}: expected seconds, above 0 and at most {LONGEST_S:g}")
        if name in _TLS_FILES:
            _check_file(shown_url(url), name, Path(value))


def _seconds(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0


def _check_file(shown: str, name: str, path: Path) -> None:
    """Raise InputError for what OpenSSL would wait for: a pipe, a device, a file without an end. One that is missing it
    says itself."""
    try:
        open_regular(path, LARGEST_FILE).close()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise InputError(f"{shown}: {name}: {path}: {getattr(error, 'strerror', None) or error}") from None


def wrong_form() -> InputError:
    """For something that is no such URL. Quotes nothing of it: a part may be of a password."""
    return InputError(
        f"the Redis URL is not of the form {URL_FORMS}; escape special characters in a password (%23 for #)"
    )


def shown_url(url: str) -> str:
    """Return the URL without user, password and query, for messages and logs."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "the Redis URL"
    address = f"{host}:{port}" if port else host
    return f"{parts.scheme}://{address}{parts.path}"


def passwords(url: str) -> set[str]:
    """Return every password in the URL, as it is written and as it is meant."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return set()
    query = {value for name, value in parse_qsl(parts.query) if name.endswith("password")}
    found = {parts.password or "", *query}
    return {form for written in found for form in (written, unquote(written)) if form}
