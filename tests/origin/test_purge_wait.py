from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import AsyncClient, Client, override_settings

from origin import outbox

from .fake_edge import FakeEdge

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEdge]:
    found = FakeEdge()
    found.start()
    box = outbox.Outbox()
    monkeypatch.setattr(outbox, "_outbox", box)
    with override_settings(
        ROOT_URLCONF="tests.origin.purging_urls",
        MIDDLEWARE=["origin.middleware.TwoPassMiddleware"],
        TWOPASS={"EDGES": [found.url], "ADMIN_TOKEN": "t", "PURGE_WAIT": 30, "PURGE_TIMEOUT": 30},
    ):
        yield found
        box.close(5)
    found.stop()


def test_the_answer_comes_when_the_edge_has_dropped_it(edge):
    assert Client().post("/buy/").content == b"bought"
    assert edge.groups == {"stock"}


async def test_under_asgi_too(edge):
    response = await AsyncClient().post("/abuy/")

    assert response.content == b"bought"
    assert {name.partition(":")[0] for name in edge.groups} == {"category", "rows"}


def test_an_edge_that_does_not_answer_holds_it_no_longer_than_it_may(edge):
    edge.gate.clear()
    with override_settings(
        TWOPASS={"EDGES": [edge.url], "ADMIN_TOKEN": "t", "PURGE_WAIT": 0.05, "PURGE_TIMEOUT": 30}
    ):
        assert Client().post("/buy/").content == b"bought"
    assert edge.groups == set()
    edge.gate.set()
    edge.wait_for(1)


def test_a_safe_request_waits_for_nothing(edge):
    edge.gate.clear()
    assert Client().get("/buy/").content == b"bought"
    assert edge.groups == set()
    edge.gate.set()
    edge.wait_for(1)
