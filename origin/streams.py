"""Streaming responses of two-pass views: collected, within bounds, so that holes can be found."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterable, Iterable
from typing import cast

from asgiref.sync import async_to_sync
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

_TEXTUAL = re.compile(
    # RFC 6839 §3: what ends in +json or +xml is text of that kind
    r"text/|application/(json|xml|javascript|ecmascript)\b|[a-z]+/[!-~]+\+(json|xml)\b",
    re.IGNORECASE,
)


def collect(response: HttpResponseBase, limit: int | None) -> HttpResponse | None:
    """`response` with its whole body in memory; None if that is over `limit` bytes or not text.

    A response that is None here is still as it was only if it is not text; a text over the limit
    has been read from and is closed.
    """
    if isinstance(response, HttpResponse):
        return response
    if not isinstance(response, StreamingHttpResponse):
        return None
    if not is_text(response):
        return None
    if response.is_async:
        content = async_to_sync(_read_async)(response, limit)
    else:
        content = _read(cast("Iterable[bytes]", response.streaming_content), limit)
    discard(response)
    if content is None:
        return None
    whole = HttpResponse(content, status=response.status_code, headers=dict(response.items()))
    whole.cookies = response.cookies
    return whole


def is_text(response: HttpResponseBase) -> bool:
    """Whether the response says that it is text of some kind, so that holes may be in it."""
    return _TEXTUAL.match(response.headers.get("Content-Type", "")) is not None


def discard(response: HttpResponseBase) -> None:
    """Free what a response holds that nobody gets, in the middle of a request.

    Not `response.close()`: that sends `request_finished`, on which Django closes database
    connections (in a test they are in a transaction), while the request goes on.
    """
    closers, response._resource_closers = response._resource_closers, []  # type: ignore[attr-defined]
    for closer in closers:
        with contextlib.suppress(Exception):
            closer()
    response.closed = True


def _read(chunks: Iterable[bytes], limit: int | None) -> bytes | None:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if limit is not None and len(body) > limit:
            return None
    return bytes(body)


async def _read_async(response: StreamingHttpResponse, limit: int | None) -> bytes | None:
    body = bytearray()
    async for chunk in cast("AsyncIterable[bytes]", response.streaming_content):
        body += chunk
        if limit is not None and len(body) > limit:
            return None
    return bytes(body)
