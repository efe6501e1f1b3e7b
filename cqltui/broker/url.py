"""The URL of the user's own server: what it may hold, and what of it may be shown."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from cqltui.errors import InputError

URL_FORMS = "redis://[user:password@]host:port/db (with TLS: rediss://) or unix://[user:password@]/path?db=0"
_OPTIONS = frozenset({"db", "username", "password", "client_name", "socket_timeout", "socket_connect_timeout"})
_SCHEMES = ("redis", "rediss", "unix")
_PRINTABLE = re.compile(r"[!-~]+")
_TLS = "ssl_"
"""How the client library's options of TLS begin: ssl_ca_certs, ssl_certfile, ssl_check_hostname and others."""


def check_url(url: str) -> None:
    """Raise InputError for what is no such URL, or has an option that the connection cannot have."""
    try:
        parts = urlsplit(url)
        options = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    except ValueError:
        raise wrong_form() from None
    at = "@" in parts.netloc
    # A special sign in a password ends the address early: what is taken for a path or an option is of the password.
    cut = bool(parts.netloc) and not at and any("@" in part for part in (parts.path, *options))
    if parts.scheme not in _SCHEMES or not _PRINTABLE.fullmatch(url) or "#" in url or cut:
        raise wrong_form()
    for name in options:
        if name.startswith(_TLS):
            if parts.scheme != "rediss":
                raise InputError(f"{shown_url(url)}: {name} is for TLS: the URL has to begin with rediss://")
        elif name not in _OPTIONS:
            known = ", ".join(sorted(_OPTIONS))
            raise InputError(f"{shown_url(url)}: unknown option {name[:40]!a}; known: {known}, ssl_...")


def wrong_form() -> InputError:
    """For something that is no such URL. Quotes nothing of it: a part may be of a password."""
    return InputError(f"the Redis URL is not of the form {URL_FORMS}; escape special signs in a password (%23 for #)")


def shown_url(url: str) -> str:
    """The URL without user, password and query, for messages and logs."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "the Redis URL"
    address = f"{host}:{port}" if port else host
    return f"{parts.scheme}://{address}{parts.path}"


def passwords(url: str) -> set[str]:
    """Every password in the URL, as it is written and as it is meant."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return set()
    query = {value for name, value in parse_qsl(parts.query) if name.endswith("password")}
    found = {parts.password or "", *query}
    return {form for written in found for form in (written, unquote(written)) if form}
