"""`manage.py rebuild_cache`: make every page anew before visitors ask for it."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils.module_loading import autodiscover_modules

from origin.conf import get_settings as get_origin_settings
from origin.datacache.conf import get_settings
from origin.datacache.rebuild import planning
from origin.datacache.rebuild.edges import ask_groups, ask_visits
from origin.datacache.rebuild.journal import MAX_AGE, Journal, default_path
from origin.datacache.rebuild.learned import Learned, path_beside
from origin.datacache.rebuild.planning import Batch
from origin.datacache.rebuild.progress import Progress
from origin.datacache.rebuild.refreshing import Misfiled, check_edge
from origin.datacache.rebuild.rendering import Outcome, Task
from origin.datacache.rebuild.running import Limits, Totals, run
from origin.datacache.rebuild.sources import (
    BadSource,
    Page,
    Source,
    declared,
    in_order,
    xml_source,
)
from origin.datacache.rebuild.words import FAILED, UNMADE

MOST_ERRORS_SHOWN: Final = 20
SOME_FAILED: Final = 1
NOTHING_TO_DO: Final = 3
SOME_UNMADE: Final = 4
_EXAMPLES: Final = """
examples:
  manage.py rebuild_cache --base https://shop.example --through http://127.0.0.1:8080
      asks the edge for every page of the declared sources; what is fresh there costs nothing
  manage.py rebuild_cache --base https://shop.example
      without an edge: renders here, into the Django cache that serving processes share
  manage.py rebuild_cache --sitemap https://shop.example/sitemap.xml --dry-run
      says what would be done
  manage.py rebuild_cache --base https://shop.example --only-group category:5 --force

