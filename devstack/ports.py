"""Ports that stay ours, also while the server behind them is down."""

import random
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from devstack.errors import DevstackError

LOOPBACK = "127.0.0.1"
LOWEST_PORT = 20_000
ATTEMPTS = 200


class PortClaim:
    """A loopback port held for a server from before it starts until after it has ended.

    The claim is a bound socket that never listens. Bound without SO_REUSEADDR it fails where
    anybody else holds the port, so two claims never clash; with the option set afterwards it
    lets the server bind beside it (Linux allows that while neither listens). A client that
    connects while the server is down is refused, as on a real host.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.bind((LOOPBACK, port))
        except OSError:
            self._socket.close()
            raise
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def release(self) -> None:
        """Gives the port back."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"PortClaim({self.port})"


def claim_port() -> PortClaim:
    """Claims a free port below the range that the kernel gives to outgoing connections.

    Raises:
        DevstackError: no free port was found.
    """
    below = _first_ephemeral_port()
    for _ in range(ATTEMPTS):
        try:
            return PortClaim(random.SystemRandom().randrange(LOWEST_PORT, below))
        except OSError:
            continue
    raise DevstackError(f"found no free port between {LOWEST_PORT} and {below} on {LOOPBACK}")


def _first_ephemeral_port() -> int:
    """Where outgoing connections start; a stopped server's port must not become one of theirs."""
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        first = 32_768
    return first if first > LOWEST_PORT + 1_000 else 65_536
