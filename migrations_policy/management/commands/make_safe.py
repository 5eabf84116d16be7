"""`manage.py make_safe`: rewrite an unsafe migration by its recipes, and show the diff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.migrations.loader import MigrationLoader

from ...facts import Migration
from ...project import Request, file_of, load_settings, run
from ...rewrite import CannotRewrite, File, diff, rewrite


class Command(BaseCommand):
    """Rewrites a migration that has not been released yet."""

    help = (
        "Rewrite the unsafe operations of a migration into safe ones and show the diff. "
        "Example: make_safe shop 0042 --write"
    )
    requires_system_checks = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("app_label")
        parser.add_argument("migration_name", help="name, or its beginning")
        parser.add_argument("--write", action="store_true", help="write the files")

    def handle(self, *args: Any, **options: Any) -> None:
        app = options["app_label"]
        loader = MigrationLoader(None)
        try:
            name = loader.get_migration_by_prefix(app, options["migration_name"]).name
        except (KeyError, LookupError) as error:
            raise CommandError(f"no migration of {app} starts with {error}") from error
        if (app, name) not in loader.graph.leaf_nodes(app):
            raise CommandError(f"{app}.{name} is not the last of its app; later ones depend on it")
        path = file_of(loader.disk_migrations[app, name])
        if path is None:
            raise CommandError(f"{app}.{name} has no file")
        settings, root = load_settings(Path.cwd())
        result, plan = run(Request(frozenset({app}), keys=frozenset({(app, name)})), settings, root)
        migration: Migration = plan.migrations[-1]
        try:
            files = rewrite(migration, result.violations)
        except CannotRewrite as error:
            raise CommandError(str(error)) from error
        for file in files:
            self._show(file, path.with_name(f"{file.name}.py"), migration, options["write"])
        if not options["write"]:
            self.stdout.write("Nothing was written; add --write.")

    def _show(self, file: File, path: Path, migration: Migration, write: bool) -> None:
        old = migration.source.text if file.name == migration.name else ""
        if not old and path.exists():
            raise CommandError(f"{path} exists already")
        shown = Path(migration.source.path).with_name(path.name).as_posix()
        self.stdout.write(diff(shown, old, file.text))
        if write:
            path.write_text(file.text, encoding="utf-8")
