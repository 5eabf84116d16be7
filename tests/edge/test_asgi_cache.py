"""The cache as ASGI middleware: streaming, leaving, failing, invalidating."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from edge.asgi_cache import CacheMiddleware

FRESH = {"cache-control": "max-age=60"}
View = Callable[[Request], Awaitable[Response]]


def wrapped(view: View, **settings: Any) -> CacheMiddleware:
    routes = [Route("/{path:path}", view, methods=["GET", "POST"])]
    return CacheMiddleware(Starlette(routes=routes), **settings)


class Exchange:
    """One request in ASGI, its answer message by message."""

    def __init__(self, app: CacheMiddleware, target: str = "/", method: str = "GET") -> None:
        path, _, query = target.partition("?")
        self.scope: Scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "https", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "headers": [(b"host", b"shop.test")],
            "client": ("192.0.2.1", 1234), "server": ("127.0.0.1", 80), "state": {"pool": 1},
        }  # fmt: skip
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.leaves = asyncio.Event()
        self.task = asyncio.create_task(app(self.scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.sent.put(message)

    async def next(self) -> Message:
        async with asyncio.timeout(10):
            return await self.sent.get()

    async def body(self) -> bytes:
        await self.task
        found = b""
        while not self.sent.empty():
            found += self.sent.get_nowait().get("body", b"")
        return found


async def test_what_may_be_kept_is_asked_for_once() -> None:
    asked: list[Request] = []

    async def view(request: Request) -> Response:
        asked.append(request)
        return PlainTextResponse(f"page {len(asked)}", headers=FRESH)

    app = wrapped(view)
    assert await Exchange(app, "/a?x=1").body() == b"page 1"
    assert await Exchange(app, "/a?x=1").body() == b"page 1"
    assert await Exchange(app, "/a?x=2").body() == b"page 2"
    await app.edge.aclose()


async def test_the_application_sees_the_visitors_scope() -> None:
    seen: list[Scope] = []

    async def view(request: Request) -> Response:
        seen.append(request.scope)
        return PlainTextResponse("page")

    app = wrapped(view)
    await Exchange(app, "/caf%C3%A9?x=%20").body()
    await app.edge.aclose()

    scope = seen[0]
    names = {name for name, _ in scope["headers"]}
    assert (scope["scheme"], scope["path"], scope["raw_path"]) == ("https", "/café", b"/caf%C3%A9")
    assert scope["query_string"] == b"x=%20"
    assert scope["client"][0] == "192.0.2.1"
    assert scope["state"] == {"pool": 1}
    assert not any(name.startswith(b"x-forwarded") for name in names)


@pytest.mark.parametrize(
    ("named", "is_dropped"),
    [
        ({"urls": ["https://shop.test/page"]}, True),
        ({"groups": ["product:1"]}, True),
        ({"prefixes": ["https://shop.test/"]}, True),
        ({"everything": True}, True),
        ({"groups": ["product:2"]}, False),
    ],
)
async def test_what_is_invalidated_is_asked_for_again(
    named: dict[str, Any], is_dropped: bool
) -> None:
    asked = 0

    async def view(_: Request) -> Response:
        nonlocal asked
        asked += 1
        return PlainTextResponse("page", headers={**FRESH, "cache-groups": '"product:1"'})

    app = wrapped(view)
    await Exchange(app, "/page").body()
    app.invalidate(**named)
    await Exchange(app, "/page").body()
    await app.edge.aclose()

    assert asked == (2 if is_dropped else 1)


async def test_a_body_leaves_as_it_comes() -> None:
    goes_on = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await goes_on.wait()
        yield b"second"

    async def view(_: Request) -> Response:
        return StreamingResponse(pieces(), media_type="text/event-stream")

    app = wrapped(view)
    exchange = Exchange(app)
    assert (await exchange.next())["status"] == 200
    assert (await exchange.next())["body"] == b"first"
    goes_on.set()
    assert await exchange.body() == b"second"
    await app.edge.aclose()


async def test_who_leaves_stops_a_stream() -> None:
    told: list[Message] = []
    stopped = asyncio.Event()

    async def app_itself(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 999, "more_body": True})
        except OSError:
            told.append(await receive())
            stopped.set()

    app = CacheMiddleware(app_itself)
    exchange = Exchange(app)
    await exchange.next()
    exchange.leaves.set()
    async with asyncio.timeout(10):
        await exchange.task
        await stopped.wait()
    await app.edge.aclose()

    assert told == [{"type": "http.disconnect"}]


async def test_work_in_the_background_goes_on() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.set()

    async def view(_: Request) -> Response:
        return PlainTextResponse("page", background=BackgroundTask(work))

    app = wrapped(view)
    async with asyncio.timeout(10):
        assert await Exchange(app).body() == b"page"
        await done.wait()
    await app.edge.aclose()


async def test_an_application_that_fails_gives_500_and_stale_pages_stand_in() -> None:
    now, broken = [1_800_000_000.0], False

    async def app_itself(scope: Scope, receive: Receive, send: Send) -> None:
        if broken:
            raise RuntimeError("broken")
        headers = [(b"cache-control", b"max-age=1, stale-if-error=60")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"page"})

    app = CacheMiddleware(app_itself, clock=lambda: now[0])
    assert await Exchange(app, "/kept").body() == b"page"
    broken, now[0] = True, now[0] + 10
    assert await Exchange(app, "/kept").body() == b"page"
    other = Exchange(app, "/other")
    assert (await other.next())["status"] == 500
    await other.task
    await app.edge.aclose()


async def test_an_answer_that_breaks_off_is_cut_and_not_kept() -> None:
    asked = 0

    async def app_itself(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        asked += 1
        headers = [(b"cache-control", b"max-age=60")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("broken")

    app = CacheMiddleware(app_itself)
    for number in (1, 2):
        exchange = Exchange(app)
        await exchange.task
        messages = [exchange.sent.get_nowait() for _ in range(exchange.sent.qsize())]
        assert messages[-1]["more_body"] is True  # no end: the server cuts the connection
        assert asked == number
    await app.edge.aclose()


async def test_esi_documents_are_played() -> None:
    async def view(request: Request) -> Response:
        if request.url.path == "/part":
            return PlainTextResponse("[part]")
        headers = {"surrogate-control": 'content="ESI/1.0"'}
        return Response('a<esi:include src="/part"/>b', media_type="text/html", headers=headers)

    app = wrapped(view)
    assert await Exchange(app).body() == b"a[part]b"
    await app.edge.aclose()


async def test_lifespan_and_websockets_are_the_applications_own() -> None:
    seen: list[str] = []

    async def app_itself(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])
        while (message := await receive())["type"] != "end":
            await send({"type": f"{message['type']}.complete"})

    app = CacheMiddleware(app_itself)
    for kind, words in (("lifespan", ["startup", "shutdown"]), ("websocket", ["connect"])):
        incoming = iter([*(f"{kind}.{word}" for word in words), "end"])
        outgoing: list[str] = []

        async def receive(incoming: Iterator[str] = incoming) -> Message:
            return {"type": next(incoming)}

        async def send(message: Message, outgoing: list[str] = outgoing) -> None:
            outgoing.append(message["type"])

        await app({"type": kind}, receive, send)
        assert outgoing == [f"{kind}.{word}.complete" for word in words]
    assert seen == ["lifespan", "websocket"]


def test_settings_that_do_not_exist_are_told() -> None:
    async def view(_: Request) -> Response:
        return PlainTextResponse("")

    with pytest.raises(TypeError, match="graze"):
        wrapped(view, graze=60)
