"""`manage.py make_safe`: rewrite an unsafe migration by its recipes, and show the diff."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from django.db.migrations.exceptions import AmbiguityError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from ...database import assumed_database
from ...facts import Migration
from ...project import Request, file_of, load_settings, run, session_time_zone
from ...rewrite import CannotRewrite, Rewrite, diff, rewrite
from ...trial import judged
from ...violation import Severity

EPILOG = """
examples:
  make_safe shop 0042           show what would become of the migration
  make_safe shop 0042 --write   write it: the file itself, and new ones for its further steps

A migration that has been applied is not touched, nor one that others of its app depend on.
"""
WHEN = {"before": "before the deploy", "after": "after the deploy", None: "at any time"}


class Command(BaseCommand):
    """Rewrites a migration that has not been released yet."""

    help = "Rewrite the unsafe operations of a migration into safe ones and show the diff."
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs.setdefault("epilog", EPILOG)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("app_label")
        parser.add_argument("migration_name", help="name, or its beginning")
        parser.add_argument("--write", action="store_true", help="write the files")
        parser.add_argument("--database", default="default", help="asked whether it was applied")

    def handle(self, *args: Any, **options: Any) -> None:
        app, write = options["app_label"], options["write"]
        loader = MigrationLoader(None)
        name = self._name(loader, app, options["migration_name"])
        path = file_of(loader.disk_migrations[app, name])
        if path is None:
            raise CommandError(f"{app}.{name} has no file")
        settings, root = load_settings(Path.cwd())
        result, plan = run(Request(frozenset({app}), keys=frozenset({(app, name)})), settings, root)
        migration = plan.migrations[-1]
        recorded = {key for key, _ in plan.recorded_checksums}
        try:
            made = rewrite(migration, result.violations)
        except CannotRewrite as error:
            raise CommandError(str(error)) from error
        if not made.files:
            self._nothing(migration, made)
            return
        self._refuse_applied(options["database"], migration, recorded)
        self._refuse_dependants(loader, migration, made)
        targets = {file: path.with_name(f"{file.name}.py") for file in made.files}
        for file, target in targets.items():
            if file.name != name and target.exists():
                raise CommandError(f"{target} exists already; nothing was written")
        package = loader.migrations_module(app)[0]
        left = self._left(app, str(package), made, settings)
        self._show(migration, made)
        if write:
            for file, target in reversed(targets.items()):
                target.write_text(file.text, encoding="utf-8")
        self._sum_up(made, left, write)

    def _name(self, loader: MigrationLoader, app: str, given: str) -> str:
        if (app, given) in loader.disk_migrations:
            return given
        try:
            return str(loader.get_migration_by_prefix(app, given).name)
        except KeyError as error:
            raise CommandError(f"no migration of {app} starts with {given!r}") from error
        except AmbiguityError as error:
            raise CommandError(str(error)) from error

    def _nothing(self, migration: Migration, made: Rewrite) -> None:
        if not made.left:
            self.stdout.write(f"{migration.label}: nothing to rewrite.")
            return
        reasons = "\n".join(
            f"  [{item.violation.rule}] {item.violation.message}: {item.reason}"
            for item in made.left
        )
        raise CommandError(
            f"{migration.label} cannot be rewritten; follow the recipes that lint_migrations "
            f"shows:\n{reasons}"
        )

    def _refuse_applied(self, using: str, migration: Migration, recorded: set[Any]) -> None:
        if migration.key in recorded:
            raise CommandError(f"{migration.label} was released (it has a recorded checksum)")
        try:
            applied = MigrationRecorder(connections[using]).applied_migrations()
        except (DatabaseError, ImproperlyConfigured) as error:
            reason = str(error).partition("\n")[0]
            self.stderr.write(f"The database was not asked whether it was applied: {reason}")
            return
        if migration.key in applied:
            raise CommandError(
                f"{migration.label} has been applied to {using!r}: write a new migration instead"
            )

    def _refuse_dependants(self, loader: Any, migration: Migration, made: Rewrite) -> None:
        """Whoever depends on the migration would no longer depend on all of it."""
        if len(made.files) == 1:
            return
        children = sorted(child.key for child in loader.graph.node_map[migration.key].children)
        names = ", ".join(".".join(key) for key in children)
        if any(app == migration.app_label for app, _ in children):
            raise CommandError(
                f"{migration.label} is not the last of its app: {names} would need other "
                "dependencies"
            )
        if names:
            last = f"{migration.app_label}.{made.files[-1].name}"
            self.stderr.write(f"Let {names} depend on {last} instead of {migration.label}.")

    def _left(self, app: str, package: str, made: Rewrite, settings: Any) -> list[str]:
        """Lint what would be written; return the errors that are left, which were not before."""
        known = {item.violation.rule for item in made.left}
        database = assumed_database(settings, session_time_zone())
        try:
            found = judged(app, package, made.files, database, settings)
        except Exception as error:
            raise CommandError(
                f"what it would write cannot be loaded, so nothing was written: {error!r}"
            ) from error
        return [
            f"{v.label} [{v.rule}] {v.message}"
            for v in found
            if v.severity >= Severity.ERROR and v.rule not in known
        ]

    def _show(self, migration: Migration, made: Rewrite) -> None:
        for file in made.files:
            shown = Path(migration.source.path).with_name(f"{file.name}.py").as_posix()
            old = migration.source.text if file.name == migration.name else ""
            self.stdout.write(diff(shown, old, file.text))

    def _sum_up(self, made: Rewrite, left: list[str], write: bool) -> None:
        phase_before: str | None = None
        for file in made.files:
            is_turn = (phase_before, file.phase) == ("after", "before")
            turn = " of the next release" if is_turn else ""
            self.stdout.write(f"{file.name}: {WHEN[file.phase]}{turn}")
            phase_before = file.phase or phase_before
        for item in made.left:
            self.stdout.write(
                f"Left as it is: [{item.violation.rule}] {item.violation.message}: {item.reason}"
            )
        for line in left:
            self.stdout.write(f"Still found in it: {line}")
        self.stdout.write("Written." if write else "Nothing was written; add --write.")
