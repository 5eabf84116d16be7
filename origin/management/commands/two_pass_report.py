"""`manage.py two_pass_report`: the two-pass routes, a page explained, data caches, a leak test."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.test import Client

from origin.conf import Settings, get_settings
from origin.datacache import declarations, tree
from origin.datacache.dependencies import observing
from origin.report import explain, leaks, routes
from origin.report.asking import ask, logged

_EXAMPLES: Final = """
examples:
  manage.py two_pass_report
      every view marked @two_pass, and the holes of its templates
  manage.py two_pass_report --explain /product/42/
      renders the page for nobody: bytes, holes, groups, the data it is made of, or why it is
      passed
  manage.py two_pass_report --explain https://shop.example/ --cookie currency=USD
      the same for one value of a dimension
  manage.py two_pass_report --data
      every declaration of the data caches: how long, which groups, which shape
  manage.py two_pass_report --leak-test / /product/42/ --as ada --as eve
      renders pages for two users; exit status 1 when a byte differs

All take --json. Nothing is saved: the leak test's sessions are taken back.
"""


class Command(BaseCommand):
    """Report on two-pass pages."""

    help = "Show which pages are rendered in two passes, and what of them is a visitor's own."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Keep the line breaks of the examples."""
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, epilog=_EXAMPLES, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("--json", action="store_true", help="for programs")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--explain", metavar="URL", help="a path, or a URL with its host")
        what.add_argument("--data", action="store_true", help="what the data caches keep")
        what.add_argument("--leak-test", nargs="+", metavar="URL", help="paths, or URLs")
        parser.add_argument(
            "--cookie",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="with --explain: the value of a dimension",
        )
        parser.add_argument(
            "--as",
            action="append",
            default=[],
            dest="users",
            metavar="USER",
            help="with --leak-test: one of two users (give it twice) [the first two there are]",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run. Raises CommandError; SystemExit(1) for a leak or a page that is passed."""
        conf = get_settings()
        if options["explain"]:
            self._explain(options, conf)
        elif options["leak_test"]:
            self._test_leaks(options, conf)
        elif options["data"]:
            data = declarations.rows()
            self._say(options, data, declarations.as_table(data))
        else:
            found = routes.rows(conf)
            text = routes.as_table(found)
            self._say(options, [row.to_json() for row in found], text)

    def _explain(self, options: dict[str, Any], conf: Settings) -> None:
        client = Client()
        for cookie in options["cookie"]:
            name, mark, value = cookie.partition("=")
            if not mark or not name:
                raise CommandError(f"--cookie {cookie!r}: write NAME=VALUE")
            client.cookies[name] = value
        try:
            with observing() as readings, logged() as log:
                answer = ask(client, options["explain"], "first", conf)
        except ValueError as error:
            raise CommandError(str(error)) from error
        document = explain.as_json(answer, log, conf, tree.as_json(readings))
        self._say(options, document, explain.as_text(answer, log, conf, tree.as_lines(readings)))
        if answer.shell is None:
            raise SystemExit(1)

    def _test_leaks(self, options: dict[str, Any], conf: Settings) -> None:
        try:
            users = leaks.two_users(options["users"])
            verdicts = leaks.compare(options["leak_test"], users, conf)
        except (LookupError, ValueError) as error:
            raise CommandError(str(error)) from error
        lines: list[str] = []
        for verdict in verdicts:
            detail = f" ({verdict.passed})" if verdict.passed else ""
            lines.append(f"{verdict.word:<10} {verdict.url}{detail}")
            lines += [f"           {leak}" for leak in verdict.leaks]
        self._say(options, [verdict.to_json() for verdict in verdicts], "\n".join(lines))
        if any(verdict.leaks for verdict in verdicts):
            raise SystemExit(1)

    def _say(self, options: dict[str, Any], document: object, text: str) -> None:
        self.stdout.write(json.dumps(document, indent=2) if options["json"] else text)
