"""A second pass runs through the project's middleware as Django would run it, and no more of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import AsyncClient, RequestFactory, override_settings
from django.urls import path
from django.utils.decorators import async_only_middleware, sync_only_middleware

from fragments.bundle import REQUEST_TYPE, BundleRequest, Frame, FrameDecoder
from fragments.headers import PROOF
from fragments.include import Include
from fragments.manifest import BUNDLE_PATH
from origin import fragment, registry
from origin.conf import SECOND_PASS_SKIPS
from origin.fragment_stack import FragmentStack, below
from origin.middleware import TwoPassMiddleware
from origin.passes import emit
from tests.origin import edge_side
from tests.origin.edge_side import HOST, include, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]

LOG: list[str] = []
HERE = __name__


@pytest.fixture(autouse=True)
def _clean(shop: object) -> Iterator[None]:
    before = dict(registry._FRAGMENTS)
    LOG.clear()
    yield
    registry._FRAGMENTS.clear()
    registry._FRAGMENTS.update(before)


class Hooks:
    """Every hook that Django knows."""

    name = "hooks"

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        LOG.append(f"{self.name} in")
        response = self.get_response(request)
        LOG.append(f"{self.name} out {response.status_code}")
        return response

    def process_view(self, *_: Any) -> None:
        LOG.append(f"{self.name} view")

    def process_template_response(self, _: HttpRequest, response: Any) -> Any:
        LOG.append(f"{self.name} template")
        return response

    def process_exception(self, *_: Any) -> None:
        LOG.append(f"{self.name} exception")


class OtherHooks(Hooks):
    name = "other"


class Unused:
    def __init__(self, _: object) -> None:
        raise MiddlewareNotUsed("not here")


@async_only_middleware
def asynchronous(get_response: Any) -> Any:
    async def middleware(request: HttpRequest) -> Any:
        LOG.append("asynchronous in")
        return await get_response(request)

    return middleware


@sync_only_middleware
def synchronous(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        LOG.append(f"synchronous in {threading.current_thread().name}")
        return get_response(request)

    return middleware


STACK = [f"{HERE}.{name}" for name in ("Hooks", "asynchronous", "Unused", "OtherHooks")]


def lazy(_: HttpRequest) -> HttpResponse:
    return TemplateResponse(RequestFactory().get("/"), engines["django"].from_string("x"))


def broken(_: HttpRequest) -> HttpResponse:
    raise LookupError("the view's own")


class Urls:
    """A URLconf of its own."""

    urlpatterns = (path("lazy/", lazy), path("broken/", broken))


@pytest.mark.parametrize("where", ["/lazy/", "/broken/", "/missing/"])
def test_hooks_run_as_under_django(where: str) -> None:
    with override_settings(ROOT_URLCONF=Urls, MIDDLEWARE=STACK, DEBUG=False):
        handler = BaseHandler()
        handler.load_middleware()
        expected = handler.get_response(RequestFactory().get(where))
        djangos, _ = list(LOG), LOG.clear()

        response = FragmentStack(STACK, (), lambda *_: None)(RequestFactory().get(where))

    assert djangos
    assert djangos == LOG
    assert (response.status_code, getattr(response, "content", b"")) == (
        expected.status_code,
        getattr(expected, "content", b""),
    )


def test_what_is_skipped_is_not_even_imported() -> None:
    missing = f"{HERE}.nothing_of_that_name"
    FragmentStack([missing], {missing}, lambda *_: None)

    with pytest.raises(ImportError, match="nothing_of_that_name"):
        FragmentStack([missing], (), lambda *_: None)


def test_our_own_hook_sees_the_view_before_all_others() -> None:
    with override_settings(ROOT_URLCONF=Urls):
        stack = FragmentStack(STACK, (), lambda *_: HttpResponse("ours"))
        assert stack(RequestFactory().get("/lazy/")).content == b"ours"  # type: ignore[attr-defined]

    assert "hooks view" not in LOG
    assert "hooks out 200" in LOG


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        (["origin.middleware.TwoPassMiddleware", "a.B"], ["a.B"]),
        ([STACK[0], "origin.middleware.TwoPassMiddleware", "a.B", "c.D"], ["a.B", "c.D"]),
        ([STACK[0]], None),
        ([], None),
    ],
)
def test_the_stack_is_what_stands_below_ours(middleware: list[str], expected: Any) -> None:
    assert below(TwoPassMiddleware, middleware) == expected


def with_middleware(*added: str, **twopass: Any) -> override_settings:
    return override_settings(
        MIDDLEWARE=[*settings.MIDDLEWARE, *added], TWOPASS={**settings.TWOPASS, **twopass}
    )


def test_a_bundle_leaves_out_what_the_setting_names() -> None:
    with with_middleware(STACK[0], SECOND_PASS_SKIPS=[STACK[0]]):
        edge_side.bundle("/echo/", [include("basket")])
        assert LOG == []
        edge_side.first("/echo/")
    assert "hooks in" in LOG


def test_by_default_only_what_works_on_responses_is_left_out() -> None:
    with with_middleware(STACK[0]):
        edge_side.bundle("/echo/", [include("basket")])

    assert LOG[0] == "hooks in"
    assert not [path for path in SECOND_PASS_SKIPS if not path.startswith("django.middleware.")]


async def chunks_of(*tokens: bytes) -> list[bytes]:
    """The pieces in which a bundle's answer leaves under ASGI."""
    body = BundleRequest(f"http://{HOST}/echo/", tokens).encode()
    response: Any = await AsyncClient().post(
        BUNDLE_PATH,
        body,
        content_type=REQUEST_TYPE,
        headers={PROOF: edge_side.proof("POST", BUNDLE_PATH, "second", body)},
    )
    assert response.status_code == 200
    return [chunk async for chunk in response.streaming_content]


