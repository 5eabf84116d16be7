"""The edge as a Starlette application."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.routing import Router

from edge.edge import Edge
from edge.handler import Handler
from edge.settings import Settings


def create_app(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.time,
    rng: Callable[[int], bytes] = secrets.token_bytes,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Starlette:
    """The app; its `state.edge` is the `Edge` behind it.

    `clock` gives seconds since the epoch, `rng` so many random bytes; `transport` stands in for the
    way to the origin. Raises ValueError for settings that cannot be meant.
    """
    edge = Edge(settings, clock, rng, transport)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await edge.start()
        try:
            yield
        finally:
            await edge.drain()
            await edge.aclose()

    app = Starlette(lifespan=lifespan)
    # Every path is the visitor's: there is nothing to route, only something to hand over.
    router: Router = app.router
    router.redirect_slashes = False
    router.default = Handler(edge)
    # Nor are there routes whose errors Starlette's own layers would have to render: what the
    # handler lets through is the server's to log, and to answer with 500 or a cut connection.
    app.middleware_stack = router
    app.state.edge = edge
    return app
