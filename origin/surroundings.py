"""What middleware set up around a request beside its attributes: language, time zone, URLs.

Fragments of a stream are rendered after the stack has returned, some in other threads; they find
the same surroundings there.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import get_script_prefix, set_script_prefix
from django.urls.base import get_urlconf, set_urlconf
from django.utils import timezone, translation

from .plain_copy import plain_copy


@dataclass(frozen=True)
class Surroundings:
    """A request as the stack has prepared it."""

    request: HttpRequest
    language: str | None
    timezone: datetime.tzinfo
    urlconf: str | None
    prefix: str

    @functools.cached_property
    def meta(self) -> dict[str, Any]:
        """`request.META`, copied once for all fragments and without that being a reading."""
        return plain_copy(self.request.META)

    @functools.cached_property
    def cookies(self) -> dict[str, str]:
        """`request.COOKIES` likewise."""
        return plain_copy(self.request.COOKIES)

    def stay(self) -> None:
        """Say that the caller's context, and each copy of it, is in these surroundings already."""
        _present.set(self)

    @contextlib.contextmanager
    def active(self, language: str | None = None) -> Iterator[None]:
        """Be in these surroundings, with `language` instead of their own if one is given."""
        if _present.get() is self and language in (None, self.language):
            _present.set(None)  # whoever comes next may find what this one has left behind
            yield
            return
        before = get_urlconf(), get_script_prefix()
        set_urlconf(self.urlconf)
        set_script_prefix(self.prefix)
        chosen = language or self.language
        try:
            with translation.override(chosen), timezone.override(self.timezone):
                yield
        finally:
            set_urlconf(before[0])
            set_script_prefix(before[1])


_present: ContextVar[Surroundings | None] = ContextVar("twopass_surroundings", default=None)


def capture(request: HttpRequest) -> Surroundings:
    """The surroundings of `request` as they are now."""
    return Surroundings(
        request,
        translation.get_language(),
        timezone.get_current_timezone(),
        get_urlconf(),
        get_script_prefix(),
    )
