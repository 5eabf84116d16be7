"""The linter on a Django project: loads settings, plan and database facts, and judges.

`lint_project` is the library function behind the command and the system checks.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from . import baseline, checksums, configuration
from .changed import Changes, changes_since
from .database import assumed_database, missing_files, read_database
from .facts import Database, Plan
from .linter import Result, lint
from .plan import Scope, load_plan
from .settings import Settings

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What to lint: app labels (empty: those of the project), a git ref, a database alias."""

    app_labels: frozenset[str] = frozenset()
    since: str | None = None
    using: str | None = None
    keys: frozenset[Key] | None = None
    with_baseline: bool = True


def load_settings(root: Path) -> tuple[Settings, Path]:
    """Return the settings of the nearest pyproject.toml and the folder it stands in.

    What Django's `settings.MIGRATIONS_POLICY` says wins.
    """
    found = configuration.find(root)
    over = getattr(django_settings, "MIGRATIONS_POLICY", None)
    return configuration.load(found, over), found.parent if found else root


def lint_project(
    app_labels: Iterable[str] = (),
    *,
    since: str | None = None,
    using: str | None = None,
    settings: Settings | None = None,
    root: Path | None = None,
) -> Result:
    """Lint a project's migrations and return what was found.

    `using` names a database to ask for facts; without it they are assumed. Raises
    ConfigurationError, GitError, or what Django raises for broken migrations.
    """
    request = Request(frozenset(app_labels), since, using)
    return run(request, settings, root or Path.cwd())[0]


def run(request: Request, settings: Settings | None, root: Path) -> tuple[Result, Plan]:
    """Lint as requested; return the result and the plan it judged."""
    if settings is None:
        settings, root = load_settings(root)
    with collecting_rarely():
        plan, database = load(request, settings, root)
        known: frozenset[str] = frozenset()
        if settings.baseline and request.with_baseline:
            known = baseline.read(root / settings.baseline)
        return lint(plan, database, settings, baseline=known), plan


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for garbage after 200,000 new objects instead of 700.

    A rendered model is a web of cycles, and a long history renders thousands: looking through all
    of them again and again takes a quarter of a run.
    """
    young, *older = gc.get_threshold()
    if young:  # 0: somebody has switched it off
        gc.set_threshold(max(young, 200_000), *older)
    try:
        yield
    finally:
        gc.set_threshold(young, *older)


def load(request: Request, settings: Settings, root: Path) -> tuple[Plan, Database]:
    """Return the plan and the facts of the database."""
    connection = connections[request.using] if request.using else None
    loader = MigrationLoader(None, ignore_no_migrations=True)
    labels = request.app_labels or project_apps(loader, root)
    keys = request.keys
    deleted: tuple[tuple[str, str, str], ...] = ()
    if request.since:
        changes = changes_since(request.since, root)
        keys = changed_keys(loader, changes)
        deleted = deleted_keys(loader, changes, request.since)
    applied = None
    database = assumed_database(settings, session_time_zone())
    if connection is not None:
        applied = frozenset(MigrationRecorder(connection).applied_migrations())
        database = read_database(connection, settings)
        deleted += missing_files(connection, set(loader.disk_migrations), labels)
    scope = Scope(labels, keys)
    plan = load_plan(scope, loader=loader, version=database.version, applied=applied, root=root)
    return _completed(plan, request, settings, root, deleted), database


def _completed(
    plan: Plan,
    request: Request,
    settings: Settings,
    root: Path,
    missing: tuple[tuple[str, str, str], ...],
) -> Plan:
    """Add what comes from elsewhere: new tables of this release, records, lost files."""
    new = frozenset[str]()
    if request.since:
        new = frozenset().union(*(m.created_tables() for m in plan.migrations))
    recorded = checksums.read(root / settings.checksums) if settings.checksums else ()
    return replace(plan, new_tables=new, recorded_checksums=recorded, missing=missing)


def session_time_zone() -> str | None:
    """Return the time zone Django gives its sessions: UTC with USE_TZ, unless TIME_ZONE is set."""
    options = django_settings.DATABASES.get("default", {})
    if django_settings.USE_TZ:
        return str(options.get("TIME_ZONE") or "UTC").upper()
    return str(django_settings.TIME_ZONE).upper()


def project_apps(loader: MigrationLoader, root: Path) -> frozenset[str]:
    """Return the labels of apps whose migrations lie under `root`, outside site-packages."""
    first = {label: migration for (label, _), migration in loader.disk_migrations.items()}
    home = root.resolve()
    return frozenset(
        label
        for label, migration in first.items()
        if (path := file_of(migration))
        and path.is_relative_to(home)
        and "site-packages" not in path.parts
    )


def file_of(migration: Any) -> Path | None:
    """Return the resolved path of a migration's file."""
    try:
        return Path(inspect.getfile(type(migration))).resolve()
    except (TypeError, OSError):
        return None


def changed_keys(loader: MigrationLoader, changes: Changes) -> frozenset[Key]:
    """Return the migrations whose files are among the changed ones."""
    return frozenset(
        key
        for key, migration in loader.disk_migrations.items()
        if file_of(migration) in changes.present
    )


def deleted_keys(
    loader: MigrationLoader, changes: Changes, ref: str
) -> tuple[tuple[str, str, str], ...]:
    """Return (app, name, "in <ref>") for deleted files in folders of known apps."""
    folders = {
        path.parent: label
        for (label, _), migration in loader.disk_migrations.items()
        if (path := file_of(migration))
    }
    replaced = {key for m in loader.disk_migrations.values() for key in map(tuple, m.replaces)}
    found = []
    for path in sorted(changes.deleted):
        label = folders.get(path.parent, path.parent.parent.name)
        if (label, path.stem) not in replaced:
            found.append((label, path.stem, f"in {ref}"))
    return tuple(found)
