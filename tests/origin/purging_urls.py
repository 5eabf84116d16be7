"""Views that change something."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from origin import two_pass
from origin.invalidation import invalidate_groups

from .stock.models import Category


def buy(request: HttpRequest) -> HttpResponse:
    invalidate_groups("stock")
    return HttpResponse("bought")


async def abuy(request: HttpRequest) -> HttpResponse:
    await Category.objects.acreate(name="async")
    return HttpResponse("bought")


@two_pass(max_age=60)
def form(request: HttpRequest) -> HttpResponse:
    if request.method == "POST" and "elsewhere" in request.GET:
        messages.success(request, "Saved")
        return redirect("/form/")
    if request.method == "POST":
        messages.error(request, "Please correct <this>")
    return render(request, "form.html")


urlpatterns = [path("buy/", buy), path("abuy/", abuy), path("form/", form)]
