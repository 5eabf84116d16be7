"""What middleware learns of a visitor and leaves on the request is read by whoever uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from origin import fragment, registry
from tests.origin import edge_side
from tests.origin.edge_side import include

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def shopper(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Keeps on the request what it knows of the visitor: at once, or as soon as somebody asks."""

    def middleware(request: Any) -> HttpResponseBase:
        request.currency = request.COOKIES.get("currency_own", "EUR")
        request.basket = SimpleLazyObject(lambda: [request.COOKIES.get("open_basket", "")])
        request.affiliate = request.GET.get("ref", "")
        request.term = SimpleLazyObject(lambda: [request.META["QUERY_STRING"]])
        return get_response(request)

    return middleware


@pytest.fixture(autouse=True)
def _shopper(shop: object) -> Iterator[None]:
    before = dict(registry._FRAGMENTS)

    @fragment("lazy-basket")
    def lazy_basket(request: Any) -> str:
        return str(request.basket[0])

    @fragment("affiliate")
    def affiliate(request: Any) -> str:
        return str(request.affiliate)

    @fragment("term", scope="public")
    def term(request: Any) -> str:
        return str(request.term[0])

    ours, *others = settings.MIDDLEWARE
    with override_settings(MIDDLEWARE=[ours, *others, f"{__name__}.shopper"]):
        yield
    registry._FRAGMENTS.clear()
    registry._FRAGMENTS.update(before)


def test_a_cookie_that_middleware_reads_late_is_read_by_the_fragment() -> None:
    _, frames = edge_side.bundle(
        "/echo/", [include("lazy-basket"), include("lazy-basket")], {"open_basket": "7"}
    )

    assert [edge_side.text_of(frame) for frame in frames.values()] == ["7", "7"]
    assert all("open_basket" in frame.reads.cookies for frame in frames.values())


@pytest.mark.parametrize("nobody", [True, False])
def test_a_parameter_that_middleware_has_read_is_read_by_fragments(nobody: bool) -> None:
    _, frames = edge_side.bundle("/echo/?ref=eve", [include("affiliate")], nobody=nobody)

    assert edge_side.text_of(frames[0]) == "eve"
    assert frames[0].reads.url


def test_a_parameter_that_middleware_reads_late_is_read_by_public_fragments() -> None:
    _, frames = edge_side.bundle("/echo/?ref=eve", [include("term")], nobody=True)

    assert edge_side.text_of(frames[0]) == "ref=eve"
    assert frames[0].reads.url


@pytest.mark.parametrize("nobody", [True, False])
def test_cookies_that_middleware_reads_leave_public_fragments_public(nobody: bool) -> None:
    """They are rendered from a request without any."""
    asked = [include("recommended", product=1)]
    _, frames = edge_side.bundle("/echo/", asked, {"currency_own": "USD"}, nobody=nobody)

    assert (frames[0].scope, frames[0].reads.cookies) == ("public", ())


def test_middleware_that_reads_no_parameter_leaves_fragments_alone() -> None:
    ours = [name for name in settings.MIDDLEWARE if not name.endswith(".shopper")]
    with override_settings(MIDDLEWARE=ours):
        _, frames = edge_side.bundle("/echo/?ref=eve", [include("basket")], nobody=True)

    assert not frames[0].reads.url
