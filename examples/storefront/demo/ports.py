"""Ports of the demo: free, or a message that says which option to use."""

import socket

from .failure import DemoFailure

LOOPBACK = "127.0.0.1"


def claim(port: int, option: str) -> int:
    """The port if nobody listens on it, a free one for 0.

    Raises DemoFailure that names the option to choose another with.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise DemoFailure(
                f"Port {port} cannot be used ({error.strerror}). Choose another:\n"
                f'  make demo ARGS="{option} {port + 1 if port < 65_535 else 0}"'
            ) from error
        free: int = probe.getsockname()[1]
        return free
