"""Visitors with sessions of their own, and proof that their pages are theirs and are held."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie
from urllib.request import Request, urlopen

VISITORS = 50
"""Who take turns on a page; a cache must know all of them apart."""

CSRF = "csrftoken"

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


def require_held(target: str, path: str, parts: int, *, costs: int = 0) -> None:
    """Raises RuntimeError unless each visitor gets their own parts and the origin hears nothing.

    `costs`: requests to the origin that one page may take all the same.
    """
    warm(target, path)
    cookies = cookies_of(target)
    before = _count(target)
    require_own(target, path, parts)
    heard = _count(target) - before - 1
    if heard > costs * len(cookies):
        raise RuntimeError(f"{target}{path}: {heard} requests reached the origin: it is no hit")


def _count(target: str) -> int:
    return int(read(f"{target}/count/", ""))
