"""Writes a changed basket cookie into the answer."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .store import write_cookie


class BasketCookieMiddleware:
    """Views and signals set ``request.pending_basket``; this sends it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, then add the cookie."""
        response = self.get_response(request)
        pending = getattr(request, "pending_basket", None)
        if pending is not None:
            write_cookie(response, pending, secure=request.is_secure())
        return response
