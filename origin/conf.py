"""`settings.TWOPASS`, read once and checked: a typo is an error with a hint."""

from __future__ import annotations

import difflib
import functools
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeVar

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from fragments.dimensions import Dimension
from fragments.signing import Keyring

T = TypeVar("T")

IGNORABLE_QUERY: Final = (
    "utm_*",
    "gclid",
    "gclsrc",
    "gbraid",
    "wbraid",
    "dclid",
    "fbclid",
    "msclkid",
    "mc_cid",
    "mc_eid",
    "_ga",
    "_gl",
)
"""Parameters that advertisers and mailers append; no view reads them on the server."""

VARYING_HEADERS: Final = (
    "HX-Request",
    "X-Requested-With",
    "X-PJAX",
    "Turbo-Frame",
    "X-Up-Target",
    "X-Inertia",
    "Origin",
)
"""Fields by which frameworks ask for another representation of the same URL."""

SECOND_PASS_SKIPS: Final = (
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.common.BrokenLinkEmailsMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
)
"""Middleware that works on the page's response alone: on headers or a body which a bundle lacks."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every key of `settings.TWOPASS`, in lower case; docs/origin.md explains each.

    Durations are seconds, sizes bytes.
    """

    keyring: Keyring
    secret_is_shared: bool
    """Whether a TWOPASS_SECRET was given, without which no edge can talk to this origin."""
    enabled: bool = True
    strict: bool = False
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    ignorable_query: tuple[str, ...] = IGNORABLE_QUERY
    bypass_cookies: tuple[str, ...] = ()
    varying_headers: tuple[str, ...] = VARYING_HEADERS
    surrogate_secret: str | None = None
    surrogate_csrf: bool = False
    cache: str = "default"
    """Alias of the Django cache for shells without an edge; empty: none are kept."""
    context: str | None = None
    release: str = ""
    max_age: float = 300.0
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 86_400.0
    fragment_max_age: float = 60.0
    max_shell: int = 4 * 1024 * 1024
    max_nesting: int = 4
    workers: int = 4
    second_pass_skips: tuple[str, ...] = SECOND_PASS_SKIPS
    """Middleware, by dotted path, that bundles do not run through."""
    # the edges that purges go to (origin.outbox)
    edges: tuple[str, ...] = ()
    admin_token: str | None = None
    purge_timeout: float = 2.0
    purge_wait: float = 1.0


def get_settings() -> Settings:
    """The settings in force. Raises ImproperlyConfigured, naming the key and what it should be."""
    return _read()


