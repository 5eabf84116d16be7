"""What middleware set up around a request beside its attributes: language, time zone, URLs.

Fragments of a stream are rendered after the stack has returned, some in other threads; they find
the same surroundings there.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import get_script_prefix, set_script_prefix
from django.urls.base import get_urlconf, set_urlconf
from django.utils import timezone, translation


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A request as the stack has prepared it."""

    request: HttpRequest
    language: str | None
    timezone: datetime.tzinfo
    urlconf: str | None
    prefix: str

    @contextlib.contextmanager
    def active(self, language: str | None = None) -> Iterator[None]:
        """Be in these surroundings, with `language` instead of their own if one is given."""
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


def capture(request: HttpRequest) -> Surroundings:
    """The surroundings of `request` as they are now."""
    return Surroundings(
        request,
        translation.get_language(),
        timezone.get_current_timezone(),
        get_urlconf(),
        get_script_prefix(),
    )
