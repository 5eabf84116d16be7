"""`manage.py migrate_guarded`: migrate that gives up before visitors notice."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from ...guard import Guard, GuardRefused, Options
from ...guard.limits import Limits
from ...guard.retry import Backoff
from ...project import Request, load_settings, run

EPILOG = """
examples:
  migrate_guarded --phase before     what the new release needs, while the old one runs
  migrate_guarded --phase after      what only the old release needed, when it is gone
  migrate_guarded shop 0042          up to one migration
  migrate_guarded --allow drop-column   one rule overridden, and logged

A run that failed is simply run again: it goes on where it stopped. Nothing is ever killed.
"""


class Command(BaseCommand):
    """Applies migrations under limits, with retries, by deploy phase."""

    help = (
        "Migrate under lock and statement timeouts, with retries; refuse what the linter forbids."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs.setdefault("epilog", EPILOG)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("app_label", nargs="?", help="only this app (and what it needs)")
        parser.add_argument("migration_name", nargs="?", help="up to this migration")
        parser.add_argument("--database", default="default")
        parser.add_argument("--phase", choices=["before", "after"], help="default: both")
        parser.add_argument("--lock-timeout", type=float, default=2.0, metavar="SECONDS")
        parser.add_argument("--statement-timeout", type=float, default=10.0, metavar="SECONDS")
        parser.add_argument("--tries", type=int, default=10, help="tries for each migration")
        parser.add_argument("--max-lag", type=float, default=5.0, metavar="SECONDS")
        parser.add_argument("--lag-patience", type=float, default=300.0, metavar="SECONDS")
        parser.add_argument("--allow", action="append", default=[], metavar="RULE")
        parser.add_argument("--force", action="store_true", help="run whatever the linter says")

    def handle(self, *args: Any, **options: Any) -> None:
        settings, root = load_settings(Path.cwd())
        using = options["database"]
        targets = self._targets(using, options["app_label"], options["migration_name"])
        executor = MigrationExecutor(connections[using])
        pending = executor.migration_plan(targets or executor.loader.graph.leaf_nodes())
        keys = frozenset((step.app_label, step.name) for step, _ in pending)
        labels = frozenset(app for app, _ in keys) or frozenset({""})
        judged, plan = run(Request(labels, using=using, keys=keys), settings, root)
        hooks = tuple(filter(None, [*settings.hooks, settings.schema_version_hook]))
        guard = Guard(
            Options(
                using,
                options["phase"],
                Limits(
                    int(options["lock_timeout"] * 1000), int(options["statement_timeout"] * 1000)
                ),
                Backoff(options["tries"]),
                options["max_lag"],
                options["lag_patience"],
                frozenset(options["allow"]),
                options["force"],
                hooks,
            ),
            judged,
            {migration.key: migration for migration in plan.migrations},
            self._say,
        )
        try:
            applied = guard.run(targets)
        except GuardRefused as error:
            raise CommandError(str(error)) from error
        if applied:
            self._say(f"{len(applied)} migrations applied.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _targets(
        self, using: str, app: str | None, name: str | None
    ) -> list[tuple[str, str | None]] | None:
        if app is None:
            return None
        try:
            apps.get_app_config(app)
        except LookupError as error:
            raise CommandError(str(error)) from error
        loader = MigrationExecutor(connections[using]).loader
        if name is None:
            return [key for key in loader.graph.leaf_nodes() if key[0] == app]
        try:
            migration = loader.get_migration_by_prefix(app, name)
        except KeyError as error:
            raise CommandError(f"no migration of {app} starts with {name!r}") from error
        return [(app, migration.name)]
