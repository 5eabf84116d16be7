"""An ASGI application in this process as an edge's origin, its bodies streamed both ways.

The application is called as a server would call it. Nothing that it does is ever cancelled: when
nobody waits for its answer any more it is told so (`http.disconnect`, and OSError from `send`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextvars import ContextVar
from urllib.parse import unquote

import httpx
from starlette.types import ASGIApp, Message, Scope

logger = logging.getLogger("twopass.edge.asgi")

visitor_scope: ContextVar[Scope | None] = ContextVar("visitor_scope", default=None)
"""The scope of the request that is being answered; what is not the visitor's in it is passed on."""

# What the server says to all applications alike; the rest of a scope is made from the request.
_OF_THE_SERVER = ("asgi", "http_version", "root_path", "server", "state")
# What these say stands in the scope, as if no proxy were in between.
_OF_A_PROXY = frozenset(
    {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto"}
)


class AppTransport(httpx.AsyncBaseTransport):
    """Sends requests to `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The application's answer as soon as its head is there."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        call = _Call(request.stream)
        task = asyncio.create_task(call.run(self._app, _scope_of(request)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            status, headers = await asyncio.shield(call.head)
        except asyncio.CancelledError:
            await call.aclose()
            raise
        return httpx.Response(status, headers=headers, stream=call)


def _scope_of(request: httpx.Request) -> Scope:
    fields = [(name.lower(), value) for name, value in request.headers.raw]
    told = {name: value.decode("latin-1") for name, value in fields if name in _OF_A_PROXY}
    target: bytes = request.extensions.get("target", request.url.raw_path)
    path, _, query = target.partition(b"?")
    around = visitor_scope.get() or {}
    client = told.get(b"x-forwarded-for")
    return {
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "root_path": "",
        "server": None,
        **{name: around[name] for name in _OF_THE_SERVER if name in around},
        "type": "http",
        "method": request.method,
        "scheme": told.get(b"x-forwarded-proto", "http"),
        "path": _decoded(path),
        "raw_path": path,
        "query_string": query,
        "headers": [field for field in fields if field[0] not in _OF_A_PROXY],
        "client": (client, 0) if client else None,
        "extensions": {},
    }


def _decoded(path: bytes) -> str:
    """As ASGI wants it: percent-decoded UTF-8, what is none replaced as uvicorn does."""
    return unquote(path.decode("ascii"))


class _Call(httpx.AsyncByteStream):
    """One call of the application, and the body of its answer."""

    def __init__(self, body: httpx.AsyncByteStream) -> None:
        self.head: asyncio.Future[tuple[int, list[tuple[bytes, bytes]]]] = (
            asyncio.get_running_loop().create_future()
        )
        self._body: AsyncIterator[bytes] | None = aiter(body)
        self._chunks: deque[bytes] = deque()
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._left = asyncio.Event()
        self._is_complete = False
        self._is_over = False
        self._start: Message | None = None

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Call the application; a failure of its own becomes a 500, or a cut answer."""
        try:
            await app(scope, self._receive, self._send)
        except Exception:
            if not self._left.is_set():
                logger.exception("the application failed", extra={"path": scope["path"]})
        finally:
            self._is_over = True
            if not self.head.done():
                self._fail()
            self._came.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._chunks:
                yield self._chunks.popleft()
                self._room.set()
            if self._is_complete:
                return
            if self._is_over:
                raise httpx.ReadError("the application broke its answer off")
            self._came.clear()
            await self._came.wait()

    async def aclose(self) -> None:
        """Nobody waits for the answer any more."""
        self._left.set()
        self._room.set()
        self._chunks.clear()

    def _fail(self) -> None:
        self._chunks.append(b"Internal Server Error\n")
        self._is_complete = True
        fields = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
        self.head.set_result((500, fields))

    async def _receive(self) -> Message:
        if self._body is not None and not self._left.is_set():
            async for chunk in self._body:
                if chunk:
                    return {"type": "http.request", "body": chunk, "more_body": True}
            self._body = None
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._left.is_set():
            raise OSError("nobody waits for this answer any more")
        match message["type"]:
            case "http.response.start":
                self._start = message
                headers = [(bytes(n), bytes(v)) for n, v in message.get("headers", ())]
                self.head.set_result((message["status"], headers))
            case "http.response.body":
                await self._take(message)
            case _:
                pass  # extensions that were not offered

    async def _take(self, message: Message) -> None:
        if body := bytes(message.get("body", b"")):
            self._chunks.append(body)
        self._is_complete = not message.get("more_body", False)
        self._came.set()
        while self._chunks and not self._is_complete and not self._left.is_set():
            self._room.clear()
            await self._room.wait()
