"""A small HTTP/1.1 client for load: one keep-alive connection and one cookie jar per visitor.

A general client would be the bottleneck: it costs more per page than an edge does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from .connection import Connection, Gone, Page

__all__ = ["Page", "Visitor"]

TIMEOUT: Final = 30.0
_FORM: Final = "application/x-www-form-urlencoded"


class Visitor:
    """A browser as far as servers can tell: cookies, keep-alive, no cache of its own."""

    def __init__(self, base: str, language: str = "en") -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._usual = (
            f"Host: {self._host}:{self._port}\r\nUser-Agent: twopass-benchmarks\r\n"
            f"Accept-Language: {language}\r\n"
        )
        self.cookies: dict[str, str] = {}
        self._connection: Connection | None = None

    async def get(self, path: str) -> Page:
        """GET without following redirects. Raises OSError or TimeoutError."""
        return await self._request(f"GET {path} HTTP/1.1\r\n{self._usual}{self._told()}\r\n")

    async def post(self, path: str, form: Mapping[str, str], page: str = "") -> Page:
        """POST a form that stood on `page` of the same site. Raises as `get` does."""
        body = urlencode(form)
        return await self._request(
            f"POST {path} HTTP/1.1\r\n{self._usual}{self._told()}Content-Type: {_FORM}\r\n"
            f"Referer: http://{self._host}:{self._port}{page or path}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    async def close(self) -> None:
        """Leave."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _told(self) -> str:
        if not self.cookies:
            return ""
        return f"Cookie: {'; '.join(f'{name}={value}' for name, value in self.cookies.items())}\r\n"

    async def _request(self, request: str) -> Page:
        data = request.encode("latin-1")
        async with asyncio.timeout(TIMEOUT):
            page = await self._ask(data)
        for name, value in page.headers:
            if name == "set-cookie":
                self._keep(value)
        return page

    async def _ask(self, data: bytes) -> Page:
        if self._connection is not None:
            try:
                return await self._connection.ask(data)
            except Gone:
                pass  # an idle connection that the server gave up
        loop = asyncio.get_running_loop()
        _, self._connection = await loop.create_connection(Connection, self._host, self._port)
        return await self._connection.ask(data)

    def _keep(self, set_cookie: str) -> None:
        pair, _, attributes = set_cookie.partition(";")
        key, _, text = pair.strip().partition("=")
        if "max-age=0" in attributes.lower().replace(" ", "") or text in ("", '""'):
            self.cookies.pop(key, None)
        else:
            self.cookies[key] = text
