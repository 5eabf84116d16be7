"""Two migrations that are both the last of an app, or a max_migration.txt that disagrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..context import Context
from ..facts import Migration
from ..paste import Note
from ..rule import Example, Fails, Rule
from ..violation import Severity, Violation


def check(context: Context) -> Iterator[Violation]:
    """Find apps with more than one leaf, merges, and a stale max_migration.txt."""
    plan = context.plan
    apps = {migration.app_label for migration in plan.migrations}
    for app, names in plan.leaves:
        if len(names) > 1 and app in apps:
            yield _found(context, app, f"{app} has several last migrations: {', '.join(names)}")
    for app, said, real in plan.max_migrations:
        if said != real and app in apps:
            message = f"{app}'s max_migration.txt says {said!r}, the last migration is {real!r}"
            yield _found(context, app, message)
    if context.settings.linear_history:
        for migration in plan.migrations:
            own = [name for app, name in migration.dependencies if app == migration.app_label]
            if len(own) > 1:
                message = f"{migration.label} merges {' and '.join(own)}; keep the history linear"
                yield _found(context, migration.app_label, message, Severity.INFO, migration)


def _found(
    context: Context,
    app: str,
    message: str,
    severity: Severity | None = None,
    migration: Migration | None = None,
) -> Violation:
    place = migration or next(m for m in context.plan.migrations if m.app_label == app)
    note = Note("Rebase the newer migration: change its dependencies to the other, and its number.")
    found = context.found(message, recipe=(note,), source=place.source, severity=severity)
    return replace(found, app_label=app, migration=place.name)


RULE = Rule(
    "several-leaves",
    57,
    Severity.ERROR,
    "Has a history that is not linear",
    "migrate refuses to run with two leaves; with a merge the order of the two is chance, and not "
    "the same in production as in tests.",
    check,
    Example(
        'migrations.AddField("order", "gift", models.BooleanField(null=True))',
        Fails("Conflicting migrations detected"),
        attributes="twin",
        message="shop has several last migrations",
    ),
    lock="none: migrate refuses",
    scope="plan",
)
