"""A small HTTP/1.1 client for load: one keep-alive connection and one cookie jar per visitor.

A general client would be the bottleneck: it costs more per page than an edge does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

import httptools

TIMEOUT: Final = 30.0


@dataclass(slots=True)
class Page:
    """A response, whole."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The first value of a field, empty without one; `name` in lower case."""
        return next((value for key, value in self.headers if key == name), "")


class Visitor:
    """A browser as far as servers can tell: cookies, keep-alive, no cache of its own."""

    def __init__(self, base: str, language: str = "en") -> None:
        parts = urlsplit(base)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._language = language
        self.cookies: dict[str, str] = {}
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str) -> Page:
        """GET without following redirects. Raises OSError or TimeoutError."""
        return await self._request("GET", path, b"", {})

    async def post(self, path: str, form: Mapping[str, str]) -> Page:
        """POST a form, as from a page of the same site."""
        fields = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": f"http://{self._host}:{self._port}{path}",
        }
        return await self._request("POST", path, urlencode(form).encode(), fields)

    async def close(self) -> None:
        """Leave."""
        if self._writer is not None:
            self._writer.close()
            self._reader = self._writer = None

    async def _request(self, method: str, path: str, body: bytes, extra: Mapping[str, str]) -> Page:
        head = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        head += ["User-Agent: twopass-benchmarks", f"Accept-Language: {self._language}"]
        head += [f"{name}: {value}" for name, value in extra.items()]
        if self.cookies:
            told = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            head.append(f"Cookie: {told}")
        if body or method == "POST":
            head.append(f"Content-Length: {len(body)}")
        data = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body
        async with asyncio.timeout(TIMEOUT):
            page = await self._exchange(data)
        self._keep(page)
        return page

    async def _exchange(self, data: bytes) -> Page:
        fresh = self._writer is None
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(data)
        page = await self._receive(self._reader)
        if page is None:
            await self.close()
            if fresh:
                raise ConnectionResetError("the server closed without answering")
            return await self._exchange(data)  # an idle connection that the server gave up
        return page

    async def _receive(self, reader: asyncio.StreamReader) -> Page | None:
        answer = _Answer()
        parser = httptools.HttpResponseParser(answer)
        while not answer.is_complete:
            data = await reader.read(65536)
            if not data:
                if answer.page.status and answer.until_close:
                    break
                if answer.page.status:
                    raise ConnectionResetError("the response was cut")
                return None
            parser.feed_data(data)
        answer.page.body = b"".join(answer.chunks)
        answer.page.status = parser.get_status_code()
        if not parser.should_keep_alive():
            await self.close()
        return answer.page

    def _keep(self, page: Page) -> None:
        for name, value in page.headers:
            if name == "set-cookie":
                pair, _, attributes = value.partition(";")
                key, _, text = pair.strip().partition("=")
                if "max-age=0" in attributes.lower() or text in ("", '""'):
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = text


class _Answer:
    """What httptools calls back."""

    def __init__(self) -> None:
        self.page = Page()
        self.chunks: list[bytes] = []
        self.is_complete = False
        self.until_close = True

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        self.page.status = self.page.status or 1
        if key in ("content-length", "transfer-encoding"):
            self.until_close = False
        self.page.headers.append((key, value.decode("latin-1")))

    def on_body(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def on_message_complete(self) -> None:
        self.is_complete = True
