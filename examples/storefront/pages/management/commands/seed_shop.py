"""``manage.py seed_shop``: fill an empty database with the demo's range and people."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ....catalogue.models import Product
from ....seed.plant import plant
from ....seed.progress import ProgressBar


class Command(BaseCommand):
    """Seeds the shop."""

    # it fills tables and serves nothing: what is amiss with serving, other commands say
    requires_system_checks = ()
    help = "Fill an empty database with 2,000 products, reviews, posts and the demo's log-ins."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--if-empty`` makes it safe to call at every start."""
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing when seeded already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, or say why not."""
        if Product.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError("The shop has products already; seed an empty database instead.")
        plant(ProgressBar(self.stdout))
