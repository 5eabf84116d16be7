"""First passes and fragments read where the data is new enough, when replicas are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, override_settings

from dbrouting.units import Intent, current_floor, current_intent
from fragments.bundle import BundleRequest, Frame
from fragments.headers import MIN_LSN
from origin import registry, shells
from origin.registry import fragment
from tests.origin import edge_side
from tests.origin.edge_side import HOST, include
from tests.origin.shop import views

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

LSN = "16/B374D848"
FLOOR = (0x16 << 32) + 0xB374D848


@pytest.fixture(autouse=True)
def read_positions(shop: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What views and fragments found the database to be asked for."""
    seen: list[Any] = []

    def note(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        seen.append((current_intent(), current_floor()))
        return original(request, *args, **kwargs)

    original = views.render
    monkeypatch.setattr(views, "render", note)
    before = dict(registry._FRAGMENTS)

    @fragment("position")
    def position(request: HttpRequest) -> str:
        seen.append((current_intent(), current_floor()))
        return ""

    with override_settings(DATABASE_ROUTERS=["dbrouting.router.ReplicaRouter"]):
        yield seen
    registry._FRAGMENTS.clear()
    registry._FRAGMENTS.update(before)


def test_a_first_pass_waits_for_what_a_purge_has_seen(read_positions: list[Any]) -> None:
    edge_side.first("/function/", headers={MIN_LSN: LSN})
    edge_side.first("/function/")
    assert read_positions == [(Intent.REPLICA, FLOOR), (Intent.REPLICA, 0)]


def test_in_process_too(read_positions: list[Any]) -> None:
    shells.invalidate(groups=["elsewhere"], lsn=LSN)
    Client().get("/function/")
    Client().get("/function/")
    assert read_positions == [(Intent.REPLICA, FLOOR)]


def test_what_is_passed_reads_as_any_request(read_positions: list[Any]) -> None:
    Client().get("/function/", headers={"HX-Request": "true"})
    assert read_positions == [(Intent.DECLARED, 0)]


@pytest.mark.parametrize(("nobody", "intent"), [(True, Intent.REPLICA), (False, Intent.DECLARED)])
def test_fragments_wait_too_even_when_the_stack_has_returned(
    read_positions: list[Any], nobody: bool, intent: Intent
) -> None:
    request = BundleRequest(f"http://{HOST}/echo/", (include("position"),), nobody=nobody)
    response = edge_side.post_bundle(request, headers={MIN_LSN: LSN})
    frames = [m for m in edge_side.messages_of(response) if isinstance(m, Frame)]
    assert frames[0].status == 200
    assert read_positions == [(intent, FLOOR)]


@pytest.mark.parametrize("kind", ["first", "second"])
def test_what_is_no_position_is_refused(kind: str) -> None:
    if kind == "first":
        response = edge_side.ask("/function/", "first", headers={MIN_LSN: "soon"})
    else:
        request = BundleRequest(f"http://{HOST}/echo/", ())
        response = edge_side.post_bundle(request, headers={MIN_LSN: "soon"})
    assert response.status_code in (400, 403)
    assert response.headers["TwoPass-Error"] == "type"


def test_without_replicas_positions_mean_nothing(read_positions: list[Any]) -> None:
    with override_settings(DATABASE_ROUTERS=[]):
        edge_side.first("/function/", headers={MIN_LSN: LSN})
    assert read_positions == [(Intent.DECLARED, 0)]
