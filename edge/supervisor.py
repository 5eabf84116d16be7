"""Several workers on one port: start them, keep them alive, invalidate through all of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Final

from .admin.app import create_admin
from .bus import WorkerFleet
from .server import Server, build_server, stop_on_signal
from .settings import Settings, to_json

logger = logging.getLogger("twopass.edge.supervisor")

RESTART_AFTER: Final = 0.5
YOUNG: Final = 5.0
"""Seconds; a worker that dies younger has something wrong with it that a restart will not mend."""
MAX_YOUNG_DEATHS: Final = 5


async def supervise(
    settings: Settings, node: str, public: socket.socket, admin: socket.socket
) -> int:
    """Run the admin port here and the public port in workers; the exit code."""
    fleet = WorkerFleet(node, settings.workers)
    server = build_server(create_admin(fleet, settings), settings)
    stop_on_signal(server)
    with tempfile.TemporaryDirectory(prefix="twopass-") as folder:
        bus = Path(folder, "bus")
        await fleet.listen(bus)
        keepers = [
            asyncio.create_task(_Keeper(settings, public, bus, number, server).keep())
            for number in range(settings.workers)
        ]
        await server.serve(sockets=[admin])
        codes = await asyncio.gather(*(_stop(keeper) for keeper in keepers))
        await fleet.close()
    return max(codes)


async def _stop(keeper: asyncio.Task[int]) -> int:
    if not keeper.done():
        keeper.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        return await keeper
    return 0


class _Keeper:
    """Keeps one worker running."""

    def __init__(
        self, settings: Settings, public: socket.socket, bus: Path, number: int, server: Server
    ) -> None:
        self._settings = settings
        self._public = public
        self._bus = bus
        self._number = number
        self._server = server

    async def keep(self) -> int:
        """Start the worker, and again when it dies, until cancelled; 1 when it cannot live."""
        loop = asyncio.get_running_loop()
        young_deaths = 0
        while young_deaths < MAX_YOUNG_DEATHS:
            born = loop.time()
            process = await self._start()
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                await _end(process, self._settings.drain_timeout)
                raise
            logger.error("worker died", extra={"worker": self._number, "exit_code": code})
            young_deaths = young_deaths + 1 if loop.time() - born < YOUNG else 0
            await asyncio.sleep(RESTART_AFTER)
        logger.critical("workers die at their start; giving up", extra={"worker": self._number})
        self._server.should_exit = True
        return 1

    async def _start(self) -> Process:
        descriptor = self._public.fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "edge.worker", str(descriptor), str(self._bus)),
            str(self._number),
            stdin=PIPE,
            pass_fds=[descriptor],
            start_new_session=True,  # Ctrl-C reaches the supervisor, which drains the workers
        )
        if process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(to_json(self._settings).encode())
                await process.stdin.drain()
            process.stdin.close()
        return process


async def _end(process: Process, drain_timeout: float) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), drain_timeout + 2)
    except TimeoutError:
        process.kill()
        await process.wait()
