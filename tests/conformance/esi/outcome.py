"""What came of a case, and whether that is what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote


@dataclass
class Outcome:
    """A response. `requests` are the absolute URLs that the origin was asked for.

    `headers` is None where a driver has none (the language alone makes no headers).
    """

    status: int
    body: str
    headers: dict[str, str] | None = None
    requests: list[str] = field(default_factory=list)
    is_aborted: bool = False
    seconds: float = 0.0


def _nospace(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _fetched(outcome: Outcome, url: str) -> bool:
    return any(unquote(url) == unquote(asked) for asked in outcome.requests)


def _error(outcome: Outcome, expected: bool) -> bool:
    return (outcome.status >= 400 or outcome.is_aborted) is expected


_CHECKS: dict[str, Callable[[Outcome, Any], bool]] = {
    "body": lambda outcome, text: outcome.body == text,
    "body_trim": lambda outcome, text: outcome.body.strip() == text.strip(),
    "body_nospace": lambda outcome, text: _nospace(outcome.body) == _nospace(text),
    "body_len": lambda outcome, length: len(outcome.body.encode()) == length,
    "contains": lambda outcome, texts: all(text in outcome.body for text in texts),
    "not_contains": lambda outcome, texts: not any(text in outcome.body for text in texts),
    "status": lambda outcome, status: outcome.status == status,
    "error": _error,
    "max_time_s": lambda outcome, seconds: outcome.seconds <= seconds,
    "max_origin_fetches": lambda outcome, count: len(outcome.requests) <= count,
    "fetched": lambda outcome, urls: all(_fetched(outcome, url) for url in urls),
    "not_fetched": lambda outcome, urls: not any(_fetched(outcome, url) for url in urls),
}


def _shared_ttl(outcome: Outcome, seconds: int) -> bool:
    control = (outcome.headers or {}).get("cache-control", "").lower()
    if "no-store" in control or "private" in control or "no-cache" in control:
        return True
    found = re.search(r"s-maxage=(\d+)", control) or re.search(r"max-age=(\d+)", control)
    return found is not None and int(found[1]) <= seconds


def _control_has(outcome: Outcome, directives: list[str]) -> bool:
    control = (outcome.headers or {}).get("cache-control", "").lower()
    return "no-store" in control or all(directive in control for directive in directives)


def _length_ok(outcome: Outcome, expected: bool) -> bool:
    length = (outcome.headers or {}).get("content-length")
    return length is None or (outcome.body == "" or int(length) == len(outcome.body.encode()))


_HEADER_CHECKS: dict[str, Callable[[Outcome, Any], bool]] = {
    "headers": lambda outcome, wanted: all(
        (outcome.headers or {}).get(name.lower()) == value for name, value in wanted.items()
    ),
    "headers_absent": lambda outcome, names: (
        not any(name.lower() in (outcome.headers or {}) for name in names)
    ),
    "cache_control_has": _control_has,
    "content_length_ok": _length_ok,
    "max_shared_ttl": _shared_ttl,
}


def shortcomings(expected: dict[str, Any], outcome: Outcome) -> list[str]:
    """What was expected and did not come, a line each; [] when all is well."""
    found = []
    for name, wanted in expected.items():
        if name in _HEADER_CHECKS:
            if outcome.headers is not None and not _HEADER_CHECKS[name](outcome, wanted):
                found.append(f"{name}: wanted {wanted!r}, headers {outcome.headers!r}")
        elif not _CHECKS[name](outcome, wanted):
            found.append(f"{name}: wanted {wanted!r}, got {outcome!r}")
    if not expected.get("error") and "status" not in expected and outcome.status >= 500:
        found.append(f"status {outcome.status}")
    return found
