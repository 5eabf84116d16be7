"""Loads values from where they come from, and notes what they were made of."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async

from ..databases import primary_position, reads_as_of
from . import stats, transactions
from .demand import NOTHING, Demand
from .dependencies import Collector, collecting
from .steps import Load


@dataclass(slots=True)
class Loaded:
    """What came of a load. `seconds` for one of its values, as XFetch wants it.

    `met`: the demand that it meets. It is less than what was asked for where the primary could not
    say how far it is.
    """

    values: Mapping[Any, Any]
    inner: Collector
    seconds: float
    may_keep: bool
    met: Demand = NOTHING


_loading: ContextVar[frozenset[str]] = ContextVar("twopass_datacache_loading", default=frozenset())
"""Keys being loaded around us: a load that asks for its own key must not wait for itself."""


def load(step: Load) -> Loaded:
    """Perform `step` in this thread."""
    with _around(step, _as_new_as(step.demand)) as loaded:
        if step.definition.load is not None:
            loaded.values = step.definition.load(step.idents)
        else:
            assert step.definition.aload is not None
            loaded.values = async_to_sync(_awaited)(step.definition.aload, step.idents)
    return loaded


async def aload(step: Load) -> Loaded:
    """Perform `step` in this event loop; a loader that is not async on a thread."""
    demand = step.demand
    if demand.ask:
        demand = await sync_to_async(_as_new_as)(demand)
    with _around(step, demand) as loaded:
        if step.definition.aload is not None:
            loaded.values = await step.definition.aload(step.idents)
        else:
            assert step.definition.load is not None
            loaded.values, loaded.may_keep = await sync_to_async(_with_verdict)(step)
    return loaded


def is_loading(key: str) -> bool:
    """Whether `key` is being loaded by who asks."""
    return key in _loading.get()


def _as_new_as(demand: Demand) -> Demand:
    """With the primary's position instead of the question for it, where it can be known."""
    if not demand.ask:
        return demand
    position = primary_position()
    return Demand(demand.lsn) if position is None else Demand(max(demand.lsn, position), ask=True)


async def _awaited(function: Any, idents: Sequence[Any]) -> Any:
    return await function(idents)


def _with_verdict(step: Load) -> tuple[Mapping[Any, Any], bool]:
    # a transaction belongs to the thread that the loader runs on
    assert step.definition.load is not None
    values = step.definition.load(step.idents)
    return values, transactions.may_keep()


@contextlib.contextmanager
def _around(step: Load, demand: Demand) -> Iterator[Loaded]:
    keys = frozenset(step.definition.key(ident) for ident in step.idents)
    token = _loading.set(_loading.get() | keys)
    began = time.perf_counter()
    try:
        with collecting() as inner, reads_as_of(demand.lsn):
            loaded = Loaded({}, inner, 0.0, may_keep=transactions.may_keep(), met=demand)
            yield loaded
    finally:
        _loading.reset(token)
    total = time.perf_counter() - began
    loaded.seconds = total / max(1, len(step.idents))
    loaded.may_keep = loaded.may_keep and transactions.may_keep()
    stats.loaded(step.definition.label, len(step.idents), total)
