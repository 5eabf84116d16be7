"""The command `twopass`: run an edge, purge it, look at it."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .configuration import ConfigurationError, load

EDGE_EXAMPLES = """
examples:
  TWOPASS_SECRET=… twopass edge --origin http://127.0.0.1:8000
  twopass edge --origin http://127.0.0.1:8000 --listen 0.0.0.0:80 --workers 4
  twopass edge --origin http://127.0.0.1:8000 --esi-host '*.shop.example' --esi-cookie lang
  twopass edge --config /etc/twopass.toml

Every option can be set as TWOPASS_<NAME> in the environment, or as <name> in twopass.toml.
Secrets are read from the environment or the file only: TWOPASS_SECRET (shared with the origin),
TWOPASS_ADMIN_TOKEN (without it the admin API answers /health only). See docs/edge.md.
"""
PURGE_EXAMPLES = """
examples:
  twopass purge --group product:42 --group category:7
  twopass purge --url https://shop.example/en/product/42/ --soft
  twopass purge --prefix https://shop.example/blog/
  twopass purge --all

The token is read from TWOPASS_ADMIN_TOKEN. Exit code: 0 all processes have applied it, 3 some have
not yet, 1 it failed, 2 wrong usage.
"""
STATUS_EXAMPLES = """
examples:
  twopass status
  twopass status --admin http://10.0.0.5:9000 --json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ConfigurationError as error:
        print(f"twopass: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 130


def _edge(options: argparse.Namespace) -> int:
    from .run import run  # the other commands need no server

    settings = load(vars(options), os.environ, _config(options.config))
    if not settings.secret:
        raise ConfigurationError(
            "set TWOPASS_SECRET, the same text for edge and origin; make one with: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    try:
        return run(settings)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise
        raise ConfigurationError(
            f"cannot listen on {settings.listen} and {settings.admin}: {error.strerror}; "
            "choose others with --listen and --admin"
        ) from error
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _purge(options: argparse.Namespace) -> int:
    from .admin.client import purge

    return _ask(purge, options)


def _status(options: argparse.Namespace) -> int:
    from .admin.client import status

    return _ask(status, options)


def _ask(verb: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    from .admin.client import AdminError

    try:
        return verb(options)
    except AdminError as error:
        print(f"twopass: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _config(path: Path | None) -> Path | None:
    if path is None and "TWOPASS_CONFIG" in os.environ:
        return Path(os.environ["TWOPASS_CONFIG"])
    default = Path("twopass.toml")
    return default if path is None and default.exists() else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="twopass", description="Personalised pages at the cost of cached ones."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_edge(commands)
    purge = _add(commands, "purge", "drop stored pages and fragments", PURGE_EXAMPLES)
    purge.set_defaults(run=_purge)
    _add_admin(purge)
    purge.add_argument("--url", action="append", default=[], help="an absolute URL, all variants")
    purge.add_argument("--group", action="append", default=[], help="a cache group (RFC 9875)")
    purge.add_argument("--prefix", action="append", default=[], help="an absolute URL prefix")
    purge.add_argument("--all", action="store_true", help="everything")
    purge.add_argument("--soft", action="store_true", help="keep as stale while it is refreshed")
    purge.add_argument("--wait", type=float, metavar="S", help="seconds to wait for the receipt")
    status = _add(commands, "status", "show what an edge is doing", STATUS_EXAMPLES)
    status.set_defaults(run=_status)
    _add_admin(status)
    status.add_argument("--json", action="store_true", help="the whole status as JSON")
    return parser


def _add_edge(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    edge = _add(commands, "edge", "run an edge in front of an origin", EDGE_EXAMPLES)
    edge.set_defaults(run=_edge)
    edge.add_argument("--origin", metavar="URL", help="where Django (or any origin) listens")
    edge.add_argument("--listen", metavar="HOST:PORT", help="for visitors [127.0.0.1:8080]")
    edge.add_argument("--admin", metavar="HOST:PORT", help="for operators [127.0.0.1:9000]")
    edge.add_argument("--store", metavar="STORE", help="where shells are kept [memory:]")
    edge.add_argument("--store-bytes", metavar="SIZE", help="memory for pages [256M]")
    edge.add_argument("--private-bytes", metavar="SIZE", help="memory for private fragments [64M]")
    edge.add_argument("--workers", metavar="N", help="processes on the one port [1]")
    edge.add_argument("--config", type=Path, metavar="FILE", help="[./twopass.toml if it exists]")
    edge.add_argument(
        "--hosts", metavar="HOST", action="append", help="serve this host only (repeatable) [any]"
    )
    edge.add_argument(
        "--trusted-proxies",
        metavar="NETWORK",
        action="append",
        help="believe X-Forwarded-* from here (repeatable) [nobody]",
    )
    edge.add_argument(
        "--purge-from",
        metavar="NETWORK",
        action="append",
        help="take PURGE without a token from here (repeatable) [nobody]",
    )
    _add_esi(edge)
    edge.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning, error [info]")
    edge.add_argument("--log-format", metavar="FORMAT", help="json or text [json]")


def _add_esi(edge: argparse.ArgumentParser) -> None:
    edge.add_argument(
        "--esi-host",
        metavar="PATTERN",
        action="append",
        help="let ESI includes lead to this host, too: shop.example, *.shop.example (repeatable)",
    )
    edge.add_argument(
        "--esi-cookie",
        metavar="NAME",
        action="append",
        help="let ESI variables show this cookie, * for all (repeatable) [none]",
    )
    edge.add_argument(
        "--esi-origin",
        metavar="HOST=URL",
        action="append",
        help="fetch ESI includes of this host from an origin of its own (repeatable)",
    )
    edge.add_argument(
        "--esi-strict",
        action="store_const",
        const=True,
        help="fail the page, not the place, where an ESI include fails",
    )


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, epilog: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_admin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--admin",
        metavar="URL",
        default=os.environ.get("TWOPASS_ADMIN_URL", "http://127.0.0.1:9000"),
        help="the edge's admin address [http://127.0.0.1:9000]",
    )


if __name__ == "__main__":
    sys.exit(main())
