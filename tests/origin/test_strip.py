"""Middleware that runs before the view sees a first pass's visitor too: it must be nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client, override_settings

from tests.origin import edge_side

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

SEEN: list[dict[str, Any]] = []


def recorder(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """A middleware behind ours that writes down whom it was given."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        note(request)
        return get_response(request)

    return middleware


def note(request: HttpRequest) -> None:
    """Write down all that `request` tells."""
    SEEN.append(
        {
            "pass": request.two_pass.kind.value,  # type: ignore[attr-defined]
            "cookies": dict(request.COOKIES),
            "meta": {key: value for key, value in request.META.items() if isinstance(value, str)},
            "scope": getattr(request, "scope", None),
        }
    )


@pytest.fixture(autouse=True)
def _recorded(shop: object) -> Iterator[None]:
    SEEN.clear()
    ours, *others = settings.MIDDLEWARE
    with override_settings(MIDDLEWARE=[ours, f"{__name__}.recorder", *others]):
        yield


COOKIES = {"sessionid": "secret-session", "basket": "secret-basket", "csrftoken": "s" * 32}
HEADERS = {
    "User-Agent": "secret-agent",
    "Referer": "http://secret-page/",
    "Accept-Language": "secret-language",
    "X-Own": "secret-field",
    "X-Forwarded-For": "203.0.113.77",
}


def assert_nobody(seen: dict[str, Any]) -> None:
    told = repr(seen)
    assert "secret" not in told
    assert "203.0.113.77" not in told
    assert "s" * 32 not in told
    assert seen["meta"]["REMOTE_ADDR"] == "0.0.0.0"
    assert not {"sessionid", "basket"} & set(seen["cookies"])


def second_passes() -> list[dict[str, Any]]:
    """The visitor's own; requests for nobody beside it carry the unspecified address."""
    return [
        seen
        for seen in SEEN
        if seen["pass"] == "second" and seen["meta"]["REMOTE_ADDR"] != "0.0.0.0"
    ]


@pytest.mark.parametrize("kind", ["first", "probe"])
def test_behind_an_edge(kind: Any) -> None:
    """Even if an edge forgot to strip."""
    edge_side.ask("/product/1/", kind, COOKIES, HEADERS)

    assert_nobody(SEEN[0])


def test_in_process() -> None:
    client = Client(headers=HEADERS)
    for name, value in COOKIES.items():
        client.cookies[name] = value
    client.get("/product/1/")

    assert_nobody(SEEN[0])


@pytest.mark.asyncio
async def test_under_asgi_what_servers_and_middleware_put_beside_the_request_is_left_out() -> None:
    beside: dict[str, Any] = {
        "user": "secret-user",
        "session": {"name": "secret-name"},
        "state": {"account": "secret-account"},
        "extensions": {"tls": {"client_cert_name": "secret-certificate"}},
        "path_params": {"who": "secret-path"},
    }
    client = AsyncClient()
    scope = client._base_scope(path="/product/1/")  # type: ignore[attr-defined]
    await client.handler({**scope, **beside})

    assert SEEN[0]["pass"] == "first"
    assert_nobody(SEEN[0])
    assert [own for own in second_passes() if own["scope"]["user"] == "secret-user"]


def test_under_wsgi_whom_the_server_has_signed_in_stays_signed_in() -> None:
    known = {"REMOTE_USER": "secret-ann", "AUTH_TYPE": "secret", "SSL_CLIENT_S_DN": "secret-dn"}
    Client(**known).get("/product/1/")  # type: ignore[arg-type]  # environ keys

    assert SEEN[0]["pass"] == "first"
    assert_nobody(SEEN[0])
    assert [own for own in second_passes() if known.items() <= own["meta"].items()]
