"""Visitors with sessions of their own, and proof that their pages are theirs and are held."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Final
from urllib.request import Request, urlopen

from ..scenario import NEVER, Bounds, each

VISITORS = 50
"""Who take turns on a page; a cache must know all of them apart."""

CSRF = "csrftoken"

HELD: Final[Mapping[str, Bounds]] = {"origin_requests_per_page": NEVER}
"""What a contestant claims whose pages come out of a cache, parts and all."""
ASKED: Final[Mapping[str, Bounds]] = {"origin_requests_per_page": each()}
"""What one claims whose every page is asked of the origin, once."""

_known: dict[str, list[str]] = {}


def cookies_of(target: str, count: int = VISITORS) -> list[str]:
    """The Cookie fields of visitors with a session at `target` and a CSRF secret."""
    if target not in _known:
        found = []
        for number in range(count):
            with urlopen(f"{target}/login/{number}/", timeout=10) as response:
                jar = SimpleCookie(response.headers.get("Set-Cookie", ""))
            secret = f"{number:032d}"
            found.append(f"sessionid={jar['sessionid'].value}; {CSRF}={secret}")
        _known[target] = found
    return _known[target]


def read(url: str, cookie: str, **fields: str) -> bytes:
    """What a visitor gets."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    with urlopen(Request(url, headers={"Cookie": cookie, **headers}), timeout=30) as response:
        return bytes(response.read())


def warm(target: str, path: str) -> None:
    """Let everybody see the page until all of it is held."""
    for cookie in cookies_of(target):
        for _ in range(3):
            read(target + path, cookie)
    time.sleep(0.2)


def require_own(target: str, path: str, parts: int) -> None:
    """Raises RuntimeError unless each visitor gets their own parts."""
    for cookie in cookies_of(target):
        body = read(target + path, cookie).decode()
        session = cookie.partition("=")[2].partition(";")[0]
        mine = body.count(f"is for {session} only")
        if mine != parts or body.count(" only:") != parts:
            raise RuntimeError(f"{target}{path}: {mine} of {parts} parts are the visitor's own")


def require_held(target: str, path: str, parts: int, counted: str = "origin_requests") -> None:
    """Raises RuntimeError unless each visitor gets their own parts and the origin hears nothing.

    `counted`: what there must be none of, where the cache is within the origin.
    """
    warm(target, path)
    before = counts(target)
    require_own(target, path, parts)
    heard = counts(target)[counted] - before[counted]
    if heard:
        raise RuntimeError(f"{target}{path}: {heard} {counted} of the origin: it is no hit")


def counts(target: str) -> dict[str, int]:
    """What has reached the origin so far (see benchmarks/site/counting.py)."""
    # an address that nobody has asked for before: no cache on the way can know the answer
    found: dict[str, int] = json.loads(read(f"{target}/count/?{time.monotonic_ns()}", ""))
    return found
