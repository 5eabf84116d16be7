"""A cookie that says: this browser's customer has prices of their own.

It grants nothing (the session does). Fragments with such prices name it as their `when_cookie`, so
that pages of all other visitors need no second pass for them.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .models import Customer

COOKIE = "group"


@receiver(user_logged_in)
def note_group(request: HttpRequest, user: Customer, **_: object) -> None:
    """At log-in the answer gets the cookie, or loses that of another customer."""
    request.group_marker = user.group_id is not None  # type: ignore[attr-defined]


@receiver(user_logged_out)
def forget_group(request: HttpRequest, **_: object) -> None:
    """At log-out it goes."""
    request.group_marker = False  # type: ignore[attr-defined]


class GroupMarkerMiddleware:
    """Sends the cookie, or takes it back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, then add the cookie."""
        response = self.get_response(request)
        marked = getattr(request, "group_marker", None)
        if marked:
            response.set_cookie(
                COOKIE,
                "1",
                max_age=settings.SESSION_COOKIE_AGE,
                httponly=True,
                samesite="Lax",
                secure=request.is_secure(),
            )
        elif marked is False and COOKIE in request.COOKIES:
            response.delete_cookie(COOKIE, samesite="Lax")
        return response
