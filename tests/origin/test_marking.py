"""@two_pass, @fragment, @keeps_fragments: what may be marked, how, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView, View

import origin
from origin import fragment, gates, keeps_fragments, registry, two_pass
from origin.page import page_options_of
from origin.registry import UnknownFragment, find
from tests.origin.shop import views


@pytest.fixture(autouse=True)
def only_here() -> Iterator[None]:
    before = dict(registry._FRAGMENTS)
    yield
    registry._FRAGMENTS.clear()
    registry._FRAGMENTS.update(before)


@pytest.mark.parametrize(
    "view",
    [
        views.ProductView.as_view(),
        views.MethodView.as_view(),
        two_pass(max_age=60)(views.PlainView.as_view()),
        views.function,
        views.asynchronous,
        views.AsyncClassView.as_view(),
    ],
)
def test_a_mark_is_seen_from_the_urlconf(view: Any) -> None:
    assert page_options_of(view) is not None


def test_an_unmarked_view_is_unmarked() -> None:
    assert page_options_of(views.sign_in) is None
    assert page_options_of(views.late) is None


def test_async_stays_async_and_sync_sync() -> None:
    assert iscoroutinefunction(views.asynchronous)
    assert iscoroutinefunction(views.AsyncClassView.as_view())
    assert not iscoroutinefunction(views.function)
    assert not iscoroutinefunction(views.ProductView.as_view())


def test_a_mark_keeps_name_and_docstring() -> None:
    assert views.function.__name__ == "function"
    assert views.function.__doc__ == "A function, marked bare."


def test_options_are_kept_and_checked() -> None:
    @two_pass(
        max_age=5,
        stale_while_revalidate=6,
        stale_if_error=7,
        dimensions=["currency"],
        query=["page"],
        groups=["a"],
        gate=gates.login_required,
    )
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    page = page_options_of(view)
    assert page is not None
    assert (page.max_age, page.stale_while_revalidate, page.stale_if_error) == (5, 6, 7)
    assert (page.dimensions, page.query, list(page.groups)) == (("currency",), ("page",), ["a"])  # type: ignore[arg-type]
    assert view.login_required is False  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="lists of names"):
        two_pass(dimensions="currency")
    with pytest.raises(TypeError, match="maxage"):
        two_pass(maxage=3)  # type: ignore[call-overload]


def test_a_subclass_is_marked_like_its_base() -> None:
    class Special(views.ProductView):
        pass

    class Again(views.ProductView):
        def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return super().dispatch(request, *args, **kwargs)

    assert page_options_of(Special.as_view()) is not None
    assert page_options_of(Again.as_view()) is None  # found when it runs


def test_without_middleware_a_view_is_just_called() -> None:
    response = views.AsyncClassView.as_view()
    assert response

    @two_pass
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(b"just called")

    assert view(RequestFactory().get("/")).content == b"just called"


def test_method_decorator_does_the_same_as_the_class_decorator() -> None:
    @method_decorator(two_pass(max_age=9), name="dispatch")
    class Marked(TemplateView):
        pass

    page = page_options_of(Marked.as_view())
    assert page is not None
    assert page.max_age == 9


def test_public_names_load_when_used() -> None:
    for name in origin.__all__:
        assert getattr(origin, name) is getattr(origin, name)
        assert name == "gates" or callable(getattr(origin, name))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        origin.nothing  # noqa: B018


def test_fragments_are_found_by_name() -> None:
    @fragment("unique", when_cookie="sessionid", cookies="basket", dimensions=["currency"])
    def render(request: HttpRequest) -> str:
        return ""

    options = find("unique").options
    assert options.when_cookies == ("sessionid",)
    assert options.cookies == ("basket",)
    with pytest.raises(UnknownFragment, match="did you mean 'unique'"):
        find("uniqe")


def test_two_renderers_cannot_have_one_name() -> None:
    @fragment("twice")
    def first(request: HttpRequest) -> str:
        return ""

    fragment("twice")(first)  # a module that is loaded again
    with pytest.raises(ImproperlyConfigured, match=r"first.*and by .*second"):

        @fragment("twice")
        def second(request: HttpRequest) -> str:
            return ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scope": "shared"}, "'public', 'private' or 'no-store'"),
        ({"scope": "public", "writes": True}, "cannot be public"),
        ({"writes": True, "concurrent": True}, "cannot be concurrent"),
    ],
)
def test_options_that_contradict_each_other(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=message):
        fragment("contradictory", **options)


def test_a_beacon_keeps_fragments(shop: None) -> None:
    assert Client().post("/beacon/").headers["TwoPass-Keeps-Fragments"] == "?1"

    @keeps_fragments
    def failing(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=500)

    assert "TwoPass-Keeps-Fragments" not in failing(RequestFactory().post("/")).headers


async def test_an_async_beacon_too() -> None:
    @keeps_fragments
    async def beacon(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    response = await beacon(RequestFactory().post("/"))
    assert response.headers["TwoPass-Keeps-Fragments"] == "?1"
    assert AsyncClient
    assert View
