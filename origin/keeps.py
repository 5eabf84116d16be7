"""`@keeps_fragments`: an unsafe view (a beacon) after which the visitor's fragments stay valid."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpResponseBase

from fragments.headers import KEEPS_FRAGMENTS

V = TypeVar("V", bound=Callable[..., Any])


def keeps_fragments(view: V) -> V:
    """Say that POSTs to `view` change nothing that the visitor's fragments show.

    Without it the edge forgets all fragments of a visitor after each unsafe request.
    """
    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def answer_async(*args: Any, **kwargs: Any) -> HttpResponseBase:
            return _mark(await view(*args, **kwargs))

        return cast(V, answer_async)

    @functools.wraps(view)
    def answer(*args: Any, **kwargs: Any) -> HttpResponseBase:
        return _mark(view(*args, **kwargs))

    return cast(V, answer)


def _mark(response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code < 400:
        response.headers[KEEPS_FRAGMENTS] = "?1"  # a Structured Fields boolean (RFC 9651)
    return response
