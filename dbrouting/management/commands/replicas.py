"""`manage.py replicas`: the nodes, their breakers and their lag, seen from this process."""

import json
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from dbrouting.cluster import Cluster
from dbrouting.conf import get_settings
from dbrouting.health import as_json, as_table
from dbrouting.router import ReplicaRouter

_EXAMPLES = """
examples:
  manage.py replicas                 one table; exit status 1 when no replica is in rotation
  manage.py replicas --json          the same for programs
  manage.py replicas --watch         again and again, every second, until Ctrl-C
  manage.py replicas --watch 5 --json

The command probes every node itself. Breakers belong to a process: those of the web workers are
on their metrics page.
"""
_PATIENCE = 5.0


class Command(BaseCommand):
    """Show the health of the replicas."""

    help = "Show every replica: whether it is in rotation, its breaker, its lag, its last failure."
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Keep the line breaks of the examples."""
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, epilog=_EXAMPLES, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--json and --watch."""
        parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
        parser.add_argument(
            "--watch", nargs="?", type=float, const=1.0, metavar="SECONDS",
            help="print again every SECONDS (default 1) until Ctrl-C",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Probe and print; raises CommandError when no replica is in rotation."""
        if options["watch"] is not None and options["watch"] <= 0:
            raise CommandError("--watch needs a number of seconds above 0.")
        cluster = self._probed_cluster()
        if options["watch"] is None:
            self._print(cluster, is_json=options["json"])
            if not cluster.rotation.members:
                raise CommandError("No replica is in rotation.", returncode=1)
            return
        try:
            while True:
                self._print(cluster, is_json=options["json"])
                time.sleep(options["watch"])
        except KeyboardInterrupt:
            self.stderr.write("")

    def _probed_cluster(self) -> Cluster:
        settings = get_settings()
        if ReplicaRouter().is_degraded(settings):
            raise CommandError(
                f"There are no replicas here: the alias {settings.replica!r} is missing or is not"
                f" ours, or the primary is not PostgreSQL. The primary serves all reads."
            )
        wrapper: Any = connections[settings.replica]
        cluster: Cluster = wrapper.cluster
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and not _is_known(cluster):
            time.sleep(0.02)
        return cluster

    def _print(self, cluster: Cluster, *, is_json: bool) -> None:
        if is_json:
            self.stdout.write(json.dumps(as_json(cluster)))
        else:
            self.stdout.write(as_table(cluster))


def _is_known(cluster: Cluster) -> bool:
    """Has every node answered its first probe, or failed it?"""
    return all(state.sampled_at is not None or state.last_failure for state in cluster)
