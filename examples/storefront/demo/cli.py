"""Runs the demo: prepare, start, tell what to try, stay until Ctrl-C."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType

from . import keys, ports
from .check import shop_through
from .crew import Crew, watch
from .failure import DemoFailure
from .options import Options, parse
from .stage import ROOT, prepare_database, start_edge, start_origin, var_directory
from .welcome import welcome

STOPPING = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 after Ctrl-C or a check that went well, 1 after a failure."""
    options = parse(arguments)
    # also where a shell started the demo in the background, and so deaf to Ctrl-C
    for signum in STOPPING:
        signal.signal(signum, _interrupt)
    try:
        return run(options)
    except DemoFailure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nEverything is stopped.")
        return 0


def run(options: Options) -> int:
    """Start everything, then check or stay. Raises DemoFailure, and KeyboardInterrupt."""
    began = time.monotonic()
    port = ports.claim(options.port, "--port")
    origin_port = ports.claim(options.origin_port, "--origin-port")
    admin_port = ports.claim(options.admin_port, "--admin-port")
    with ExitStack() as stack:
        environment = _environment(admin_port)
        if options.postgres:
            print("Starting PostgreSQL with two replicas …", flush=True)
            environment |= stack.enter_context(_postgres())
        print("Preparing the shop …", flush=True)
        prepare_database(environment, reset=options.reset)
        crew = stack.enter_context(Crew(var_directory() / "log", environment, ROOT))
        print("Starting Django and the edge …", flush=True)
        origin = start_origin(crew, options, origin_port)
        shop = start_edge(crew, origin, port, admin_port)
        print(f"Ready after {time.monotonic() - began:.1f} s.\n", flush=True)
        if options.check:
            return 0 if shop_through(shop) else 1
        print(welcome(shop, f"http://{ports.LOOPBACK}:{admin_port}", origin), flush=True)
        watch(crew)
    return 0


def _environment(admin_port: int) -> dict[str, str]:
    """What all processes of the demo are told."""
    var = var_directory()
    return {
        **os.environ,
        **keys.kept_in(var / "demo-secrets.json"),
        "DJANGO_SETTINGS_MODULE": "examples.storefront.settings",
        "PYTHONUNBUFFERED": "1",
        "STOREFRONT_VAR": str(var),
        "STOREFRONT_EDGES": f"http://{ports.LOOPBACK}:{admin_port}",
    }


@contextmanager
def _postgres() -> Iterator[Mapping[str, str]]:
    """A scratch PostgreSQL with two streaming replicas; it ends with the demo."""
    # imported here: the demo on SQLite needs nothing of devstack
    from devstack import DevstackError, postgres

    try:
        with postgres(replicas=2) as cluster:
            nodes = ",".join(f"{node.host}:{node.port}" for node in cluster.replicas)
            url = cluster.primary.dsn()
            yield {"STOREFRONT_DATABASE_URL": url, "STOREFRONT_REPLICAS": nodes}
    except DevstackError as error:
        raise DemoFailure(f"PostgreSQL did not start: {error}") from error


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Begin to stop; pressing again must not leave processes behind."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
