"""`DATABASE_ROUTERS = ["dbrouting.router.ReplicaRouter"]`: which reads may go to replicas.

Those of models that say so (`reads_from_replica = True`, or their name or app in
DBROUTING["MODELS"]), of querysets with `using_replica()`, and of everything inside
`replica_reads()` and `first_pass_reads()`. All else, and all of it inside `atomic` or after a
write of the same unit of work, stays on the primary. Put it last if there are other routers.
"""

from typing import Any

from django.conf import settings as django_settings
from django.db import connections
from django.db.models import Model

from .conf import Settings, get_settings
from .primary import install, owns_reads
from .units import Intent, current_intent, current_unit

ENGINE = "dbrouting.backends.postgresql"


class ReplicaRouter:
    """Django's router interface over one primary and one replica alias."""

    def __init__(self) -> None:
        install()
        self._declared: dict[type[Model], bool] = {}
        self._declared_for: Settings | None = None
        self._is_degraded: bool | None = None

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """The replica alias if this read may go there, else the primary's."""
        settings = get_settings()
        if self._is_foreign(settings, hints):
            return None
        if self.is_degraded(settings) or not self._may_use_replica(settings, model, hints):
            return settings.primary
        unit = current_unit()
        if (unit.has_written and unit.is_declared) or owns_reads(connections[settings.primary]):
            return settings.primary
        return settings.replica

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        """Always the primary's; also of objects read from a replica."""
        settings = get_settings()
        return None if self._is_foreign(settings, hints) else settings.primary

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool | None:
        """Objects of the primary and of its replicas belong together."""
        settings = get_settings()
        ours = {settings.primary, settings.replica, None}
        return True if {obj1._state.db, obj2._state.db} <= ours else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Nothing is migrated on replicas: it arrives there by itself."""
        return False if db == get_settings().replica else None

    def is_degraded(self, settings: Settings) -> bool:
        """Are there no replicas here (SQLite in development), so that the primary reads all?"""
        if self._is_degraded is None or self._declared_for is not settings:
            self._declared_for = settings
            self._declared = {}
            replica = django_settings.DATABASES.get(settings.replica, {})
            self._is_degraded = (
                replica.get("ENGINE") != ENGINE
                or connections[settings.primary].vendor != "postgresql"
            )
        return self._is_degraded

    def _is_foreign(self, settings: Settings, hints: dict[str, Any]) -> bool:
        """Does the object at hand live in a database that is not ours to route?"""
        instance = hints.get("instance")
        alias = instance._state.db if instance is not None else None
        return alias is not None and alias not in (settings.primary, settings.replica)

    def _may_use_replica(
        self, settings: Settings, model: type[Model], hints: dict[str, Any]
    ) -> bool:
        match current_intent():
            case Intent.PRIMARY:
                return False
            case Intent.REPLICA:
                return True
            case Intent.DECLARED:
                return bool(hints.get("replica")) or self._is_declared(settings, model)

    def _is_declared(self, settings: Settings, model: type[Model]) -> bool:
        known = self._declared.get(model)
        if known is None:
            known = self._declared[model] = is_declared(settings, model)
        return known


def is_declared(settings: Settings, model: type[Model]) -> bool:
    """May reads of this model lag a little: by its attribute, else by DBROUTING["MODELS"]?"""
    attribute = getattr(model, "reads_from_replica", None)
    if attribute is not None:
        return bool(attribute)
    named = {name.lower() for name in settings.models}
    return model._meta.app_label.lower() in named or model._meta.label_lower in named
