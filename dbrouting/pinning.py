"""Read your writes: the position of the log that a visitor's reads must have seen.

The pin travels as a signed value, in a cookie (which the edge passes on, so that second-pass
requests carry it), in the session, or in the arguments of a task:

    token = dbrouting.pin_token()                 # after the write
    with dbrouting.unit_of_work(token): ...       # in the worker: reads see it
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.db import DatabaseError, InterfaceError

from . import metrics, primary
from .conf import get_settings
from .lsn import UNREACHABLE, format_lsn, parse_lsn
from .units import Unit, current_unit

logger = logging.getLogger("dbrouting")

_SALT = "dbrouting.pin"


@dataclass(frozen=True, slots=True)
class Pin:
    """A position of the primary's log; UNREACHABLE means "the primary only"."""

    lsn: int = 0

    def __str__(self) -> str:
        return format_lsn(self.lsn)


def sign(pin: Pin) -> str:
    """The pin as a signed, timestamped value, fit for a cookie."""
    return signing.TimestampSigner(salt=_SALT).sign(str(pin))


def unsign(value: str) -> Pin | None:
    """The pin in a signed value; None (and counted) if it is forged, garbled or too old."""
    signer = signing.TimestampSigner(salt=_SALT)
    max_age = timedelta(seconds=get_settings().pin_seconds)
    try:
        return Pin(parse_lsn(signer.unsign(value, max_age=max_age)))
    except signing.SignatureExpired:
        return None
    except (signing.BadSignature, ValueError):
        metrics.count(metrics.BAD_PINS)
        return None


def settle(unit: Unit) -> None:
    """Turn "has written" into a position, with one query to the primary.

    When the primary cannot say, reads stay on the primary: rather slow than stale. A thread's
    own unit, which has no end, asks again at the next read.
    """
    if not unit.has_written:
        return
    try:
        lsn = primary.current_lsn()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("the primary's position after a write is unknown: %s", error)
        if not unit.is_declared:
            return
        lsn = UNREACHABLE
    unit.has_written = False
    if lsn is not None:
        unit.raise_pin(lsn)
        unit.raised = True
        metrics.count(metrics.PINS)


def current_pin() -> Pin:
    """The pin of the unit of work we are in, what it has just written included."""
    unit = current_unit()
    settle(unit)
    return Pin(unit.required())


def pin_token() -> str:
    """The current pin, signed: hand it to a task whose reads must see what was written here."""
    return sign(current_pin())


def mark_written() -> None:
    """Say that something was written past Django (COPY, a function that writes, another tool)."""
    primary.note_write()
