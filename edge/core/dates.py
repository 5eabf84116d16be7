"""HTTP dates (RFC 9110 §5.6.7): three forms are read, one is written. Strict on purpose.

A date that almost parses is a date somebody else parses differently; callers treat None as
"invalid", which RFC 9111 §5.3 makes "already expired" for Expires.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DAYS = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
_MONTHS = (
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun",
    b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
)  # fmt: skip
_MONTH_NUMBER = {name: number for number, name in enumerate(_MONTHS, 1)}
_MONTH = rb"(?P<month>" + b"|".join(_MONTHS) + rb")"
_TIME = rb"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"

# IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT
_IMF = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>[0-9]{2}) "
    + _MONTH + rb" (?P<year>[0-9]{4}) " + _TIME + rb" GMT"
)  # fmt: skip
# rfc850-date = day-name-l "," SP date2 SP time-of-day SP GMT
_RFC850 = re.compile(
    rb"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>[0-9]{2})-"
    + _MONTH + rb"-(?P<short>[0-9]{2}) " + _TIME + rb" GMT"
)  # fmt: skip
# asctime-date = day-name SP date3 SP time-of-day SP year
_ASCTIME = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) " + _MONTH
    + rb" (?P<day>[0-9]{2}| [0-9]) " + _TIME + rb" (?P<year>[0-9]{4})"
)  # fmt: skip


def parse_http_date(value: bytes, now: float) -> float | None:
    """Seconds since the epoch, or None when `value` is no HTTP date.

    `now` decides the century of the two-digit form: a year more than fifty years ahead is the past.
    """
    match = _IMF.fullmatch(value) or _RFC850.fullmatch(value) or _ASCTIME.fullmatch(value)
    if match is None:
        return None
    parts = match.groupdict()
    year = int(parts["year"]) if parts.get("year") else _full_year(int(parts["short"]), now)
    # A leap second is legal in the grammar (second 60) and has no place in POSIX time.
    second = min(int(parts["second"]), 59) if parts["second"] == b"60" else int(parts["second"])
    try:
        moment = datetime(
            year,
            _MONTH_NUMBER[parts["month"]],
            int(parts["day"]),
            int(parts["hour"]),
            int(parts["minute"]),
            second,
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return moment.timestamp()


def _full_year(short: int, now: float) -> int:
    this_year = datetime.fromtimestamp(now, UTC).year
    year = this_year - this_year % 100 + short
    return year - 100 if year > this_year + 50 else year


def format_http_date(moment: float) -> bytes:
    """The IMF-fixdate of that second."""
    at = datetime.fromtimestamp(int(moment), UTC)
    return b"%s, %02d %s %04d %02d:%02d:%02d GMT" % (
        _DAYS[at.weekday()],
        at.day,
        _MONTHS[at.month - 1],
        at.year,
        at.hour,
        at.minute,
        at.second,
    )
