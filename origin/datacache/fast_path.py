"""A value at hand, without the whole course: what most readings are."""

from __future__ import annotations

from typing import Any

from . import stats
from .bypassing import is_bypassed
from .dependencies import is_watched
from .layers import get_levels, now
from .lookup import note_held
from .missing import MISSING
from .request_layer import request_level
from .transactions import has_written


def at_hand(label: str, key: str, ident: Any, absent: Any) -> Any:
    """The value under `key`, fresh and with nothing else to be done, or `absent`."""
    levels, level = get_levels(), request_level()
    held, where = None, stats.PROCESS
    if level is not None:
        held = level.values.get(key)
        if held is not None:
            where = stats.REQUEST
        elif not level.caught_up:
            return absent  # this request has not heard yet what was invalidated before it
    else:
        levels.hear()
    if held is None:
        held = levels.process.get(key)
        if held is None:
            return absent
        time = now()
        if time >= held.good_until or time >= levels.trusted_until:
            return absent
        held.is_marked = True
    if has_written() or is_bypassed():
        return absent
    if level is not None and where is stats.PROCESS:
        level.keep({key: held})
    if is_watched():
        note_held(label, ident, held, where)
    else:
        stats.current.hits[where] += 1
    value = held.get()
    return absent if value is MISSING else value
