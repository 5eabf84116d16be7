"""The deployed release's models: from its migrations at a git ref, or from a recorded state."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.migrations.loader import MigrationLoader
from django.db.utils import DatabaseError

from .changed import git
from .collect import offline_connection
from .compat import Break, OldColumn, OldModel, compare
from .database import read_database
from .project import file_of
from .settings import Settings

Key = tuple[str, str]


def models_of(state: Any, labels: frozenset[str], version: int = 14) -> tuple[OldModel, ...]:
    """Return the models of a project state as a snapshot."""
    connection = offline_connection(version)
    found = []
    for (label, _), _model in sorted(state.models.items()):
        if labels and label not in labels:
            continue
        model = state.apps.get_model(label, _model.name)
        if model._meta.managed and not model._meta.proxy:
            columns = tuple(
                OldColumn(
                    field.column,
                    bool(field.null),
                    field.has_db_default(),
                    str(field.db_type(connection)),
                )
                for field in model._meta.local_fields
                if field.column
            )
            found.append(OldModel(model._meta.label, model._meta.db_table, columns))
    return tuple(found)


def released_keys(loader: MigrationLoader, ref: str, root: Path) -> frozenset[Key]:
    """Return the migrations whose files exist at the git ref. Raises GitError."""
    top = Path(git("rev-parse", "--show-toplevel", cwd=root).strip()).resolve()
    listed = git("ls-tree", "-r", "--name-only", "-z", "--end-of-options", ref, cwd=top)
    present = {(top / name) for name in listed.split("\0") if name}
    found = set()
    for key, migration in loader.disk_migrations.items():
        path = file_of(migration)
        is_outside = path is None or not path.is_relative_to(top) or "site-packages" in path.parts
        if is_outside or path in present:
            found.add(key)
    return frozenset(found)


def models_at(
    ref: str, root: Path, labels: frozenset[str] = frozenset()
) -> tuple[tuple[OldModel, ...], frozenset[Key]]:
    """Return the deployed release's models and migrations, from its migration files at a git ref.

    The files of the ref are used, not today's, so later edits do not matter. Raises GitError.
    """
    loader = MigrationLoader(None, ignore_no_migrations=True)
    keys = released_keys(loader, ref, root)
    with _checked_out(loader, ref, root):
        old = MigrationLoader(None, ignore_no_migrations=True)
        state = old.project_state(old.graph.leaf_nodes())
        return models_of(state, labels), keys


@contextmanager
def _checked_out(loader: MigrationLoader, ref: str, root: Path) -> Iterator[None]:
    """Let Django read the migrations of the ref, exported into a temporary folder."""
    top = Path(git("rev-parse", "--show-toplevel", cwd=root).strip()).resolve()
    before = settings.MIGRATION_MODULES
    modules = dict(before)
    with tempfile.TemporaryDirectory(prefix="policy-release-") as temporary:
        folder = Path(temporary)
        for label in loader.migrated_apps:
            path = next(
                (file_of(m) for (app, _), m in loader.disk_migrations.items() if app == label), None
            )
            if path is None or not path.is_relative_to(top) or "site-packages" in path.parts:
                continue
            package = f"policy_release_{abs(hash((temporary, label)))}_{label}"
            _export(ref, top, path.parent.relative_to(top), folder / package)
            modules[label] = package
        sys.path.insert(0, temporary)
        settings.MIGRATION_MODULES = modules
        try:
            yield
        finally:
            settings.MIGRATION_MODULES = before
            sys.path.remove(temporary)


def _export(ref: str, top: Path, source: Path, target: Path) -> None:
    target.mkdir()
    (target / "__init__.py").write_text("", encoding="utf-8")
    names = git("ls-tree", "--name-only", "-z", ref, f"{source.as_posix()}/", cwd=top).split("\0")
    for name in names:
        if name.endswith(".py"):
            text = git("show", f"{ref}:{name}", cwd=top)
            (target / Path(name).name).write_text(text, encoding="utf-8")


def check_database(connection: Any, models: tuple[OldModel, ...]) -> list[Break]:
    """Return what the old models meet in a real, migrated (scratch) database, statically."""
    tables = read_database(connection, Settings()).tables
    return compare(models, {name: table.columns for name, table in tables.items()})


def run_statements(connection: Any, models: tuple[OldModel, ...]) -> list[Break]:
    """Run the old release's SELECT, INSERT, UPDATE and DELETE for each model, rolled back.

    INSERT fills NOT NULL columns without default by a sample of their type; foreign keys and
    other constraints are not what is asked here, so triggers are off.
    """
    found = []
    for model in models:
        for kind, sql in statements_of(model, connection.ops.quote_name):
            error = _attempt(connection, sql)
            if error:
                message = f"{model.label}: {kind} of the old release fails: {error}"
                found.append(Break(model.label, model.table, kind, None, message))
    return found


SAMPLES = {
    "boolean": "true",
    "date": "date '2020-01-01'",
    "time": "time '00:00'",
    "interval": "interval '1 s'",
    "uuid": "'00000000-0000-0000-0000-000000000001'",
    "jsonb": "'{}'",
    "bytea": "''",
    "inet": "'10.0.0.1'",
}


def sample(kind: str) -> str:
    """Return an SQL value of the type."""
    base = kind.split("(")[0].split()[0]
    if kind.endswith("[]"):
        return "'{}'"
    if base == "timestamp" or base == "timestamptz":
        return "timestamptz '2020-01-01'"
    if base in {"varchar", "text", "char", "citext"}:
        return "''"
    return SAMPLES.get(base, "1")


def statements_of(model: OldModel, quote: Any) -> list[tuple[str, str]]:
    """Return the statements Django would write for the old model, as it writes them."""
    table = quote(model.table)
    names = [quote(column.name) for column in model.columns]
    # Identity columns are left out, as Django leaves out an unset primary key.
    given = [c for c in model.columns if c.name != "id" and not c.has_db_default]
    columns = ", ".join(quote(c.name) for c in given)
    values = ", ".join("NULL" if c.nullable else sample(c.type) for c in given)
    assignments = ", ".join(f"{name} = {name}" for name in names)
    insert = f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608  # quoted names
    if not given:
        insert = f"INSERT INTO {table} DEFAULT VALUES"
    return [
        ("select", f"SELECT {', '.join(names)} FROM {table} LIMIT 1"),  # noqa: S608  # quoted names
        ("insert", insert),
        ("update", f"UPDATE {table} SET {assignments} WHERE false"),  # noqa: S608  # quoted names
        ("delete", f"DELETE FROM {table} WHERE false"),  # noqa: S608  # quoted names
    ]


class _RolledBack(Exception):
    """Ends a successful attempt without keeping its rows."""


def _attempt(connection: Any, sql: str) -> str | None:
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(sql)
            raise _RolledBack
    except _RolledBack:
        return None
    except DatabaseError as error:
        return str(error).splitlines()[0]
