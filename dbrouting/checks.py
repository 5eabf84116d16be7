"""System checks for set-ups that would not do what they seem to."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from .conf import Settings, parse
from .nodes import parse_nodes, primary_nodes
from .router import ENGINE, ReplicaRouter

_ROUTER = "dbrouting.router.ReplicaRouter"
_MIDDLEWARE = "dbrouting.middleware.ReplicaMiddleware"
_SESSION_PIN = "dbrouting.middleware.SessionPinMiddleware"
_SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


def register_all() -> None:
    """Have `manage.py check` run them."""
    checks.register(check_setup)


def check_setup(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """All checks; settings only, no connection is made."""
    try:
        settings = parse(getattr(django_settings, "DBROUTING", {}))
    except (ImproperlyConfigured, TypeError) as error:
        return [
            checks.Error(
                f"DBROUTING is wrong: {error}", hint="See docs/dbrouting.md.", id="dbrouting.E001"
            )
        ]
    return [
        *_check_aliases(settings),
        *_check_hosts(settings),
        *_check_primary(settings),
        *_check_routers(settings),
        *_check_middleware(settings),
    ]


def _check_aliases(settings: Settings) -> Iterator[checks.CheckMessage]:
    databases = django_settings.DATABASES
    if settings.primary not in databases:
        yield checks.Error(
            f"DATABASES has no alias {settings.primary!r}, which DBROUTING['PRIMARY'] names.",
            id="dbrouting.E002",
        )
    engine = databases.get(settings.replica, {}).get("ENGINE", ENGINE)
    if engine != ENGINE:
        yield checks.Warning(
            f"DATABASES[{settings.replica!r}] has ENGINE {engine!r}, so all reads stay on the"
            f" primary.",
            hint=f"Use ENGINE {ENGINE!r}, or drop the alias where there are no replicas.",
            id="dbrouting.W001",
        )


def _check_hosts(settings: Settings) -> Iterator[checks.CheckMessage]:
    replica = django_settings.DATABASES.get(settings.replica, {})
    if replica.get("ENGINE") != ENGINE:
        return
    try:
        nodes = parse_nodes(replica.get("REPLICAS"), str(replica.get("PORT", "")))
    except (ImproperlyConfigured, ImportError) as error:
        yield checks.Error(
            f"DATABASES[{settings.replica!r}]: {error}",
            hint="REPLICAS is a list such as ['db2.internal', 'db3.internal:5433'].",
            id="dbrouting.E003",
        )
        return
    if not nodes:
        yield checks.Warning(
            f"DATABASES[{settings.replica!r}]['REPLICAS'] is empty, so the primary serves all"
            f" reads, under the limit of fallbacks.",
            id="dbrouting.W002",
        )
    if nodes and all(node.weight == 0 for node in nodes):
        yield checks.Warning("Every replica has WEIGHT 0.", id="dbrouting.W003")
    if settings.zone and settings.zone not in {node.zone for node in nodes}:
        yield checks.Warning(
            f"DBROUTING['ZONE'] is {settings.zone!r}, but no replica has that ZONE.",
            id="dbrouting.W004",
        )


def _check_primary(settings: Settings) -> Iterator[checks.CheckMessage]:
    primary: dict[str, Any] = dict(django_settings.DATABASES.get(settings.primary, {}))
    if "postgresql" not in primary.get("ENGINE", ""):
        return
    host, port = str(primary.get("HOST", "")), str(primary.get("PORT", ""))
    try:
        hosts = primary_nodes(host, port)
    except ValueError:
        yield checks.Error(
            f"DATABASES[{settings.primary!r}] has HOST {host!r} and PORT {port!r}, lists of"
            f" different lengths.",
            id="dbrouting.E004",
        )
        return
    options: dict[str, Any] = dict(primary.get("OPTIONS") or {})
    attrs = options.get("target_session_attrs")
    if len(hosts) > 1 and attrs not in ("read-write", "primary"):
        yield checks.Error(
            f"DATABASES[{settings.primary!r}] has several hosts, and libpq would take the first"
            f" that answers, replica or not.",
            hint="Set OPTIONS {'target_session_attrs': 'read-write'}.",
            id="dbrouting.E005",
        )
    if primary.get("ENGINE") == ENGINE:
        yield checks.Error(
            f"DATABASES[{settings.primary!r}] uses ENGINE {ENGINE!r}, which is for replicas.",
            hint="The primary keeps 'django.db.backends.postgresql'.",
            id="dbrouting.E006",
        )


def _check_routers(settings: Settings) -> Iterator[checks.CheckMessage]:
    has_replicas = settings.replica in django_settings.DATABASES
    routers = django_settings.DATABASE_ROUTERS
    is_there = any(r == _ROUTER or isinstance(r, ReplicaRouter) for r in routers)
    if has_replicas and not is_there:
        yield checks.Warning(
            "There are replicas, but nothing is routed to them.",
            hint=f"Add {_ROUTER!r} to DATABASE_ROUTERS.",
            id="dbrouting.W005",
        )
    if is_there and routers[-1] != _ROUTER and not isinstance(routers[-1], ReplicaRouter):
        yield checks.Warning(
            "ReplicaRouter answers for every model, so routers after it are never asked.",
            hint="Put it last in DATABASE_ROUTERS.",
            id="dbrouting.W006",
        )


def _check_middleware(settings: Settings) -> Iterator[checks.CheckMessage]:
    if settings.replica not in django_settings.DATABASES:
        return
    middleware = list(django_settings.MIDDLEWARE)
    if _MIDDLEWARE not in middleware:
        yield checks.Warning(
            "Visitors may not see their own writes: no middleware carries their pin.",
            hint=f"Put {_MIDDLEWARE!r} first in MIDDLEWARE.",
            id="dbrouting.W007",
        )
        return
    if _SESSIONS in middleware and middleware.index(_SESSIONS) < middleware.index(_MIDDLEWARE):
        yield checks.Warning(
            "ReplicaMiddleware runs inside SessionMiddleware and so misses the session's write.",
            hint="Put it before SessionMiddleware.",
            id="dbrouting.W008",
        )
    if _SESSION_PIN in middleware and (
        _SESSIONS not in middleware or middleware.index(_SESSION_PIN) < middleware.index(_SESSIONS)
    ):
        yield checks.Error(
            "SessionPinMiddleware needs the session.",
            hint="Put it after SessionMiddleware.",
            id="dbrouting.E007",
        )
