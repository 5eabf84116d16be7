"""One uvicorn server of an edge, stopped by us and adding nothing of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from .edge import Edge
from .fastpath import protocol_for
from .hits import Hits
from .protocol import AnyMethodProtocol
from .settings import Settings

KEEP_ALIVE: Final = 75
"""Seconds an idle visitor's connection stays open; nginx's default."""


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: one place decides when an edge stops."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def build_server(app: ASGIApp, settings: Settings) -> Server:
    """A server that adds no header of its own and trusts no forwarded one.

    In front of an edge it answers hits itself, unless `fast_path` is off.
    """
    edge = getattr(getattr(app, "state", None), "edge", None)
    protocol: type[asyncio.Protocol] = AnyMethodProtocol
    if settings.fast_path and isinstance(edge, Edge):
        protocol = protocol_for(Hits(edge))
    return Server(
        uvicorn.Config(
            app,
            http=protocol,
            ws="websockets-sansio",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=max(1, round(settings.drain_timeout)),
        )
    )


def stop_on_signal(*servers: Server) -> None:
    """Drain all of them at SIGINT or SIGTERM."""

    def stop() -> None:
        for server in servers:
            server.force_exit = server.should_exit  # a second signal does not wait
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
