"""A cached model changes its shape: rows and fragments cached by the old release do not fit."""

from __future__ import annotations

from collections.abc import Iterator

from ..context import Context
from ..paste import Note
from ..rule import Example, NotShown, Rule
from ..violation import Severity, Violation

KINDS = {"AddField", "RemoveField", "AlterField", "RenameField", "RenameModel", "DeleteModel"}
SAFE = {"RenameFieldSafely", "RemoveFieldSafely", "RemoveModelSafely", "SetNotNullSafely"}


def check(context: Context) -> Iterator[Violation]:
    """Find changed models that are cached, without a hook that changes the cache's version."""
    operation = context.operation
    model = operation.before or operation.after
    if operation.kind not in KINDS | SAFE or model is None or not operation.in_state:
        return
    label = f"{model.app_label}.{model.name}".lower()
    if label not in context.settings.cached_models or context.settings.schema_version_hook:
        return
    yield context.found(
        f"{label} is cached: the old release reads rows and fragments of the new shape, and the "
        "new one those of the old",
        recipe=(
            Note(
                "Put a schema version into the cache keys, and let migrate_guarded raise it: "
                'schema_version_hook = "shop.caches.bump" in [tool.migrations_policy].'
            ),
        ),
        table=model.table,
    )


RULE = Rule(
    "cached-shape",
    65,
    Severity.WARNING,
    "Changes the shape of a cached model",
    "Unpickling an object without a field it should have fails only when the field is read, far "
    "away from the migration; no database lock shows it.",
    check,
    Example(
        'migrations.AddField("order", "gift", models.BooleanField(null=True))',
        NotShown(
            "The database is not involved; what fails is reading a cached object. The tests of "
            "compat show it: an object pickled by the old models, read by the new ones."
        ),
        message="shop.order is cached",
        cached=("shop.order",),
    ),
    lock="none",
)
