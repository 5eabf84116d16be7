"""A claimed port is nobody else's, before, while and after its server runs."""

import socket
from pathlib import Path

import pytest

from devstack.errors import DevstackError
from devstack.ports import PortClaim, claim_port


def listen(port: int) -> socket.socket:
    """Listens as servers do: with SO_REUSEADDR."""
    return socket.create_server(("127.0.0.1", port))


def test_a_claim_refuses_a_second_one() -> None:
    with claim_port() as claim, pytest.raises(OSError, match="Address already in use"):
        PortClaim(claim.port)


def test_the_server_may_listen_beside_its_claim_again_and_again() -> None:
    with claim_port() as claim:
        for _ in range(2):
            with listen(claim.port), socket.create_connection(("127.0.0.1", claim.port)):
                pass
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", claim.port))


def test_a_port_in_use_is_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    with claim_port() as free:
        pass
    with listen(free.port):
        monkeypatch.setattr("random.SystemRandom.randrange", lambda *_: free.port)
        with pytest.raises(DevstackError, match="found no free port"):
            claim_port()


def test_outgoing_connections_do_not_take_claimed_ports() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    with claim_port() as claim:
        assert claim.port < lowest


def test_a_released_port_is_free_again() -> None:
    claim = claim_port()
    claim.release()
    PortClaim(claim.port).release()
