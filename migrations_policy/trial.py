"""Lints rewritten migrations before they are written into the app."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.migrations.loader import MigrationLoader

from .facts import Database
from .linter import lint
from .plan import Scope, load_plan
from .rewrite import File
from .settings import Settings
from .violation import Violation

Key = tuple[str, str]


class Loader(MigrationLoader):
    """Django's loader, with some migrations in place of those on disk, or beside them."""

    def __init__(self, instead: dict[Key, Any]) -> None:
        self.instead = instead
        super().__init__(None, ignore_no_migrations=True)

    def load_disk(self) -> None:
        """Load the app's files, then put the others in."""
        super().load_disk()
        self.disk_migrations.update(self.instead)


@contextmanager
def loaded(app_label: str, package: str, files: Iterable[File]) -> Iterator[dict[Key, Any]]:
    """Import the files as modules of the app's migrations package, from a temporary folder.

    Raises whatever importing them raises.
    """
    found: dict[Key, Any] = {}
    before = {}
    with tempfile.TemporaryDirectory(prefix="policy-rewrite-") as folder:
        try:
            for file in files:
                path = Path(folder) / f"{file.name}.py"
                path.write_text(file.text, encoding="utf-8")
                name = f"{package}.{file.name}"
                spec = importlib.util.spec_from_file_location(name, path)
                assert spec is not None
                assert spec.loader is not None, "a .py file has a loader"
                module = importlib.util.module_from_spec(spec)
                before[name] = sys.modules.get(name)
                sys.modules[name] = module
                spec.loader.exec_module(module)
                found[app_label, file.name] = module.Migration(file.name, app_label)
            yield found
        finally:
            for name, module_before in before.items():
                del sys.modules[name]
                if module_before is not None:
                    sys.modules[name] = module_before


def judged(
    app_label: str, package: str, files: Iterable[File], database: Database, settings: Settings
) -> tuple[Violation, ...]:
    """Return what the linter finds in the files, as if they were written."""
    with loaded(app_label, package, files) as instead:
        plan = load_plan(
            Scope(frozenset({app_label})), loader=Loader(instead), version=database.version
        )
        found = lint(plan, database, settings).violations
    names = {name for _, name in instead}
    return tuple(v for v in found if v.app_label == app_label and v.migration in names)
