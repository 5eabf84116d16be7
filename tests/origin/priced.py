"""Pages with dimensions."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from origin import two_pass


@two_pass(dimensions=["currency"])
def price(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.COOKIES["currency"])


@two_pass(dimensions=["banner"])
def banner(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.COOKIES["banner"])


urlpatterns = [path("", price), path("banner/", banner)]
