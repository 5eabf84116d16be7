"""Pages of the tests' shop."""

from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse
from django.urls import path

from origin import two_pass
from origin.datacache import cached

from .cached import price_of


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


urlpatterns = [path("shoe/<int:pk>/", shoe), path("greeting/", greeting)]
