"""The parts of pages that are a visitor's own, as fragments of two-pass pages."""

from __future__ import annotations

import asyncio
import time

from django.http import HttpRequest

from origin import fragment

from .pages import own
from .settings import SESSION_COOKIE_NAME, SLOWNESS


@fragment("own", max_age=3600)
def own_part(request: HttpRequest, number: int) -> str:
    """One that is kept for its visitor."""
    return own(request.COOKIES.get(SESSION_COOKIE_NAME, ""), number)


@fragment("slow", scope="no-store", deadline=5)
async def slow_part(request: HttpRequest, number: int) -> str:
    """One that takes its time, waiting for somebody, and is kept by nobody."""
    await asyncio.sleep(SLOWNESS)
    return own(request.COOKIES.get(SESSION_COOKIE_NAME, ""), number)


@fragment("slow_sync", scope="no-store", deadline=5)
def slow_sync_part(request: HttpRequest, number: int) -> str:
    """The same in blocking code."""
    time.sleep(SLOWNESS)
    return own(request.COOKIES.get(SESSION_COOKIE_NAME, ""), number)
