"""The one place where pages meet replicas: first passes read where the data is new enough."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

from django.conf import settings


def first_pass_reads(min_lsn: str | None) -> AbstractContextManager[None]:
    """Route the reads of a first pass to nodes that have replayed `min_lsn`.

    Without dbrouting in DATABASE_ROUTERS there is one database, which is always new enough.
    """
    if not _is_routed():
        return contextlib.nullcontext()
    # only a project with replicas needs its database drivers
    from dbrouting import first_pass_reads as reads

    return reads(min_lsn)


def _is_routed() -> bool:
    routers = (item if isinstance(item, str) else type(item).__module__ for item in _routers())
    return any(name.partition(".")[0] == "dbrouting" for name in routers)


def _routers() -> list[object]:
    return list(settings.DATABASE_ROUTERS)
