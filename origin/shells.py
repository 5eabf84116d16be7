"""Shells kept in a Django cache, for sites without an edge, and their invalidation.

Freshness is told by a logical clock in that cache, so that no two machines' clocks need agree: an
invalidation advances it, a shell remembers where it stood when its filling began, and one that was
begun before an invalidation that matches it is not used.

Caches evict what they please, so what says that something was *not* invalidated must be there to be
believed: a mark that is missing makes what depends on it unusable.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from django.core.cache import BaseCache, caches

from fragments.errors import WireError
from fragments.shell import Shell

from .addresses import canonical
from .conf import Settings, get_settings
from .purge import newest_lsn

_CLOCK: Final = "twopass:clock"
_ALL: Final = "twopass:purged:all"
_PREFIXES: Final = "twopass:purged:prefixes"
_KEPT_PREFIXES: Final = 100
_LOCK: Final = "twopass:purging"
_LOCKED: Final = 10
"""Seconds after which a process that began to note prefixes is given up."""
_LSN: Final = "twopass:lsn:"
_LSN_SLOTS: Final = 16
"""Positions that are remembered, so that purges at the same moment do not undo each other's."""
_LSN_MEMORY: Final = 3600
"""Seconds for which first passes ask for the position of a purge, as the edge does."""
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
        values = (text for pair in self.values for text in pair)
        parts = (canonical(self.url), self.release, *values)
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
    purged_at = _purged_at(cache, key.url, shell.groups)
    if purged_at is None or purged_at > began:
        return None
    return HeldShell(shell, max(0.0, time.time() - stored))


def begin(conf: Settings) -> int:
    """The clock's reading, to be taken before a page is rendered."""
    cache = _cache(conf)
    return 0 if cache is None else _now(cache)


def store(key: PageKey, shell: Shell, began: int, conf: Settings) -> None:
    """Keep `shell`, whose rendering began at `began`."""
    store_many([(key, shell, shell.encode(conf.keyring))], began, conf)


def store_many(made: Iterable[tuple[PageKey, Shell, bytes]], began: int, conf: Settings) -> None:
    """Keep shells in a few steps together, each with its wire form; none of their renderings
    began before `began`."""
    cache = _cache(conf)
    if cache is None:
        return
    marks: dict[str, None] = {}
    entries: dict[int, dict[str, tuple[int, float, bytes]]] = {}
    for key, shell, sealed in made:
        lifetime = min(shell.max_age + shell.stale_if_error, _FOREVER)
        if lifetime > 0:
            marks |= dict.fromkeys(_marks_for(key.url, shell.groups))
            entry = (began, time.time(), sealed)
            entries.setdefault(int(lifetime) or 1, {})[key.digest()] = entry
    if marks:
        _mark_unmarked(cache, marks)
    for lifetime, together in entries.items():
        cache.set_many(together, timeout=lifetime)


def min_lsn(conf: Settings) -> str | None:
    """How far the data behind the next page must have come, if a purge said so lately."""
    cache = _cache(conf)
    if cache is None:
        return None
    slots = [f"{_LSN}{slot}" for slot in range(_LSN_SLOTS)]
    return newest_lsn(*cache.get_many(slots).values())


def invalidate(
    *,
    groups: Iterable[str] = (),
    urls: Iterable[str] = (),
    prefixes: Iterable[str] = (),
    everything: bool = False,
    lsn: str | None = None,
) -> None:
    """Use no shell again that was begun before now and matches; reaches who shares the cache.

    `urls` and `prefixes` are absolute URLs; one without a query stands for all its queries. `lsn`:
    the position in the primary's log that later first passes must have read.
    """
    cache = _cache(get_settings())
    if cache is None:
        return
    _now(cache)
    if lsn is not None:
        # before the clock reads `now`: who begins then must find how far to read
        cache.set(f"{_LSN}{cache.incr(_CLOCK) % _LSN_SLOTS}", lsn, timeout=_LSN_MEMORY)
    now = cache.incr(_CLOCK)
    marks = {_group_key(name): now for name in groups}
    marks |= {_url_key(canonical(url)): now for url in urls}
    prefixes = [canonical(prefix) for prefix in prefixes]
    if everything or (prefixes and not _note_prefixes(cache, prefixes, now)):
        marks[_ALL] = now
    cache.set_many(marks, timeout=_FOREVER)


def _note_prefixes(cache: BaseCache, prefixes: Iterable[str], now: int) -> bool:
    """Whether they could be added to the list: it is bounded, and one process at a time adds."""
    if not cache.add(_LOCK, now, timeout=_LOCKED):
        return False
    try:
        known: Mapping[str, int] = cache.get(_PREFIXES) or _everything_until(now)
        merged = {**known, **dict.fromkeys(prefixes, now)}
        if len(merged) > _KEPT_PREFIXES:  # too many to look through for each page
            return False
        cache.set(_PREFIXES, merged, timeout=_FOREVER)
        return True
    finally:
        cache.delete(_LOCK)


def _cache(conf: Settings) -> BaseCache | None:
    return caches[conf.cache] if conf.cache else None


def _now(cache: BaseCache) -> int:
    reading = cache.get(_CLOCK)
    if isinstance(reading, int):
        return reading
    # an evicted clock must not start below what shells remember
    cache.add(_CLOCK, int(time.time() * 1000), timeout=None)
    return cast(int, cache.get(_CLOCK, 0))


def _marks_for(url: str, groups: Iterable[str]) -> list[str]:
    """The names of the marks that a shell depends on."""
    whole = canonical(url)
    addresses = dict.fromkeys((_url_key(whole), _url_key(whole.partition("?")[0])))
    return [_ALL, _PREFIXES, *addresses, *dict.fromkeys(map(_group_key, groups))]


def _mark_unmarked(cache: BaseCache, names: Iterable[str]) -> None:
    """Make the marks that are missing, whether they never were or were evicted.

    They say "invalidated now": that keeps out what was begun before, and nobody knows better.
    """
    names = list(names)
    now, found = _now(cache), cache.get_many(names)
    for name in names:
        if name not in found:
            # one by one: an invalidation between must not be written over
            value = _everything_until(now) if name == _PREFIXES else now
            cache.add(name, value, timeout=_FOREVER)


def _purged_at(cache: BaseCache, url: str, groups: Iterable[str]) -> int | None:
    """The last invalidation that matches; None where that is not known."""
    names = _marks_for(url, groups)
    found: dict[str, Any] = cache.get_many(names)
    if len(found) < len(names):
        return None
    prefixes: Mapping[str, int] = found.pop(_PREFIXES)
    whole = canonical(url)
    matching = [at for prefix, at in prefixes.items() if whole.startswith(prefix)]
    latest: int = max(*found.values(), *matching)
    return latest


def _everything_until(now: int) -> dict[str, int]:
    """A list of prefixes when those before are not known: the empty one begins every URL."""
    return {"": now}


def _group_key(name: str) -> str:
    return f"twopass:purged:group:{hashlib.sha256(name.encode()).hexdigest()}"


def _url_key(url: str) -> str:
    return f"twopass:purged:url:{hashlib.sha256(url.encode()).hexdigest()}"
