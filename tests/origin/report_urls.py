"""A small site: good pages, passed ones, and one that leaks."""

from __future__ import annotations

import itertools

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.generic import TemplateView

from origin import gates, two_pass

from .stock.models import Product

seen: list[str] = []
numbers = itertools.count(1)


@two_pass(max_age=30, groups=["home"], query=["page"])
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html", {"key": 7})


@two_pass(gate=gates.login_required)
class Account(TemplateView):
    template_name = "child.html"


@two_pass
class Detail(TemplateView):
    model = Product
    template_name_suffix = "_detail"


@two_pass
def guarded(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello {request.user.username}")


@two_pass
def counted(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<p>This is render number {next(numbers)}.</p>")


@two_pass
def named(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"<p>The last visitor: {seen[-1] if seen else 'nobody'}</p>")


@two_pass
def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("in the view")


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


urlpatterns = [
    path("", home),
    path("account/", Account.as_view()),
    path("detail/", Detail.as_view()),
    path("guarded/", guarded),
    path("counted/", counted),
    path("named/", named),
    path("broken/", broken),
    path("plain/", plain),
]
