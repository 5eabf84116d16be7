"""What is a visitor's own, in one answer for a script that completes a cached page (AJAX)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from examples.storefront.basket.priced import priced_basket_of


@never_cache
def own(request: HttpRequest) -> HttpResponse:
    """Greeting, basket, messages and a token for all forms of the page."""
    return render(request, "own.html", {"basket": priced_basket_of(request)})
