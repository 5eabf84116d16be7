"""What the origin purges, the data caches drop: first, so that pages are refilled with news."""

from __future__ import annotations

from ..invalidation import on_purge
from ..purge import Purge
from .clock import ALL
from .layers import get_levels


def connect() -> None:
    """Hear of every purge. For `AppConfig.ready`."""
    on_purge(_purged)


def _purged(purge: Purge) -> None:
    groups = [ALL] if purge.everything else list(purge.groups)
    if not groups:
        return
    lsn = _number(purge.lsn) if purge.lsn else 0
    get_levels().invalidate(groups, soft=purge.soft, lsn=lsn)


def _number(position: str) -> int:
    high, _, low = position.partition("/")
    return int(high, 16) << 32 | int(low, 16)
