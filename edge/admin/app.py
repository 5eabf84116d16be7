"""The admin API: purge, status, objects, metrics, health, dashboard."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ..core.purge import MAX_NAME_LENGTH, Invalidation, InvalidationError
from ..counters import merge
from ..fleet import Fleet
from ..metrics import CONTENT_TYPE, render
from ..settings import Settings
from .auth import Guard
from .dashboard import render_dashboard

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of one purge: three times as many names as it may hold, at two hundred characters."""
MAX_WAIT: Final = 60.0
DEFAULT_WAIT: Final = 1.0
MAX_OBJECTS: Final = 10_000


def create_admin(fleet: Fleet, settings: Settings) -> Guard:
    """The ASGI app of the admin port."""
    api = _Api(fleet)
    app = Starlette(
        routes=[
            Route("/health", api.health),
            Route("/purge", api.purge, methods=["POST"]),
            Route("/status", api.status),
            Route("/objects", api.objects),
            Route("/visits", api.visits),
            Route("/metrics", api.metrics),
            Route("/", api.dashboard),
            Route("/{path:path}", api.purge_url, methods=["PURGE"]),
        ],
    )
    # PURGE / is a path that the dashboard's route claims for GET
    app.router.routes.insert(0, Route("/", api.purge_url, methods=["PURGE"]))
    return Guard(app, settings.admin_token, settings.purge_from)


class _Api:
    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def health(self, _request: Request) -> Response:
        ready = self._fleet.is_ready
        return JSONResponse({"status": "ok" if ready else "starting"}, 200 if ready else 503)

    async def purge(self, request: Request) -> Response:
        try:
            document = json.loads(await _body(request))
            invalidation = Invalidation.from_json(document)
            wait = _wait(document)
        except InvalidationError as error:
            return _refuse(str(error))
        except ValueError as error:
            return _refuse(f"the body is not JSON: {error}")
        return await self._apply(invalidation, wait)

    async def purge_url(self, request: Request) -> Response:
        """PURGE <url>: what Wagtail and others send; path and Host, or an absolute target."""
        target = request.scope.get("raw_path", b"").decode("latin-1")
        query = request.scope.get("query_string", b"").decode("latin-1")
        if not target.startswith(("http://", "https://")):
            host = request.headers.get("host", "")
            target = f"http://{host}{target}"
        url = f"{target}?{query}" if query else target
        if len(url) > MAX_NAME_LENGTH:
            return _refuse(f"a URL has at most {MAX_NAME_LENGTH} characters")
        # the sender's scheme says how it reached us, not how visitors see the page
        rest = url.partition("://")[2]
        invalidation = Invalidation(urls=(f"http://{rest}", f"https://{rest}"))
        return await self._apply(invalidation, DEFAULT_WAIT)

    async def status(self, _request: Request) -> Response:
        members = await self._fleet.status()
        return JSONResponse({"ready": self._fleet.is_ready, "processes": members})

    async def objects(self, request: Request) -> Response:
        limit = _limit(request)
        if limit is None:
            return _refuse(_WRONG_LIMIT)
        prefix = request.query_params.get("prefix", "")
        return JSONResponse(await self._fleet.objects(prefix, limit))

    async def visits(self, request: Request) -> Response:
        limit = _limit(request)
        if limit is None:
            return _refuse(_WRONG_LIMIT)
        found = await self._fleet.visits(request.query_params.get("prefix", ""), limit)
        return JSONResponse([{"url": url, "visits": round(visits, 3)} for url, visits in found])

    async def metrics(self, _request: Request) -> Response:
        snapshot = merge(await self._fleet.counter_snapshots())
        return PlainTextResponse(render(snapshot), media_type=CONTENT_TYPE)

    async def dashboard(self, _request: Request) -> Response:
        return HTMLResponse(render_dashboard(), headers=_DASHBOARD_HEADERS)

    async def _apply(self, invalidation: Invalidation, wait: float) -> Response:
        receipt = await self._fleet.apply(invalidation, wait)
        return JSONResponse(receipt.to_json(), 200 if receipt.is_complete else 202)


_DASHBOARD_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise InvalidationError(f"the body is over {MAX_BODY} bytes; send several purges")
    return bytes(data)


def _wait(document: Any) -> float:
    wait = document.get("wait", DEFAULT_WAIT)
    if isinstance(wait, bool) or not isinstance(wait, int | float) or not math.isfinite(wait):
        raise InvalidationError("'wait' is a number of seconds")
    if not 0 <= wait <= MAX_WAIT:
        raise InvalidationError(f"'wait' is between 0 and {MAX_WAIT:.0f} seconds")
    return float(wait)


_WRONG_LIMIT: Final = f"'limit' is a number up to {MAX_OBJECTS}"


def _limit(request: Request) -> int | None:
    """How many rows are asked for; None where that is no number, or too many."""
    limit = request.query_params.get("limit", "100")
    return int(limit) if limit.isdecimal() and int(limit) <= MAX_OBJECTS else None


def _refuse(message: str) -> Response:
    return JSONResponse({"error": message}, 400)
