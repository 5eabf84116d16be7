"""Runs an edge: the public and the admin port in one process, or a supervisor with workers."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from .admin.app import create_admin
from .app import create_app
from .configuration import parse_address
from .fleet import SingleProcess
from .logs import set_up
from .server import build_server, stop_on_signal
from .settings import Settings
from .supervisor import supervise

logger = logging.getLogger("twopass.edge")


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises OSError for a port that is taken."""
    set_up(settings.log_level, settings.log_format)
    node = f"{socket.gethostname()}-{secrets.token_hex(3)}"
    with _bind(settings.listen) as public, _bind(settings.admin) as admin:
        _announce(settings)
        serve = _serve_single if settings.workers == 1 else supervise
        return run_loop(lambda: serve(settings, node, public, admin))


def run_loop(main: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run `main` on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


async def _serve_single(
    settings: Settings, node: str, public: socket.socket, admin: socket.socket
) -> int:
    app = create_app(settings)
    admin_app = create_admin(SingleProcess(app.state.edge, node), settings)
    servers = [(build_server(app, settings), public), (build_server(admin_app, settings), admin)]
    stop_on_signal(*(server for server, _ in servers))
    await asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in servers))
    return 0 if all(server.started for server, _ in servers) else 1


def _bind(address: str) -> socket.socket:
    host, port = parse_address(address, "address")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setblocking(False)
    return listener


def _announce(settings: Settings) -> None:
    logger.info(
        "edge listens",
        extra={
            "listen": settings.listen,
            "admin": settings.admin,
            "origin": settings.origin,
            "workers": settings.workers,
        },
    )
    if not settings.admin_token:
        logger.warning("TWOPASS_ADMIN_TOKEN is not set: the admin API is closed but for /health")
