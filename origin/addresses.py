"""A page's absolute URL in one spelling, whoever wrote it: Django, a purge, a list of pages."""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

_PORTS: Final = {"http": ":80", "https": ":443"}
_AS_IT_IS: Final = "/:@!$&'()*+,;=~-._"


def address(scheme: str, host: str, path: str, query: str) -> str:
    """The URL of the page at the decoded `path`.

    What a path may hold and a URL may not is quoted, so that no "?" in one passes for a query.
    """
    url = f"{scheme}://{host.lower()}{quote(path, safe=_AS_IT_IS)}"
    return f"{url}?{query}" if query else url


def canonical(url: str) -> str:
    """An absolute URL as `address` would spell it; what is none stays as it is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    scheme, host = parts.scheme.lower(), parts.netloc
    with suppress(UnicodeError):
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    host = host.lower().removesuffix(_PORTS.get(scheme, ""))
    path = quote(unquote_to_bytes(parts.path), safe=_AS_IT_IS)
    return f"{scheme}://{host}{path}" + (f"?{parts.query}" if parts.query else "")
