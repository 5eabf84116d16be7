"""One edge on a bench: a clock that stands still, countable randomness, visitors with cookies."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Self

import httpx

from edge.app import create_app
from edge.core.purge import Invalidation
from edge.edge import Edge
from edge.settings import Settings
from origin import SECRET, ScriptedOrigin

START = 1_800_000_000.0
SETTINGS: dict[str, Any] = {
    "origin": "http://origin.test",
    "secret": SECRET,
    "hosts": ("shop.test", "other.test"),
    "manifest_interval": 3600.0,
}


async def until(condition: Callable[[], object]) -> None:
    """Wait for something to become true; a test that waits in vain fails."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


class Clock:
    """Seconds since the epoch; moves when it is told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Got:
    """A response as a visitor sees it."""

    status: int
    headers: httpx.Headers
    text: str

    @property
    def cache_status(self) -> str:
        return self.headers["cache-status"].replace("; ", ";").replace(";", "; ")

    @property
    def set_cookies(self) -> dict[str, str]:
        jar: SimpleCookie = SimpleCookie()
        for line in self.headers.get_list("set-cookie"):
            jar.load(line)
        return {name: morsel.value for name, morsel in jar.items()}


class Visitor:
    """Asks and keeps cookies, as a browser does."""

    def __init__(self, bench: Bench, **cookies: str) -> None:
        self._bench = bench
        self.cookies = dict(cookies)

    async def get(self, target: str, method: str = "GET", **headers: str) -> Got:
        fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if self.cookies:
            line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            fields.append(("cookie", line))
        got = await self._bench.ask(method, target, fields)
        self.cookies.update(got.set_cookies)
        return got

    async def post(self, target: str, **headers: str) -> Got:
        return await self.get(target, "POST", content_length="0", **headers)


class Bench:
    """A running edge in this process, without sockets."""

    def __init__(self, origin: ScriptedOrigin, **settings: Any) -> None:
        self.origin = origin
        self.clock = Clock()
        origin.now = self.clock
        numbers = itertools.count(1)
        self.app = create_app(
            Settings(**{**SETTINGS, **settings}),
            clock=self.clock,
            rng=lambda size: next(numbers).to_bytes(size, "big"),
            transport=origin,
        )
        self.edge: Edge = self.app.state.edge

    async def __aenter__(self) -> Self:
        self._lifespan = self.app.router.lifespan_context(self.app)
        await self._lifespan.__aenter__()
        self.origin.seen.clear()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._lifespan.__aexit__(kind, error, trace)

    def visitor(self, **cookies: str) -> Visitor:
        return Visitor(self, **cookies)

    async def get(self, target: str, **headers: str) -> Got:
        return await self.visitor().get(target, **headers)

    async def ask(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        host: str = "shop.test",
        client: str = "192.0.2.7",
    ) -> Got:
        path, _, query = target.partition("?")
        exchange = RawExchange(self, method, path, query, headers, host, client)
        await exchange.run()
        return exchange.got()

    def purge(self, **names: Any) -> int:
        return self.edge.apply(Invalidation(**names))

    async def settle(self) -> None:
        """Let background work come to rest."""
        for _ in range(50):
            await asyncio.sleep(0)


class RawExchange:
    """One ASGI exchange, whose pieces can be watched as they leave."""

    def __init__(
        self,
        bench: Bench,
        method: str,
        path: str,
        query: str = "",
        headers: list[tuple[str, str]] | None = None,
        host: str = "shop.test",
        client: str = "192.0.2.7",
        body: list[bytes] | None = None,
    ) -> None:
        self._bench = bench
        fields = [("host", host), *(headers or [])] if host else list(headers or [])
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in fields],
            "client": (client, 50000),
            "server": ("127.0.0.1", 80),
        }
        self._incoming = list(body or [b""])
        self.gone = asyncio.Event()
        self.start: dict[str, Any] | None = None
        self.pieces: list[bytes] = []
        self.started = asyncio.Event()
        self.complete = False

    async def run(self) -> None:
        await self._bench.app(self.scope, self._receive, self._send)

    def got(self) -> Got:
        assert self.start is not None
        return Got(
            self.start["status"],
            httpx.Headers(self.start["headers"]),
            b"".join(self.pieces).decode("latin-1"),
        )

    async def _receive(self) -> dict[str, Any]:
        if self._incoming:
            data = self._incoming.pop(0)
            return {"type": "http.request", "body": data, "more_body": bool(self._incoming)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            self.started.set()
        else:
            self.pieces.append(message.get("body", b""))
            self.complete = not message.get("more_body", False)
