"""Pages of the tests' shop."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from origin import two_pass

from .cached import price_of


@two_pass(max_age=600)
def shoe(request: HttpRequest, pk: int) -> HttpResponse:
    """Says no groups: they are those of the data that it shows."""
    if pk == 666:
        raise ZeroDivisionError("this page is broken")
    return HttpResponse(f"<p>costs {price_of(pk)}</p>")


urlpatterns = [path("shoe/<int:pk>/", shoe)]
