"""The same cache as ASGI middleware: around any application, in its own process.

    from edge.asgi_cache import CacheMiddleware

    app = CacheMiddleware(app, grace=60)

Django's `get_asgi_application()`, Starlette's, FastAPI's: what they answer is kept, validated,
collapsed, ranged and invalidated as docs/http-cache.md says, and their ESI documents are played.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.asgi_transport import AppTransport, visitor_scope
from edge.core.purge import Invalidation
from edge.edge import Edge
from edge.handler import Handler
from edge.settings import Settings

_ORIGIN = "http://application.invalid"


class CacheMiddleware:
    """A shared cache (RFC 9111) and ESI processor in front of `app`.

    `settings` are those of docs/edge.md that speak of caching, by keyword: `grace`, `store_bytes`,
    `hosts`, `trusted_proxies`, `esi_cookie` … Raises ValueError or TypeError for what cannot be
    meant. Websockets go straight to `app`; it and the cache must run on one event loop. Each
    process has a cache of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        clock: Callable[[], float] = time.time,
        rng: Callable[[int], bytes] = secrets.token_bytes,
        **settings: Any,
    ) -> None:
        self._app = app
        self.edge = Edge(Settings(origin=_ORIGIN, **settings), clock, rng, AppTransport(app))
        self._handler = Handler(self.edge)
        self._is_started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the cache, or by the application."""
        match scope["type"]:
            case "http":
                await self._answer(scope, receive, send)
            case "lifespan":
                await self._live(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    def invalidate(
        self,
        *,
        urls: Sequence[str] = (),
        groups: Sequence[str] = (),
        prefixes: Sequence[str] = (),
        everything: bool = False,
        soft: bool = False,
    ) -> int:
        """Drop what is named, or with `soft` make it stale; the position of this invalidation.

        `urls` and `prefixes` are absolute. What is being fetched meanwhile is not stored.
        """
        return self.edge.apply(
            Invalidation(tuple(urls), tuple(groups), tuple(prefixes), everything, soft)
        )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_started:
            self._is_started = True
            await self.edge.start()
        token = visitor_scope.set(scope)
        try:
            await self._handler(scope, receive, send)
        finally:
            visitor_scope.reset(token)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application's own lifespan; the cache ends with it."""

        async def closing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):
                await self.edge.aclose()
                self._is_started = False
            await send(message)

        await self._app(scope, receive, closing)
