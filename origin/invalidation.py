"""Invalidation: say what changed; it leaves on commit, once, to every edge.

    from origin.invalidation import invalidate_groups

    invalidate_groups("product:42")

Inside a transaction it waits for the commit, and a rollback takes it back. Models say their groups
themselves (origin.model_groups), so most projects call nothing here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from . import counters, shells
from .outbox import get_outbox
from .purge import Batch, Purge, UnfitPurge
from .receipts import await_receipts, collect_receipts, wait_for_receipts

__all__ = [
    "UnfitPurge",
    "await_receipts",
    "collect_receipts",
    "invalidate_all",
    "invalidate_groups",
    "invalidate_prefixes",
    "invalidate_urls",
    "wait_for_receipts",
]

logger = logging.getLogger("twopass.invalidation")

_listeners: list[Callable[[Purge], None]] = []

_LOOK_BACK = 50
"""Hooks of a transaction that are looked through for one of ours."""


def invalidate_groups(*groups: str, soft: bool = False, using: str | None = None) -> None:
    """Drop every page and fragment that belongs to one of `groups`, when the transaction commits.

    `soft`: they may be served stale while they are refreshed. `using`: the database whose
    transaction counts. Raises UnfitPurge.
    """
    _invalidate(Purge(groups=groups, soft=soft), using)


def invalidate_urls(*urls: str, soft: bool = False, using: str | None = None) -> None:
    """Drop the pages at these absolute URLs, with any query, in all their variants."""
    _invalidate(Purge(urls=urls, soft=soft), using)


def invalidate_prefixes(*prefixes: str, soft: bool = False, using: str | None = None) -> None:
    """Drop the pages whose absolute URLs begin with one of `prefixes`."""
    _invalidate(Purge(prefixes=prefixes, soft=soft), using)


def invalidate_all(*, soft: bool = False, using: str | None = None) -> None:
    """Drop everything: after a deployment, or when in doubt."""
    _invalidate(Purge(everything=True, soft=soft), using)


def on_purge(listener: Callable[[Purge], None]) -> None:
    """Call `listener` with each purge, after its commit and before it leaves for the edges."""
    if listener not in _listeners:
        _listeners.append(listener)


class _OnCommit:
    """The purges of one transaction (or of one savepoint in it)."""

    def __init__(self, alias: str, soft: bool) -> None:
        self.alias = alias
        self.batch = Batch(soft=soft)

    def __call__(self) -> None:
        """Committed: let it leave."""
        purge = self.batch.to_purge(_lsn(self.alias))
        # data first: a page that is made anew must not find what has just changed
        _tell_listeners(purge)
        _invalidate_shells(purge)
        get_outbox().offer(purge)
        counters.count("purges")


def _invalidate(purge: Purge, using: str | None) -> None:
    if purge.is_empty:
        return
    alias = using or DEFAULT_DB_ALIAS
    connection = connections[alias]
    waiting = _waiting_in(connection, purge.soft)
    if waiting is not None:
        waiting.batch.add(purge)
        return
    waiting = _OnCommit(alias, purge.soft)
    waiting.batch.add(purge)
    # robust: what is committed is committed, and other hooks have their own work
    transaction.on_commit(waiting, using=alias, robust=True)


def _tell_listeners(purge: Purge) -> None:
    for listener in _listeners:
        try:
            listener(purge)
        except Exception:
            counters.count("purge_failed", "listener")
            logger.exception("%r took no purge: cached data may be old", listener)


def _invalidate_shells(purge: Purge) -> None:
    """Drop what is kept in process. A cache in trouble is logged and counted: the data are
    committed, and whoever saved them did nothing wrong."""
    try:
        shells.invalidate(
            groups=purge.groups,
            urls=purge.urls,
            prefixes=purge.prefixes,
            everything=purge.everything,
            lsn=purge.lsn,
        )
    except Exception:
        counters.count("purge_failed", "cache")
        logger.exception("pages kept in process may be stale: the cache took no purge")


def _waiting_in(connection: BaseDatabaseWrapper, soft: bool) -> _OnCommit | None:
    """Ours among the hooks that run, or are taken back, exactly when a new one would be."""
    # a test that captures hooks would not see what joins an earlier one
    if any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        return None
    now = _savepoints(connection.savepoint_ids)
    for entry in reversed(connection.run_on_commit[-_LOOK_BACK:]):
        savepoints, hook = entry[0], entry[1]
        if (
            isinstance(hook, _OnCommit)
            and hook.batch.soft == soft
            and _savepoints(savepoints) == now
        ):
            return hook
    return None


def _savepoints(ids: Iterable[object]) -> set[object]:
    # an `atomic` without a savepoint counts as None, and rolls back with the one around it
    return {name for name in ids if name is not None}


def _lsn(alias: str) -> str | None:
    """The primary's position after the commit, where replicas are read from at all."""
    if not apps.is_installed("dbrouting"):
        return None
    from dbrouting import current_lsn, format_lsn
    from dbrouting.conf import get_settings as get_routing

    if alias != get_routing().primary:
        return None
    try:
        position = current_lsn()
    except Exception:
        counters.count("purge_without_lsn", alias)
        logger.exception("no position of the primary's log for a purge: a refill may read old data")
        return None
    return None if position is None else format_lsn(position)
