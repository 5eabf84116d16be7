"""`settings.DATACACHE`, read once and checked: a typo is an error with a hint."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed


@dataclass(frozen=True, slots=True)
class Settings:
    """Every key of `settings.DATACACHE`, in lower case; docs/datacache.md explains each.

    Durations are seconds, sizes bytes.
    """

    enabled: bool = True
    redis: str = ""
    """URL of the shared level; empty: every process has its own values."""
    clock_file: str = ""
    """Where processes of one machine tell each other of invalidations without Redis."""
    prefix: str = "twopass"
    process_bytes: int = 64 * 1024 * 1024
    compress_above: int = 2048
    entry_bytes: int = 4 * 1024 * 1024
    longest_life: float = 7 * 86_400.0
    bound: float = 2.0
    """How old a process's data may get while Redis is away."""
    redis_timeout: float = 0.5
    redis_pause: float = 0.5
    lease: float = 0.15
    wait: float = 5.0
    beta: float = 1.0
    refreshers: int = 2
    stream_length: int = 10_000
    lsn_guard: bool = True
    rebuild_journal: str = ""


def get_settings() -> Settings:
    """The settings in force. Raises ImproperlyConfigured, naming the key and what it should be."""
    return _read()


@functools.lru_cache(maxsize=1)
def _read() -> Settings:
    given = getattr(django_settings, "DATACACHE", {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured("DATACACHE is a dict, for example {'REDIS': 'redis://…'}")
    known = {item.name.upper(): item.name for item in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ImproperlyConfigured(f"DATACACHE has no key {key!r}{hint}")
        values[known[key]] = _checked(key, value)
    return Settings(**values)


_DEFAULTS: Final = Settings()
_MAY_BE_ZERO: Final = {"BETA", "COMPRESS_ABOVE", "PROCESS_BYTES", "REFRESHERS", "BOUND"}


def _checked(key: str, value: Any) -> Any:
    default = getattr(_DEFAULTS, key.lower())
    if isinstance(default, bool) or isinstance(value, bool):
        fits, what = isinstance(value, bool) and isinstance(default, bool), "True or False"
    elif isinstance(default, str):
        fits, what = isinstance(value, str), "text"
    else:
        number = (int, float) if isinstance(default, float) else int
        least = 0 if key in _MAY_BE_ZERO else 1e-9
        fits = isinstance(value, number) and value >= least
        what = "seconds" if isinstance(default, float) else "a whole number"
        what += ", 0 or more" if least == 0 else " above 0"
    if isinstance(default, bool):
        what = "True or False"
    if not fits:
        raise ImproperlyConfigured(f"DATACACHE[{key!r}] is {value!r}, but must be {what}")
    return float(value) if isinstance(default, float) else value


def _forget(*, setting: str, **_: object) -> None:
    if setting == "DATACACHE":
        _read.cache_clear()


setting_changed.connect(_forget, dispatch_uid="twopass.datacache.conf")
