"""Short ways to write heads in tests: fields as keyword-like text, one per line."""

from __future__ import annotations

from edge.core.messages import Field, RequestHead, ResponseHead
from edge.core.policy import Assessment, CachePolicy, assess

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


def fields(text: str) -> list[Field]:
    """`Name: value` lines as raw fields."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    pairs = [line.partition(":") for line in lines]
    return [(name.lower().encode(), value.strip().encode("latin-1")) for name, _, value in pairs]


def get(headers: str = "", target: str = "/page", method: str = "GET") -> RequestHead:
    """A request for a page of example.com."""
    return RequestHead(method.encode(), b"https", b"example.com", target.encode(), fields(headers))


def answer(headers: str = "", status: int = 200) -> ResponseHead:
    """A response with these fields."""
    return ResponseHead(status, fields(headers))


def assessed(
    response: str,
    request: str = "",
    *,
    status: int = 200,
    policy: CachePolicy | None = None,
    now: float = NOW,
) -> Assessment:
    """The assessment of an answer that took no time."""
    return assess(get(request), answer(response, status), now, now, policy or CachePolicy())
