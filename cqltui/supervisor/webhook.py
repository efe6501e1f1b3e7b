"""Posts a notice to an address. The address is a secret but for its host: neither logs nor errors tell more."""

import ssl
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

import cqltui
from cqltui.supervisor.courier import DeliveryError

TIMEOUT_S = 10.0
PASSING = frozenset({408, 425, 429, *range(500, 600)})
"""Answers after which it is worth being tried again."""


class Webhook:
    """One address. Its redirects are not followed: they might lead to another scheme, or take the notice elsewhere."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.host = urlsplit(url).hostname or ""
        self._opener = OpenerDirector()  # of what opens URLs nothing else: no files, no FTP
        for handler in (
            ProxyHandler(), HTTPHandler(), HTTPSHandler(context=ssl.create_default_context()), HTTPErrorProcessor(),
            HTTPDefaultErrorHandler(),
        ):  # fmt: skip
            self._opener.add_handler(handler)

    def post(self, notice: bytes) -> None:
        """Post it, once. Raises DeliveryError."""
        headers = {"Content-Type": "application/json", "User-Agent": f"cqltui/{cqltui.__version__}"}
        request = Request(self._url, notice, headers, method="POST")
        try:
            self._opener.open(request, timeout=TIMEOUT_S).close()
        except HTTPError as error:
            error.close()
            what = "a redirect, which is not followed" if 300 <= error.code < 400 else f"HTTP {error.code}"
            raise DeliveryError(f"it answers with {what}", again=error.code in PASSING) from None
        except URLError as error:
            raise DeliveryError(_why(error.reason)) from None
        except (OSError, HTTPException, ValueError) as error:
            raise DeliveryError(_why(error)) from None


def _why(error: object) -> str:
    """Return what went wrong, by words that no address is in."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
