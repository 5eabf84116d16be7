"""Middleware that chooses the URLconf, as multi-tenant projects have it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import path

from . import views


class TenantMiddleware:
    """Every host is a tenant."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = "tests.origin.shop.tenants"
        return self.get_response(request)


urlpatterns = [path("tenant/", views.tenant)]


class CurrencyMiddleware:
    """Keeps what it read of a cookie in an attribute."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.currency = request.COOKIES.get("currency", "EUR")  # type: ignore[attr-defined]
        return self.get_response(request)
