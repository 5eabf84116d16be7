"""Gates: who may see a two-pass page. Each visitor is asked for before a cached page is shown.

A gate is a function of the request that gives None, or the response that overrules the page; it
may also raise PermissionDenied or Http404.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from .passes import Gate


def login_required(request: HttpRequest) -> HttpResponse | None:
    """Visitors who are not signed in go to the login page, and come back from there."""
    if request.user.is_authenticated:
        return None
    # imports models: a project without django.contrib.auth must be able to load this module
    from django.contrib.auth.views import redirect_to_login

    return redirect_to_login(request.get_full_path())


def staff_required(request: HttpRequest) -> HttpResponse | None:
    """As `login_required`; who is signed in but no staff gets 403."""
    return user_passes(lambda user: bool(user.is_active and user.is_staff))(request)


def permission_required(*permissions: str) -> Gate:
    """A gate that wants all of these permissions; who is signed in without them gets 403."""
    return user_passes(lambda user: user.has_perms(permissions))


def user_passes(test: Callable[..., bool]) -> Gate:
    """A gate that wants a signed-in user for whom `test(user)` is true; other users get 403."""

    def gate(request: HttpRequest) -> HttpResponse | None:
        refusal = login_required(request)
        if refusal is None and not test(request.user):
            raise PermissionDenied
        return refusal

    gate.requires_login = True  # type: ignore[attr-defined]  # read by origin.page
    return gate


def verdict_of(gate: Gate, request: HttpRequest) -> HttpResponse | None:
    """What `gate` says of this visitor; an async gate is run to its end."""
    if iscoroutinefunction(gate):
        return cast("HttpResponse | None", async_to_sync(gate)(request))
    return gate(request)


login_required.requires_login = True  # type: ignore[attr-defined]
staff_required.requires_login = True  # type: ignore[attr-defined]
