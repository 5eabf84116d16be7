"""`manage.py check_release`: does the deployed release survive this one's migrations?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from ...changed import GitError
from ...compat import Break, OldModel, cached_shapes, dumps, loads
from ...phases import phase_of
from ...plan import Scope, load_plan
from ...project import load_settings, project_apps
from ...release import check_database, models_at, models_of, run_statements
from ...scratch import scratch_database

Key = tuple[str, str]


class Command(BaseCommand):
    """Runs the old release's statements against the new schema."""

    help = (
        "Migrate a scratch database to this release's `before` migrations and try the deployed "
        "release on it: its columns, its inserts, its cached rows."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--release", metavar="REF", help="git ref of the deployed release")
        parser.add_argument("--state", metavar="FILE", help="its recorded model state")
        parser.add_argument("--record", metavar="FILE", help="record this release's state and end")
        parser.add_argument("--database", default="default", help="server for the scratch database")

    def handle(self, *args: Any, **options: Any) -> None:
        settings, root = load_settings(Path.cwd())
        loader = MigrationLoader(None, ignore_no_migrations=True)
        labels = project_apps(loader, root)
        current = models_of(loader.project_state(loader.graph.leaf_nodes()), labels)
        if options["record"]:
            Path(options["record"]).write_text(
                dumps(current, frozenset(loader.disk_migrations)), encoding="utf-8"
            )
            self.stdout.write(f"{len(current)} models recorded in {options['record']}")
            return
        try:
            old, released = self._old(options, root, labels)
        except (GitError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        found = self._breaks(options["database"], old, self._late(labels, released))
        if not settings.schema_version_hook:
            found += cached_shapes(old, current, settings.cached_models)
        for item in found:
            self.stdout.write(f"{item.kind}: {item.message}")
        if found:
            raise CommandError(f"the deployed release breaks in {len(found)} places", returncode=1)
        self.stdout.write(f"{len(old)} models of the deployed release work with the new schema.")

    def _old(
        self, options: dict[str, Any], root: Path, labels: frozenset[str]
    ) -> tuple[tuple[OldModel, ...], frozenset[Key]]:
        if options["state"]:
            return loads(Path(options["state"]).read_text(encoding="utf-8"))
        if options["release"]:
            return models_at(options["release"], root, labels)
        raise ValueError("name the deployed release: --release REF, or --state FILE")

    def _late(self, labels: frozenset[str], released: frozenset[Key]) -> frozenset[Key]:
        """Return this release's migrations that run when the old one is gone."""
        plan = load_plan(Scope(labels))
        new = [m for m in plan.migrations if m.key not in released and m.declared_phase]
        return frozenset(m.key for m in new if phase_of(m) == "after")

    def _breaks(self, using: str, old: tuple[OldModel, ...], late: frozenset[Key]) -> list[Break]:
        """Migrate a scratch database, leaving out what runs after the deploy, and try it."""
        with scratch_database(using) as connection:
            executor = MigrationExecutor(connection)
            steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
            skipped: set[Key] = set(late)
            chosen = []
            for step, backwards in steps:
                key = (step.app_label, step.name)
                if key in skipped or skipped & set(step.dependencies):
                    skipped.add(key)
                else:
                    chosen.append((step, backwards))
            executor.migrate([(m.app_label, m.name) for m, _ in chosen], plan=chosen)
            found = check_database(connection, old)
            seen = {(item.table, item.kind) for item in found}
            ran = run_statements(connection, old)
            return found + [item for item in ran if (item.table, item.kind) not in seen]
