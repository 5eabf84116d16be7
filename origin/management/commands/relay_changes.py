"""`manage.py relay_changes`: changes that pass Django by reach caches and edges."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import suppress
from typing import Any, Final

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, Error, connections

from origin.datacache import relay, triggers
from origin.outbox import get_outbox

RETRY: Final = 1.0
FLUSH: Final = 30.0
"""Seconds that `--once` gives edges to take what it passes on."""
WAKE: Final = 1.0
_EXAMPLES: Final = """
examples:
  manage.py relay_changes --install shop.Product shop.Category
      triggers on their tables; raw SQL, COPY and psql are noted from now on
  manage.py relay_changes
      passes on what they note, until it is stopped: run it as a service
  manage.py relay_changes --once
      passes on what there is, after an import
"""


class Command(BaseCommand):
    """Install triggers, and pass on what they note."""

    help = "Invalidate what changes by raw SQL and other programs (PostgreSQL triggers)."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Keep the line breaks of the examples."""
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, epilog=_EXAMPLES, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="alias [default]")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--install", nargs="+", metavar="MODEL", help="app.Model")
        what.add_argument("--remove", nargs="+", metavar="MODEL", help="app.Model")
        what.add_argument("--once", action="store_true", help="do not wait for more")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run. Raises CommandError."""
        connection = connections[options["database"]]
        for label in options["install"] or options["remove"] or ():
            model = self._model(label)
            try:
                change = triggers.install if options["install"] else triggers.remove
                change(connection, model)
            except triggers.NoTrigger as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{label}: {'installed' if options['install'] else 'removed'}")
        if options["install"] or options["remove"]:
            return
        if not triggers.installed(connection):
            raise CommandError("no triggers: relay_changes --install app.Model first")
        if options["once"]:
            self._pass_on_once(relay.Relay(options["database"]))
            return
        self._serve(options["database"])

    def _pass_on_once(self, changes: relay.Relay) -> None:
        self.stdout.write(f"{changes.pass_on()} changes passed on")
        get_outbox().flush(FLUSH)
        if left := changes.settle():
            raise CommandError(
                f"{left} of them have not reached Redis or an edge, and stay noted: run it again"
            )

    def _model(self, label: str) -> Any:
        try:
            return apps.get_model(label)
        except (LookupError, ValueError) as error:
            raise CommandError(f"{label!r} is no model (app.Model): {error}") from error

    def _serve(self, using: str) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        changes = relay.Relay(using)
        is_listening = False
        while not stopped.is_set():
            try:
                if not is_listening:
                    relay.listen(using)
                    is_listening = True
                    self.stdout.write("passing on changes")
                changes.pass_on()
                relay.wait(using, WAKE)
            except (Error, OSError) as error:
                # the table keeps what is noted meanwhile
                self.stderr.write(f"the database does not answer, trying again: {error}")
                connections[using].close()
                is_listening = False
                stopped.wait(RETRY)
        get_outbox().flush(5.0)
        with suppress(Error, OSError):  # then they stay, and are purged once more
            changes.settle()