A run that was killed goes on where it was when it is started again with the same options within
the hour. An edge asked by http:// for pages of https:// must believe X-Forwarded-Proto from here
(twopass edge --trusted-proxies ADDRESS).
exit status: 0 all made, fresh or passed; 1 some pages failed; 2 wrong options, or an edge that
keeps pages where no visitor finds them; 3 no pages to make; 4 no failure, but some URLs are
redirected (3xx) or refused (4xx)
"""


class Command(BaseCommand):
    """Rebuild pages and the data they share."""

    help = "Make pages anew: data in bulk, pages in parallel, the most visited first."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Keep the line breaks of the examples."""
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, epilog=_EXAMPLES, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        add = parser.add_argument
        add("--base", default="", metavar="URL", help="what paths of sources are below")
        add("--source", action="append", default=[], metavar="NAME", help="only these sources")
        add("--sitemap", action="append", default=[], metavar="FILE|URL", help="pages of a sitemap")
        add("--only-group", action="append", default=[], metavar="GROUP", help="only its pages")
        add(
            "--through", action="append", default=[], metavar="URL", help="an edge's public address"
        )
        add("--force", action="store_true", help="also what is fresh")
        add("--processes", type=int, default=os.cpu_count() or 1, metavar="N",
            help="at once, each with one connection to the database [as many as CPUs]")  # fmt: skip
        add(
            "--rate", type=float, default=0.0, metavar="N", help="pages a second at most [no bound]"
        )
        add("--batch", type=int, default=100, metavar="N", help="pages that share a preload [100]")
        add("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run. Raises CommandError; SystemExit with the status that the help names."""
        if options["processes"] < 1 or options["batch"] < 1 or options["rate"] < 0:
            raise CommandError("--processes and --batch are at least 1, --rate is 0 or more",
                               returncode=2)  # fmt: skip
        autodiscover_modules("rebuild")
        learned = Learned(path_beside(get_settings().rebuild_journal))
        try:
            for edge in options["through"]:
                check_edge(edge)
            waves = self._plan(options, learned)
        except (BadSource, OSError) as error:
            raise CommandError(str(error), returncode=2) from error
        total = sum(len(batch.pages) for wave in waves for batch in wave)
        if options["dry_run"]:
            self._say_plan(waves, total)
        if total == 0:
            self.stderr.write(
                "no pages to make: declare sources (origin.datacache.rebuild.page_source in an "
                "app's rebuild module), or give --sitemap"
            )
            raise SystemExit(NOTHING_TO_DO)
        if options["dry_run"]:
            return
        try:
            totals = self._run(waves, options, total)
        except Misfiled as error:
            raise CommandError(str(error), returncode=2) from error
        learned.learn(totals.groups)
        if options["through"]:
            self._learn(learned, [page for wave in waves for batch in wave for page in batch.pages])
        learned.save()
        self._say_totals(totals)
        if totals.words[FAILED]:
            raise SystemExit(SOME_FAILED)
        if any(totals.words[word] for word in UNMADE):
            raise SystemExit(SOME_UNMADE)

    def _visits(self) -> dict[str, float]:
        conf = get_origin_settings()
        visits, silent = ask_visits(conf.edges, conf.admin_token or "")
        for line in silent:
            self.stderr.write(f"not known what is visited most: {line}")
        return visits

    def _learn(self, learned: Learned, pages: list[Page]) -> None:
        """Ask the edges for the groups of what they hold now."""
        conf = get_origin_settings()
        groups, silent = ask_groups(
            conf.edges, conf.admin_token or "", [page.url for page in pages]
        )
        for line in silent:
            self.stderr.write(f"not known which groups pages have: {line}")
        learned.learn(groups)

    def _plan(self, options: dict[str, Any], learned: Learned) -> list[list[Batch]]:
        listed = [
            (source, [planning.absolute(page, options["base"]) for page in source.pages()])
            for source in self._sources(options)
        ]
        if options["only_group"]:
            self._learn(learned, [page for _, pages in listed for page in pages])
        visits, waves = self._visits(), []
        for source, pages in listed:
            chosen = planning.wanted(pages, options["only_group"], learned.groups)
            ordered = planning.by_popularity(chosen, visits)
            waves.append(planning.batches(source, ordered, options["batch"]))
        return waves

    def _sources(self, options: dict[str, Any]) -> list[Source]:
        found = in_order(declared())
        unknown = set(options["source"]) - {source.name for source in found}
        if unknown:
            names = ", ".join(source.name for source in found) or "none"
            raise BadSource(f"no source {sorted(unknown)[0]!r}; there are: {names}")
        if options["source"]:
            found = [source for source in found if source.name in options["source"]]
        elif options["sitemap"]:
            found = []
        return [*found, *(xml_source(address) for address in options["sitemap"])]

    def _run(self, waves: list[list[Batch]], options: dict[str, Any], total: int) -> Totals:
        conf = get_origin_settings()
        named = ("base", "source", "sitemap", "only_group", "through", "force")
        purpose = {name: options[name] for name in named} | {"release": conf.release}
        path = get_settings().rebuild_journal
        journal = Journal(Path(path) if path else default_path(conf.release), purpose, time.time())
        if journal.too_old is not None:
            self.stderr.write(
                f"a run was stopped {journal.too_old / 60:,.0f} minutes ago, which is over "
                f"{MAX_AGE / 60:.0f}: beginning anew"
            )
        waves = [
            [rest for batch in wave if (rest := _rest(batch, journal)).pages] for wave in waves
        ]
        progress = Progress(total, sys.stderr, time.monotonic())
        left = sum(len(batch.pages) for wave in waves for batch in wave)
        if left < total:
            self.stderr.write(f"going on after {total - left:,} pages that are done")
            progress.total = left

        def done(outcome: Outcome) -> None:
            journal.add(page.name for page in outcome.batch.pages
                        if outcome.words[page.name] != FAILED)  # fmt: skip
            progress.add(len(outcome.batch.pages), time.monotonic())

        def task_of(batch: Batch) -> Task:
            return Task(batch, tuple(options["through"]), conf.edges, options["force"])

        connections.close_all()
        totals: Totals | None = None
        try:
            totals = run(waves, task_of, Limits(options["processes"], options["rate"]), done)
        finally:
            journal.close(has_ended=totals is not None)
        return totals

    def _say_plan(self, waves: list[list[Batch]], total: int) -> None:
        for wave in waves:
            pages = [page for batch in wave for page in batch.pages]
            name = wave[0].source if wave else "(nothing)"
            self.stdout.write(f"{name}: {len(pages):,} pages in {len(wave)} batches")
            for page in pages[:3]:
                self.stdout.write(f"    {page.url}")
        self.stdout.write(f"{total:,} pages; nothing was done")

    def _say_totals(self, totals: Totals) -> None:
        words = ", ".join(f"{number:,} {word}" for word, number in totals.words.most_common())
        share = totals.queries / totals.pages if totals.pages else 0.0
        self.stdout.write(
            f"{totals.pages:,} pages in {totals.seconds:.1f} s: {words}; "
            f"{totals.queries:,} queries of these processes ({share:.3f} a page)"
        )
        for line in totals.errors[:MOST_ERRORS_SHOWN]:
            self.stderr.write(line)
        if len(totals.errors) > MOST_ERRORS_SHOWN:
            self.stderr.write(f"… and {len(totals.errors) - MOST_ERRORS_SHOWN} errors more")


def _rest(batch: Batch, journal: Journal) -> Batch:
    return Batch(batch.source, tuple(p for p in batch.pages if p.name not in journal.done))