def frames_of(chunks: list[bytes]) -> list[Frame]:
    messages = list(FrameDecoder().receive_data(b"".join(chunks)))
    return [message for message in messages if isinstance(message, Frame)]


async def test_one_thread_does_all_of_a_second_pass() -> None:
    with with_middleware(f"{HERE}.synchronous", *STACK, f"{HERE}.synchronous"):
        await chunks_of(include("basket"))

    threads = {line for line in LOG if line.startswith("synchronous")}
    assert LOG.count("hooks in") == 1
    assert len(threads) == 1
    assert "asynchronous in" in LOG


async def test_frames_that_are_there_together_leave_together() -> None:
    event = asyncio.Event()

    @fragment("together")
    async def together(request: HttpRequest, number: int) -> str:
        if number == 3:
            event.set()
        await event.wait()
        return str(number)

    chunks = await chunks_of(*(include("together", number=number) for number in range(4)))

    assert len(chunks) <= 3
    assert sorted(text_of(frame) for frame in frames_of(chunks)) == ["0", "1", "2", "3"]


def groups_by_query(request: HttpRequest, **_: object) -> list[str]:
    return [f"users:{User.objects.count()}"]


@pytest.mark.django_db(transaction=True)
async def test_async_fragments_may_leave_queries_to_groups_templates_and_parts() -> None:
    """What is done after a coroutine has returned may block, so it must not run on the loop."""

    @fragment("counted", groups=groups_by_query)
    async def counted(request: HttpRequest) -> str:
        return "counted"

    @fragment("lazily")
    async def lazily(request: HttpRequest) -> HttpResponse:
        template = engines["django"].from_string("{{ users.count }} users")
        return TemplateResponse(request, template, {"users": User.objects})

    @fragment("part")
    def part(request: HttpRequest) -> str:
        return f"{User.objects.count()} in a part"

    @fragment("whole")
    async def whole(request: HttpRequest) -> str:
        return f"<b>{emit(Include.of('fragment', 'part', {}))}</b>"

    frames = frames_of(await chunks_of(*map(include, ("counted", "lazily", "whole"))))
    texts = {frame.index: (frame.status, text_of(frame)) for frame in frames}

    assert texts == {0: (200, "counted"), 1: (200, "0 users"), 2: (200, "<b>0 in a part</b>")}
    assert next(frame.groups for frame in frames if frame.index == 0) == ("users:0",)
