"""How much work has reached this process: what a cache that hits does not let through."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest

from .settings import MODE

REQUESTS: Final = "origin_requests"
RENDERINGS: Final = "renderings"
PART_RENDERINGS: Final = "part_renderings"

SHOWN: Final = {
    "cache_page": (REQUESTS, RENDERINGS),
    "fragments": (REQUESTS, PART_RENDERINGS),
}.get(MODE, (REQUESTS,))
"""Where Django itself is the cache, every request reaches it: what it renders tells of hits."""

_lock = threading.Lock()
_counted: Counter[str] = Counter()


def note(what: str) -> None:
    """Count one more of it."""
    with _lock:
        _counted[what] += 1


def so_far() -> dict[str, int]:
    """What is counted in this mode."""
    return {what: _counted[what] for what in SHOWN}


class Counting:
    """Middleware that counts requests, and those among them that no cache has answered."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        if asyncio.iscoroutinefunction(get_response):
            # as Django's own markcoroutinefunction does
            self._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]

    def __call__(self, request: HttpRequest) -> Any:
        """Count it, unless it asks for the count."""
        if request.path != "/count/":
            note(REQUESTS)
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        """Count a view that runs: pages out of Django's cache do not come this far."""
        if request.path != "/count/":
            note(RENDERINGS)
