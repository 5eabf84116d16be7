"""The command line: servers that stay up until Ctrl-C."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from devstack.browser import chromium
from devstack.errors import DevstackError
from devstack.playwright_browser import driver_environment
from devstack.postgresql.cluster import PostgresCluster, postgres
from devstack.redis_server import RedisServer, redis

EXAMPLES = """\
examples:
  python -m devstack up                        PostgreSQL (primary, two replicas) and Redis
  python -m devstack up --replicas 0           one PostgreSQL and Redis
  python -m devstack up --postgres-version 16  the version of the wheel
  python -m devstack up --json                 one JSON object for scripts, then stay
  python -m devstack browser                   the Chromium for tests, installed if missing
"""


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m devstack",
        description="Real PostgreSQL and Redis for development, on loopback and in a temporary "
        "directory. Everything ends and is removed with this command.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser(
        "up",
        help="start the servers, print their addresses and stay until Ctrl-C",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    up.add_argument("--replicas", type=int, default=2, help="streaming replicas (default: 2)")
    up.add_argument(
        "--postgres-version", type=int, metavar="MAJOR", help="16 or 18 by wheel, or an installed"
    )
    up.add_argument("--no-redis", action="store_true", help="PostgreSQL only")
    up.add_argument("--no-postgres", action="store_true", help="Redis only")
    up.add_argument("--json", action="store_true", help="print the addresses as one JSON object")
    up.set_defaults(run=run_up)
    browser = commands.add_parser(
        "browser", help="find or install the Chromium for tests and print how to start it"
    )
    browser.add_argument("--json", action="store_true", help="program, flags, environment as JSON")
    browser.set_defaults(run=run_browser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0 after a normal end, 1 when a server is missing or failed."""
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
    except DevstackError as error:
        print(f"devstack: {error}", file=sys.stderr)
        return 1
    return 0


def run_up(options: argparse.Namespace) -> None:
    """Starts what was asked for and stays until SIGINT or SIGTERM."""
    ended = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: ended.set())
    with ExitStack() as stack:
        cluster = server = None
        if not options.no_postgres:
            progress(options, "starting PostgreSQL …")
            cluster = stack.enter_context(postgres(options.replicas, options.postgres_version))
        if not options.no_redis:
            progress(options, "starting Redis …")
            server = stack.enter_context(redis())
        addresses = describe(cluster, server)
        print(json.dumps(addresses) if options.json else as_text(addresses), flush=True)
        ended.wait()
        progress(options, "stopping …")


def run_browser(options: argparse.Namespace) -> None:
    """Finds or installs Chromium and what Playwright needs; starts both once."""
    found = chromium()
    version = found.version()
    driver_environment()
    if options.json:
        described = {
            "executable": str(found.executable),
            "version": version,
            "flags": list(found.flags),
            "environment": dict(found.extra_environment),
        }
        print(json.dumps(described))
    else:
        print(f"{version}: {found.executable}")


def progress(options: argparse.Namespace, message: str) -> None:
    """Says what is going on, without disturbing a script that reads JSON."""
    print(message, file=sys.stderr if options.json else sys.stdout, flush=True)


def describe(cluster: PostgresCluster | None, server: RedisServer | None) -> dict[str, Any]:
    """The addresses of the running servers."""
    addresses: dict[str, Any] = {}
    if cluster is not None:
        addresses["postgres"] = {
            "version": cluster.primary.programs.version,
            "primary": cluster.primary.dsn(),
            "replicas": [replica.dsn() for replica in cluster.replicas],
        }
    if server is not None:
        addresses["redis"] = server.url
    return addresses


def as_text(addresses: dict[str, Any]) -> str:
    """The addresses for people."""
    lines = []
    if found := addresses.get("postgres"):
        lines.append(f"PostgreSQL {found['version']}")
        lines.append(f"  primary   {found['primary']}")
        lines += [f"  replica   {dsn}" for dsn in found["replicas"]]
    if url := addresses.get("redis"):
        lines.append(f"Redis       {url}")
    return "\n".join([*lines, "Ctrl-C ends them and removes their data."])
