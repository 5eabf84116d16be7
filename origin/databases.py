"""The one place where pages meet replicas: first passes read where the data is new enough."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from contextlib import AbstractContextManager
from typing import Final

from django.conf import settings
from django.db import OperationalError

from fragments.errors import WireError

logger = logging.getLogger("twopass.databases")

_PAUSE: Final = 1.0
"""Seconds until a primary that did not answer is asked again."""
_silent_until = 0.0
_LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}\Z")


def first_pass_reads(min_lsn: str | None) -> AbstractContextManager[None]:
    """Route the reads of a first pass to nodes that have replayed `min_lsn`.

    Without dbrouting in DATABASE_ROUTERS there is one database, which is always new enough.
    """
    if not is_routed():
        return contextlib.nullcontext()
    # only a project with replicas needs its database drivers
    from dbrouting import first_pass_reads as reads

    return reads(min_lsn)


def fragment_reads(min_lsn: str | None, *, is_nobody: bool) -> AbstractContextManager[None]:
    """Route the reads of a second pass: nobody's as a first pass's, a visitor's as their own.

    The visitor's own position (read-your-writes) is dbrouting's middleware's business.
    """
    if is_nobody:
        return first_pass_reads(min_lsn)
    if min_lsn is None or not is_routed():
        return contextlib.nullcontext()
    from dbrouting.units import floor

    return floor(min_lsn)


def reads_as_of(lsn: int) -> AbstractContextManager[object]:
    """Route the reads of a data cache's load to nodes that have replayed `lsn`, else the primary.

    0 is no demand: then models are read where they always are.
    """
    if not lsn or not is_routed():
        return contextlib.nullcontext()
    from dbrouting import fresh_as_of

    return fresh_as_of(lsn)


def primary_position() -> int | None:
    """Where the primary's log stands now; 0 without replicas, None where it cannot say.

    A primary that did not answer is left alone for a moment: whoever loads need not wait for it.
    """
    global _silent_until
    if not is_routed():
        return 0
    if time.monotonic() < _silent_until:
        return None
    from dbrouting import current_lsn

    try:
        return current_lsn() or 0
    except Exception as error:  # noqa: BLE001  # inside `atomic`, too, there is no position
        logger.warning("the primary does not say where its log stands: %s", error)
        if isinstance(error, OperationalError):
            _silent_until = time.monotonic() + _PAUSE
        return None


def check_lsn(text: str | None) -> str | None:
    """`text`, if it is a position in a PostgreSQL log. Raises WireError."""
    if text is not None and not _LSN.match(text):
        raise WireError("type", f"{text!r} is no position in a log (like 16/B374D848)")
    return text


def is_routed() -> bool:
    """Whether reads may go to replicas."""
    routers = (item if isinstance(item, str) else type(item).__module__ for item in _routers())
    return any(name.partition(".")[0] == "dbrouting" for name in routers)


def _routers() -> list[object]:
    return list(settings.DATABASE_ROUTERS)
