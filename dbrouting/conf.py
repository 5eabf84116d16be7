"""The `DBROUTING` setting: every key has a default, every value is checked.

DBROUTING = {"MAX_LAG_SECONDS": 5, "MODELS": ["catalog", "shop.Review"]}
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from .breaker import Policy
from .lag import Bounds
from .selection import Strategy

FALLBACKS = ("primary", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """`DBROUTING`, one field a key (upper case there). Durations are seconds."""

    primary: str = "default"
    replica: str = "replica"
    models: tuple[str, ...] = ()
    strategy: str = Strategy.ROUND_ROBIN.value
    zone: str = ""
    deadline: float = 1.0
    connect_deadline: float = 1.0
    slow_query_limit: float | None = 60.0
    fallback: str = "primary"
    fallback_concurrency: int = 32
    fallback_rate: float | None = None
    fallback_wait: float = 1.0
    max_lag_seconds: float = 10.0
    max_lag_bytes: int | None = None
    return_ratio: float = 0.5
    probe_interval: float = 1.0
    resolve_interval: float = 30.0
    trip_after: int = 3
    close_after: int = 2
    trip_seconds: float = 0.5
    longest_trip_seconds: float = 15.0
    settle_seconds: float = 30.0
    pooler: bool = False
    pin_cookie: str = "twopass_lsn"
    pin_seconds: float = 600.0
    pin_cookie_domain: str | None = None

    @property
    def breaker_policy(self) -> Policy:
        """When a node's breaker trips and closes."""
        return Policy(
            trip_after=self.trip_after,
            close_after=self.close_after,
            wait_seconds=self.trip_seconds,
            longest_wait_seconds=self.longest_trip_seconds,
            settle_seconds=self.settle_seconds,
        )

    @property
    def lag_bounds(self) -> Bounds:
        """When a node leaves rotation for its lag, and comes back."""
        return Bounds(self.max_lag_seconds, self.max_lag_bytes, self.return_ratio)


_POSITIVE = (
    "deadline", "connect_deadline", "slow_query_limit", "fallback_rate", "max_lag_seconds",
    "max_lag_bytes", "probe_interval", "resolve_interval", "trip_after", "close_after",
    "trip_seconds", "longest_trip_seconds", "pin_seconds", "fallback_concurrency",
)  # fmt: skip
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "fallback": FALLBACKS,
    "strategy": tuple(s.value for s in Strategy),
}


def parse(given: Mapping[str, Any]) -> Settings:
    """Check `DBROUTING`; raises ImproperlyConfigured that names the key and what it may be."""
    known = {field.name.upper(): field for field in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise ImproperlyConfigured(
                f"DBROUTING has no key {key!r}. It may have: {', '.join(sorted(known))}."
            )
        values[known[key].name] = tuple(value) if key == "MODELS" else value
    parsed = Settings(**values)
    _check_values(parsed)
    return parsed


def _check_values(parsed: Settings) -> None:
    for name in _POSITIVE:
        value = getattr(parsed, name)
        optional = Settings.__dataclass_fields__[name].default is None or "limit" in name
        if value is None and optional:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ImproperlyConfigured(
                f"DBROUTING[{name.upper()!r}] must be a number above 0, not {value!r}."
            )
    for name, choices in _CHOICES.items():
        if getattr(parsed, name) not in choices:
            raise ImproperlyConfigured(
                f"DBROUTING[{name.upper()!r}] must be one of {', '.join(choices)},"
                f" not {getattr(parsed, name)!r}."
            )
    if not 0 < parsed.return_ratio <= 1:
        raise ImproperlyConfigured("DBROUTING['RETURN_RATIO'] must be above 0 and at most 1.")
    if parsed.primary == parsed.replica:
        raise ImproperlyConfigured("DBROUTING['PRIMARY'] and ['REPLICA'] must be two aliases.")


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The project's settings, parsed once."""
    return parse(getattr(django_settings, "DBROUTING", {}))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "DBROUTING":
        get_settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="dbrouting.conf")
