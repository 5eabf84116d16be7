from __future__ import annotations

from typing import Any

import httpx
import pytest

from edge.admin.app import create_admin
from edge.core.purge import Invalidation
from edge.core.visits import PageVisits
from edge.counters import Counters
from edge.fleet import SingleProcess
from edge.settings import Settings

TOKEN = "an-admin-token-of-tests"


class Member:
    """A cache that only remembers what it was told."""

    def __init__(self) -> None:
        self.applied: list[Invalidation] = []
        self.counters = Counters()
        self.requests = self.counters.counter(
            "twopass_edge_requests_total", "Requests.", ("outcome",)
        )

    def apply(self, invalidation: Invalidation) -> int:
        self.applied.append(invalidation)
        return len(self.applied)

    def status(self) -> dict[str, Any]:
        return {"uptime": 1.5, "store": {"objects": 2}}

    def objects(self, prefix: str = "", limit: int = 100) -> list[dict[str, Any]]:
        return [{"url": prefix + str(number), "dimensions": {}} for number in range(limit)]

    def visits(self, prefix: str = "", limit: int = 100) -> list[PageVisits]:
        return [PageVisits(prefix + str(number), 1 / (1 + number)) for number in range(limit)]

    def counter_snapshot(self) -> list[dict[str, Any]]:
        return self.counters.snapshot()


@pytest.fixture
def member() -> Member:
    return Member()


def client_of(member: Member, address: str = "127.0.0.1", **settings: Any) -> httpx.AsyncClient:
    """A client that talks to an admin app from `address`, without a token."""
    settings = {"origin": "http://127.0.0.1:1", "admin_token": TOKEN, **settings}
    app = create_admin(SingleProcess(member, "node"), Settings(**settings))
    transport = httpx.ASGITransport(app, client=(address, 1234))
    return httpx.AsyncClient(transport=transport, base_url="http://shop.example")


@pytest.fixture
def admin(member: Member) -> httpx.AsyncClient:
    client = client_of(member)
    client.headers["Authorization"] = f"Bearer {TOKEN}"
    return client
