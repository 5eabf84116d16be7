"""Shells kept in a Django cache, for sites without an edge, and their invalidation.

Freshness is told by a logical clock in that cache, so that no two machines' clocks need agree: an
invalidation advances it, a shell remembers where it stood when its filling began, and one that was
begun before an invalidation that matches it is not used.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from django.core.cache import BaseCache, caches

from fragments.errors import WireError
from fragments.shell import Shell

from .conf import Settings, get_settings

_CLOCK: Final = "twopass:clock"
_ALL: Final = "twopass:purged:all"
_PREFIXES: Final = "twopass:purged:prefixes"
_KEPT_PREFIXES: Final = 100
_FOREVER: Final = 30 * 86_400
"""Seconds that an invalidation is remembered; no shell is kept longer."""


@dataclass(frozen=True, slots=True)
class PageKey:
    """Which page, for whom as far as it differs: its URL and dimension values."""

    url: str
    values: tuple[tuple[str, str], ...]
    release: str

    def digest(self) -> str:
        """The name in the cache."""
        parts = (self.url, self.release, *(text for pair in self.values for text in pair))
        data = "\0".join(part.replace("\0", "") for part in parts).encode()
        return f"twopass:shell:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class HeldShell:
    """A shell with its age in seconds."""

    shell: Shell
    age: float

    @property
    def is_fresh(self) -> bool:
        """Whether it may be used without asking."""
        return self.age < self.shell.max_age

    @property
    def may_cover_error(self) -> bool:
        """Whether it may be shown while the view fails (RFC 5861 §4)."""
        return self.age < self.shell.max_age + self.shell.stale_if_error


def lookup(key: PageKey, conf: Settings) -> HeldShell | None:
    """The shell held for `key` that no invalidation has overtaken."""
    cache = _cache(conf)
    entry = cache.get(key.digest()) if cache is not None else None
    if cache is None or not isinstance(entry, tuple):
        return None
    began, stored, sealed = cast("tuple[int, float, bytes]", entry)
    try:
        shell = Shell.decode(sealed, conf.keyring)
    except WireError:  # sealed with a secret that has been dropped since
        return None
    if _purged_at(cache, key.url, shell.groups) > began:
        return None
    return HeldShell(shell, max(0.0, time.time() - stored))


def begin(conf: Settings) -> int:
    """The clock's reading, to be taken before a page is rendered."""
    cache = _cache(conf)
    return 0 if cache is None else _now(cache)


def store(key: PageKey, shell: Shell, began: int, conf: Settings) -> None:
    """Keep `shell`, whose rendering began at `began`."""
    cache = _cache(conf)
    lifetime = min(shell.max_age + shell.stale_if_error, _FOREVER)
    if cache is not None and lifetime > 0:
        entry = (began, time.time(), shell.encode(conf.keyring))
        cache.set(key.digest(), entry, timeout=int(lifetime) or 1)


def invalidate(
    *,
    groups: Iterable[str] = (),
    urls: Iterable[str] = (),
    prefixes: Iterable[str] = (),
    everything: bool = False,
) -> None:
    """Use no shell again that was begun before now and matches; reaches who shares the cache.

    `urls` and `prefixes` are absolute URLs; one without a query stands for all its queries.
    """
    cache = _cache(get_settings())
    if cache is None:
        return
    _now(cache)
    now = cache.incr(_CLOCK)
    marks: dict[str, object] = {_group_key(name): now for name in groups}
    marks |= {_url_key(url): now for url in urls}
    if everything:
        marks[_ALL] = now
    given = list(prefixes)
    if given:
        known: Mapping[str, int] = cache.get(_PREFIXES) or {}
        merged = {**known, **dict.fromkeys(given, now)}
        if len(merged) > _KEPT_PREFIXES:  # too many to look through for each page
            merged, marks[_ALL] = {}, now
        marks[_PREFIXES] = merged
    cache.set_many(marks, timeout=_FOREVER)


def _cache(conf: Settings) -> BaseCache | None:
    return caches[conf.cache] if conf.cache else None


def _now(cache: BaseCache) -> int:
    reading = cache.get(_CLOCK)
    if isinstance(reading, int):
        return reading
    # an evicted clock must not start below what shells remember
    cache.add(_CLOCK, int(time.time() * 1000), timeout=None)
    return cast(int, cache.get(_CLOCK, 0))


def _purged_at(cache: BaseCache, url: str, groups: Iterable[str]) -> int:
    addresses = {_url_key(url), _url_key(url.partition("?")[0])}
    found = cache.get_many([_ALL, _PREFIXES, *addresses, *map(_group_key, groups)])
    prefixes: Mapping[str, int] = found.pop(_PREFIXES, None) or {}
    matching = [at for prefix, at in prefixes.items() if url.startswith(prefix)]
    return max([*found.values(), *matching], default=-1)


def _group_key(name: str) -> str:
    return f"twopass:purged:group:{hashlib.sha256(name.encode()).hexdigest()}"


def _url_key(url: str) -> str:
    return f"twopass:purged:url:{hashlib.sha256(url.encode()).hexdigest()}"
