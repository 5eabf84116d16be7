"""A site under test: an origin whose every answer a test writes, and an edge in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.wire import Request, Response, ask, exchange, read_body, read_head

ESI = 'content="ESI/1.0"'


@dataclass
class Reply:
    """An answer of the origin. `raw` instead of all else: these very bytes, then the end."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    stream: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None


def page(body: str, **headers: str) -> Reply:
    """An HTML page that may be shared for an hour; `cache_control` etc. overrule."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    fields = {"content-type": "text/html; charset=utf-8", "cache-control": "max-age=3600", **named}
    return Reply(body.encode(), 200, fields)


def esi(body: str, **headers: str) -> Reply:
    """The same as an ESI document."""
    return page(body, **{"surrogate_control": ESI, **headers})


Handler = Callable[[Request], "Reply | Awaitable[Reply]"]


class Site:
    """One test's corner of the site: all under `base`, and what the origin was asked there."""

    def __init__(self, origin: Origin, host: str, port: int) -> None:
        self.base = f"/t{secrets.token_hex(6)}"
        self.host, self.port = host, port
        self.origin = origin
        self._handlers: dict[str, Handler] = {}
        origin.sites[self.base[1:]] = self

    def serve(self, path: str, reply: Reply | Handler) -> None:
        """What the origin says to `base + path` (the query does not matter)."""
        self._handlers[path] = reply if callable(reply) else lambda _: reply

    async def handle(self, request: Request) -> Reply:
        path = request.target.partition("?")[0].removeprefix(self.base)
        handler = self._handlers.get(path) or self._handlers.get("*")
        if handler is None:
            return Reply(b"nothing here", 404)
        reply = handler(request)
        return await reply if inspect.isawaitable(reply) else reply

    def asked(self, path: str | None = None) -> list[Request]:
        """Requests for the path (all of the site without one), as the origin saw them."""
        mine = [r for r in self.origin.requests if r.target.startswith(self.base)]
        if path is None:
            return mine
        wanted = self.base + path
        return [r for r in mine if r.target.partition("?")[0] == wanted]

    async def get(self, path: str = "/page", method: str = "GET", /, **headers: str) -> Response:
        """A visitor's request; `x_forwarded_for="…"` is a header."""
        fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return await ask(self.host, self.port, method, self.base + path, fields)

    async def send(self, raw: bytes) -> Response:
        """A visitor's very bytes; `BASE` in them is the site's path."""
        return await exchange(self.host, self.port, raw.replace(b"BASE", self.base.encode()))

    async def text(self, path: str = "/page", /, **headers: str) -> str:
        """The body a visitor gets, with 200."""
        response = await self.get(path, **headers)
        assert response.status == 200, (response.status, response.body[:200])
        return response.body.decode()


class Origin:
    """Serves all sites; `requests` is everything it was ever asked, whatever the Host."""

    def __init__(self) -> None:
        self.sites: dict[str, Site] = {}
        self.requests: list[Request] = []
        self.port = 0
        self.gone: set[str] = set()
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=1 << 24)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks.items())
        for writer, task in tasks:
            writer.close()
            task.cancel()
        await asyncio.gather(*(task for _, task in tasks), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks[writer] = task
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
                while (head := await read_head(reader)) is not None:
                    request = Request(*head)
                    await read_body(reader, request, ends_with_connection=False)
                    self.requests.append(request)
                    if not await self._answer(request, writer):
                        break
        except asyncio.CancelledError:
            pass  # the end of the test; the streams' own callback would report it
        finally:
            writer.close()
            self._tasks.pop(writer, None)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        site = self.sites.get(request.target.removeprefix("/").partition("/")[0].partition("?")[0])
        reply = Reply(b"nobody", 404) if site is None else await site.handle(request)
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        fields = dict(reply.headers)
        if reply.stream is None and "transfer-encoding" not in fields:
            fields.setdefault("content-length", str(len(reply.body)))
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {reply.status} Said\r\n{lines}\r\n".encode("latin-1"))
        if reply.stream is not None:
            try:
                await reply.stream(writer)
            except ConnectionError:
                self.gone.add(request.target)
                raise
            return False
        if request.method != "HEAD":
            writer.write(reply.body)
        await writer.drain()
        return True


def resident_bytes(pid: int) -> int:
    """Memory a process and its children hold now; 0 where that cannot be known."""
    total = 0
    for one in [pid, *_children(pid)]:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{one}/status").read_text()
            found = [line for line in status.splitlines() if line.startswith("VmRSS:")]
            total += int(found[0].split()[1]) * 1024 if found else 0
    return total


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(word) for word in text.split()]
    return []
