"""`manage.py lint_migrations`: judge migrations before they run."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ... import baseline, checksums
from ...changed import GitError
from ...configuration import ConfigurationError
from ...linter import Result
from ...project import Request, load_settings, run
from ...report import FORMATS
from ...tracing import trace_plan
from ...violation import Severity

EPILOG = """
examples:
  lint_migrations                         all apps of the project, without a database
  lint_migrations shop --database default one app, asking the database for rows, versions, heat
  lint_migrations --since origin/main     only what this branch adds or changes
  lint_migrations --trace --since HEAD~1  and run it on a scratch database
  lint_migrations --write-baseline        accept what is there today; only new sins count

exit status: 0 nothing at or above the fail level, 1 violations, 2 the run itself failed
"""
ERROR_STATUS = 2


class Command(BaseCommand):
    """Judges migrations before they run."""

    help = "Find migrations that would stop the shop, or break the release that still runs."
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs.setdefault("epilog", EPILOG)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: Any) -> None:
        levels = [str(level) for level in Severity]
        parser.add_argument("apps", nargs="*", help="app labels (default: the project's own)")
        parser.add_argument("--since", metavar="REF", help="only files that differ from a git ref")
        parser.add_argument("--format", choices=sorted(FORMATS), default="text")
        parser.add_argument("--output", metavar="FILE", help="write the report here")
        parser.add_argument("--database", metavar="ALIAS", help="ask this database for facts")
        parser.add_argument("--fail-level", choices=levels, help="lowest severity that fails")
        parser.add_argument("--trace", action="store_true", help="run on a scratch database")
        parser.add_argument("--trace-rows", type=int, default=1000, help="rows in scratch tables")
        parser.add_argument("--write-baseline", action="store_true", help="accept what is found")
        parser.add_argument("--no-baseline", action="store_true", help="show old sins as well")
        parser.add_argument("--record", action="store_true", help="record files as released")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self._lint(options)
        except (ConfigurationError, GitError, ValueError) as error:
            raise CommandError(str(error), returncode=ERROR_STATUS) from error
        if result is None:
            return
        report = FORMATS[options["format"]](result)
        if options["output"]:
            Path(options["output"]).write_text(report, encoding="utf-8")
        else:
            self.stdout.write(report, ending="")
        if result.at_least(self.fail_level):
            raise SystemExit(1)

    def _lint(self, options: dict[str, Any]) -> Result | None:
        settings, root = load_settings(Path.cwd())
        self.fail_level = settings.fail_level
        if options["fail_level"]:
            self.fail_level = Severity.named(options["fail_level"])
        request = Request(
            frozenset(options["apps"]),
            options["since"],
            options["database"],
            with_baseline=not (options["no_baseline"] or options["write_baseline"]),
        )
        result, plan = run(request, settings, root)
        if options["write_baseline"]:
            path = root / (settings.baseline or "migrations-baseline.txt")
            count = baseline.write(path, result.violations)
            self.stdout.write(f"{count} known violations written to {path}")
            return None
        if options["record"]:
            path = root / (settings.checksums or "migrations-checksums.json")
            checksums.write(path, plan.migrations)
            self.stdout.write(f"{len(plan.migrations)} migrations recorded in {path}")
            return None
        if options["trace"]:
            keys = [migration.key for migration in plan.migrations]
            traces = trace_plan(options["database"] or "default", keys, rows=options["trace_rows"])
            result = replace(result, traces=traces)
        return result
