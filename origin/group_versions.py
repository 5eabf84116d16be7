"""Versions of groups in a Django cache: what pages that are kept in process are checked against.

Each group has a random version; invalidating it gives it another. A page is kept with the versions
from before it was rendered, and holds while they are the same, so a purge during the rendering
counts. A version that the cache has dropped is made anew, and no page fits it.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable
from typing import Final

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from . import counters
from .conf import get_settings
from .purge import Purge, newest_lsn

_EVERYTHING: Final = "everything"
_PREFIX: Final = "twopass:version:"

logger = logging.getLogger("twopass.invalidation")


def group_versions(groups: Iterable[str], url: str = "") -> tuple[str, ...]:
    """The current versions of `groups`, and of the page `url` where it has one (absolute).

    Read them before rendering, keep them with the page, and compare before it is shown. Empty
    without a TWOPASS['CACHE'].
    """
    cache = _cache()
    if cache is None:
        return ()
    names = [_EVERYTHING, *(f"group:{group}" for group in sorted(set(groups)))]
    if url:
        names.append(f"url:{_without_query(url)}")
    keys = [_key(name) for name in names]
    found = cache.get_many(keys)
    for key in keys:
        if key not in found:
            # two processes may both find it missing: `add` lets one version stand
            made = _new_version(None)
            found[key] = made if cache.add(key, made, None) else cache.get(key, made)
    return tuple(str(found[key]) for key in keys)


def lsn_of(versions: Iterable[str]) -> str | None:
    """The position in the primary's log that a page of these versions must have read, if any."""
    return newest_lsn(*(version.partition("@")[2] for version in versions))


def bump(purge: Purge) -> None:
    """Make pages in process invalid. An error is logged and counted, never raised: the data are
    committed, and whoever saved them did nothing wrong."""
    cache = _cache()
    if cache is None:
        return
    names = [f"group:{group}" for group in purge.groups]
    names += [f"url:{_without_query(url)}" for url in purge.urls]
    if purge.everything or purge.prefixes:
        names = [_EVERYTHING]  # keys cannot be found by prefix
    version = _new_version(purge.lsn)
    try:
        cache.set_many({_key(name): version for name in names}, None)
    except Exception:
        counters.count("purge_failed", "cache")
        logger.exception("pages kept in process may be stale: the cache took no purge")


def _cache() -> BaseCache | None:
    alias = get_settings().cache
    return None if alias is None else caches[alias]


def _key(name: str) -> str:
    # memcached takes no blanks and 250 characters at most
    return _PREFIX + hashlib.sha256(name.encode()).hexdigest()[:32]


def _new_version(lsn: str | None) -> str:
    return f"{secrets.token_hex(8)}@{lsn or ''}"


def _without_query(url: str) -> str:
    return url.partition("?")[0]
