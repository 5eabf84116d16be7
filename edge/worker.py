"""A worker process: `python -m edge.worker FD BUS NUMBER`, its settings on standard input."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

from .app import create_app
from .bus import BusLink
from .core.purge import Invalidation
from .logs import set_up
from .run import run_loop
from .server import build_server, stop_on_signal
from .settings import Settings, from_json


async def serve(settings: Settings, public: socket.socket, bus: Path, number: int) -> int:
    """Serve the public port until told to stop, or until the supervisor is gone."""
    app = create_app(settings)
    edge = app.state.edge
    server = build_server(app, settings)

    def leave() -> None:
        server.should_exit = True

    stop_on_signal(server)
    # first the bus, then the port: no invalidation may pass a worker that already serves
    link = await BusLink.connect(bus, number)

    def publish(invalidation: Invalidation) -> None:
        edge.apply(invalidation)  # here at once, elsewhere as soon as the supervisor has said it
        link.publish(invalidation)

    edge.publish = publish
    answers = asyncio.create_task(link.serve(edge, leave))
    await server.serve(sockets=[public])
    answers.cancel()
    return 0 if server.started else 1


def main() -> int:
    """The supervisor starts this, not a person."""
    descriptor, bus, number = sys.argv[1:]
    settings = from_json(sys.stdin.read())
    set_up(settings.log_level, settings.log_format)
    public = socket.socket(fileno=int(descriptor))
    return run_loop(lambda: serve(settings, public, Path(bus), int(number)))


if __name__ == "__main__":
    sys.exit(main())
