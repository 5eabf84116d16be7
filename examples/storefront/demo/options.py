"""What may be said on the command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

EXAMPLES = """\
examples:
  make demo                                  the shop on http://127.0.0.1:8080
  make demo ARGS=--check                     shop through the edge, say what was seen, end
  make demo ARGS="--port 8081"               when 8080 is taken
  make demo ARGS=--postgres                  on a real PostgreSQL with two replicas
  python -m examples.storefront.demo --server uvicorn --reset
"""


@dataclass(frozen=True)
class Options:
    """The demo's options. A port of 0 means any free one."""

    check: bool = False
    port: int = 8080
    origin_port: int = 8000
    admin_port: int = 9000
    server: str = "gunicorn"
    workers: int = 2
    postgres: bool = False
    reset: bool = False


def parse(arguments: Sequence[str] | None) -> Options:
    """Options from the command line; ends the process with a message for wrong ones."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.storefront.demo",
        description="Run the storefront behind the edge, with a database that is made and seeded "
        "on first use. Ctrl-C stops everything.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--check", action="store_true", help="shop by itself, print what it saw, exit 0 or 1")
    add("--port", type=_port, default=8080, help="of the shop [8080]; 0: any free one")
    add("--origin-port", type=_port, default=8000, help="of Django behind the edge [8000]")
    add("--admin-port", type=_port, default=9000, help="of the edge's admin API [9000]")
    add("--server", choices=("gunicorn", "uvicorn"), default="gunicorn", help="[gunicorn]")
    add("--workers", type=_workers, default=2, help="processes that run Django [2]")
    add("--postgres", action="store_true", help="PostgreSQL with two replicas instead of SQLite")
    add("--reset", action="store_true", help="begin with a new database")
    return Options(**vars(parser.parse_args(arguments)))


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return number


def _workers(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 64:
        raise argparse.ArgumentTypeError(f"{text} workers: 1 to 64")
    return number
