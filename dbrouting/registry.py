"""The clusters of this process, one for each replica alias, with their monitors."""

import os
import threading
from collections.abc import Callable

from . import metrics
from .cluster import Cluster, gauges
from .monitor import Monitor
from .primary import follow_timeline

_lock = threading.Lock()
_clusters: dict[str, tuple[Cluster, Monitor]] = {}


def get_or_create(
    alias: str, create: Callable[[], tuple[Cluster, Monitor]]
) -> tuple[Cluster, Monitor]:
    """The alias's cluster, made by `create` the first time."""
    with _lock:
        if alias not in _clusters:
            _clusters[alias] = create()
        return _clusters[alias]


def clusters() -> list[Cluster]:
    """All clusters of this process."""
    with _lock:
        return [cluster for cluster, _ in _clusters.values()]


def reset() -> None:
    """Stop all monitors and forget all that was learned; connections find new clusters."""
    with _lock:
        for _, monitor in _clusters.values():
            monitor.stop()
        _clusters.clear()


def _newest_timeline() -> int:
    return max((cluster.timeline for cluster, _ in list(_clusters.values())), default=0)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    metrics.after_fork()
    for cluster, monitor in _clusters.values():
        cluster.after_fork()
        monitor.after_fork()


metrics.add_gauges(lambda: gauges(clusters))
follow_timeline(_newest_timeline)
os.register_at_fork(after_in_child=_after_fork)
