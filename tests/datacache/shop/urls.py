"""Pages of the tests' shop."""

from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import path

from origin import add_groups, two_pass
from origin.datacache import cached

from .cached import price_of, ratings, unstorable


@two_pass(max_age=600)
def shoe(request: HttpRequest, pk: int) -> HttpResponse:
    """Says no groups: they are those of the data that it shows."""
    if pk == 666:
        raise ZeroDivisionError("this page is broken")
    return HttpResponse(f"<p>costs {price_of(pk)}</p>")


_request: ContextVar[HttpRequest] = ContextVar("request")


@cached(key="greeting", max_age=60)
def greeting_of_somebody() -> str:
    """A mistake: it finds the visitor behind the cache's back."""
    return f"Hello {_request.get().COOKIES['name']}"


@two_pass(max_age=600)
def greeting(request: HttpRequest) -> HttpResponse:
    """Shows one visitor's name to all, if nobody stops it."""
    _request.set(request)
    return HttpResponse(greeting_of_somebody())


BLOCK = Template(
    "{% load cache %}{% cache 500 outer pk %}<b>"
    "{% cache 500 price pk %}{{ price }}{{ by_hand }}{% endcache %}</b>{% endcache %}"
)


def block_of(pk: int, request: HttpRequest | None = None) -> str:
    """A price inside of cached blocks, whose groups nobody named outside."""

    def by_hand() -> str:
        if request is not None:
            add_groups(request, [f"by-hand:{pk}"])
        return ""

    context = {"pk": pk, "price": lambda: price_of(pk), "by_hand": by_hand}
    return BLOCK.render(Context(context))


@two_pass(max_age=600)
def block(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows it."""
    return HttpResponse(block_of(pk, request))


@two_pass(max_age=600)
def rating(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows what there is none of, and what cannot be stored."""
    return HttpResponse(f"{ratings.get(pk)} {unstorable(pk)}")


urlpatterns = [
    path("shoe/<int:pk>/", shoe),
    path("greeting/", greeting),
    path("block/<int:pk>/", block),
    path("rating/<int:pk>/", rating),
]
