"""The URL of the user's own server: what it may hold, and what of it may be shown."""

from urllib.parse import parse_qsl, unquote, urlsplit

from cqltui.errors import InputError

URL_FORMS = "redis://[user:password@]host:port/db, rediss://... (TLS) or unix://[user:password@]/path?db=0"
_OPTIONS = frozenset({"db", "username", "password", "client_name", "socket_timeout", "socket_connect_timeout"})
_TLS = "ssl_"
"""How the client library's options of TLS begin: ssl_ca_certs, ssl_certfile, ssl_check_hostname and others."""


def check_url(url: str) -> None:
    """Raise InputError for an option that the connection cannot have. Whether the rest is a URL is the library's
    business."""
    try:
        parts = urlsplit(url)
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    except ValueError:
        raise InputError(wrong_form()) from None
    for name in names:
        if name.startswith(_TLS):
            if parts.scheme != "rediss":
                raise InputError(f"{shown_url(url)}: {name} is for TLS: the URL has to begin with rediss://")
        elif name not in _OPTIONS:
            known = ", ".join(sorted(_OPTIONS))
            raise InputError(f"{shown_url(url)}: unknown option {name[:40]!a}; known: {known}, ssl_...")


def wrong_form() -> str:
    """What is wrong with something that is no such URL. Quotes nothing of it: a part may be of a password."""
    return f"the Redis URL is not of the form {URL_FORMS}; escape special signs in a password (%23 for #)"


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
