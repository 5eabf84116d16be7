"""Streaming responses of two-pass views: collected, within bounds, so that holes can be found."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import cast

from asgiref.sync import async_to_sync
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

_TEXTUAL = ("text/", "application/json", "application/xml", "application/xhtml+xml")


def collect(response: HttpResponseBase, limit: int | None) -> HttpResponse | None:
    """`response` with its whole body in memory; None if that is over `limit` bytes or not text.

    A response that is None here is still as it was only if it is not text; a text over the limit
    has been read from and is closed.
    """
    if isinstance(response, HttpResponse):
        return response
    if not isinstance(response, StreamingHttpResponse):
        return None
    if not response.headers.get("Content-Type", "").startswith(_TEXTUAL):
        return None
    if response.is_async:
        content = async_to_sync(_read_async)(response, limit)
    else:
        content = _read(cast("Iterable[bytes]", response.streaming_content), limit)
    response.close()
    if content is None:
        return None
    whole = HttpResponse(content, status=response.status_code, headers=dict(response.items()))
    whole.cookies = response.cookies
    return whole


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