@functools.lru_cache(maxsize=1)
def _read() -> Settings:
    given = getattr(django_settings, "TWOPASS", {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured("TWOPASS is a dict, for example {'MAX_AGE': 300}")
    known = {item.name.upper() for item in fields(Settings)} - {"KEYRING", "SECRET_IS_SHARED"}
    known.add("SECRET")
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ImproperlyConfigured(f"TWOPASS has no key {key!r}{hint}")
    values: dict[str, Any] = {
        key.lower(): _CHECKS[key](key, value)
        for key, value in given.items()
        if key in _CHECKS and value is not None
    }
    values.setdefault("strict", bool(django_settings.DEBUG))
    values.setdefault("admin_token", os.environ.get("TWOPASS_ADMIN_TOKEN") or None)
    secret = given.get("SECRET") or os.environ.get("TWOPASS_SECRET", "")
    return Settings(keyring=_keyring(secret), secret_is_shared=bool(secret), **values)


def _keyring(secret: object) -> Keyring:
    if not secret:
        # in process both passes share Django's own secret; an edge cannot know this one
        derived = hashlib.sha256(b"twopass/1/" + str(django_settings.SECRET_KEY).encode())
        return Keyring([derived.hexdigest()])
    try:
        if isinstance(secret, (list, tuple)):
            return Keyring([str(item) for item in secret])
        return Keyring.parse(str(secret))
    except ValueError as error:
        raise ImproperlyConfigured(f"TWOPASS['SECRET']: {error}") from error


def _instance(kind: type[T], what: str) -> Callable[[str, object], T]:
    def check(key: str, value: object) -> T:
        # True is an int to isinstance, and a size of True is a mistake
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            raise ImproperlyConfigured(f"TWOPASS[{key!r}] is {value!r}, but must be {what}")
        return value

    return check


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ImproperlyConfigured(f"TWOPASS[{key!r}] is {value!r}, but must be a list of text")
    return tuple(value)


def _seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ImproperlyConfigured(f"TWOPASS[{key!r}] is {value!r}, but must be seconds, 0 or more")
    return float(value)


def _count(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ImproperlyConfigured(f"TWOPASS[{key!r}] is {value!r}, but must be a whole number > 0")
    return value


def _dimensions(key: str, value: object) -> dict[str, Dimension]:
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"TWOPASS[{key!r}] is a dict from names to definitions")
    found: dict[str, Dimension] = {}
    for name, definition in value.items():
        try:
            found[name] = _dimension(str(name), definition)
        except (TypeError, ValueError) as error:
            raise ImproperlyConfigured(f"TWOPASS[{key!r}][{name!r}]: {error}") from error
    return found


def _dimension(name: str, definition: object) -> Dimension:
    if isinstance(definition, Dimension):
        return definition
    if not isinstance(definition, Mapping):
        raise TypeError("a definition is a dict with source, field, values and default")
    options = {str(key): value for key, value in definition.items()}
    weights = options.get("weights", ())
    values = options.get("values", ())
    if isinstance(weights, Mapping):  # {"a": 90, "b": 10} says values and weights at once
        values, weights = tuple(weights), tuple(weights.values())
    matches = options.get("matches", ())
    pairs = matches.items() if isinstance(matches, Mapping) else matches
    unknown = set(options) - {item.name for item in fields(Dimension)}
    if unknown:
        raise TypeError(f"unknown option {sorted(unknown)[0]!r}")
    if isinstance(values, str):
        raise TypeError("values is a list of text")
    values = tuple(values)
    return Dimension(
        name=name,
        source=options.get("source", "cookie"),
        field=options.get("field", name),
        values=values,
        default=options.get("default", values[0] if values else ""),
        weights=tuple(weights),
        matches=tuple((str(text), str(found)) for text, found in pairs),
    )


_TEXT: Final = _instance(str, "text")
_CHECKS: Final[dict[str, Callable[[str, Any], object]]] = {
    "ENABLED": _instance(bool, "True or False"),
    "STRICT": _instance(bool, "True or False"),
    "DIMENSIONS": _dimensions,
    "IGNORABLE_QUERY": _texts,
    "BYPASS_COOKIES": _texts,
    "VARYING_HEADERS": _texts,
    "SURROGATE_SECRET": _TEXT,
    "SURROGATE_CSRF": _instance(bool, "True or False"),
    "CACHE": _TEXT,
    "CONTEXT": _TEXT,
    "RELEASE": _TEXT,
    "MAX_AGE": _seconds,
    "STALE_WHILE_REVALIDATE": _seconds,
    "STALE_IF_ERROR": _seconds,
    "FRAGMENT_MAX_AGE": _seconds,
    "MAX_SHELL": _count,
    "MAX_NESTING": _count,
    "WORKERS": _count,
    "SECOND_PASS_SKIPS": _texts,
    "EDGES": _texts,
    "ADMIN_TOKEN": _TEXT,
    "PURGE_TIMEOUT": _seconds,
    "PURGE_WAIT": _seconds,
}


def _forget(*, setting: str, **_: object) -> None:
    if setting in {"TWOPASS", "SECRET_KEY", "DEBUG"}:
        _read.cache_clear()


setting_changed.connect(_forget, dispatch_uid="twopass.conf")
