"""Sets the shop up: database, Django behind its server, the edge before it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from .crew import Crew
from .failure import DemoFailure
from .options import Options
from .ports import LOOPBACK

ROOT = Path(__file__).resolve().parents[3]
MANAGE = (sys.executable, "-m", "examples.storefront.manage")
HEALTHY_WITHIN = 60.0
DATABASE_FILES = ("storefront.sqlite3", "storefront.sqlite3-wal", "storefront.sqlite3-shm")


def var_directory() -> Path:
    """Where the demo keeps its database, secrets and logs."""
    return Path(os.environ.get("STOREFRONT_VAR", ROOT / "var"))


def prepare_database(environment: Mapping[str, str], *, reset: bool) -> None:
    """Make the tables and seed them where they are empty, with a progress bar.

    Raises DemoFailure when Django says no.
    """
    if reset:
        for name in DATABASE_FILES:
            (var_directory() / name).unlink(missing_ok=True)
    # no edge runs yet that could be told what the seed changed
    quiet = {name: value for name, value in environment.items() if name != "STOREFRONT_EDGES"}
    for arguments in (
        ("migrate", "--verbosity", "0", "--skip-checks"),
        ("seed_shop", "--if-empty"),
    ):
        done = subprocess.run((*MANAGE, *arguments), cwd=ROOT, env=quiet, check=False)
        if done.returncode:
            raise DemoFailure(
                f"The database could not be prepared ({arguments[0]} failed, see above).\n"
                'To begin with a new one: make demo ARGS="--reset"'
            )


def start_origin(crew: Crew, options: Options, port: int) -> str:
    """Start Django; the URL it answers on."""
    address = f"{LOOPBACK}:{port}"
    if options.server == "gunicorn":
        command = ["gunicorn", "examples.storefront.wsgi", "--bind", address]
        command += ["--worker-class", "gthread", "--threads", "8", "--keep-alive", "30"]
        command += ["--workers", str(options.workers), "--graceful-timeout", "5"]
        command += ["--no-control-socket"]
    else:
        command = ["uvicorn", "examples.storefront.asgi:application", "--host", LOOPBACK]
        command += ["--port", str(port), "--workers", str(options.workers), "--log-level=warning"]
        command += ["--timeout-graceful-shutdown", "5", "--lifespan", "off"]
    crew.start("origin", [sys.executable, "-m", *command])
    wait_until_healthy(f"http://{address}/healthz", crew)
    return f"http://{address}"


def start_edge(crew: Crew, origin: str, port: int, admin_port: int) -> str:
    """Start the edge in front of the origin; the URL of the shop."""
    address, admin = f"{LOOPBACK}:{port}", f"{LOOPBACK}:{admin_port}"
    command = [sys.executable, "-m", "edge.cli", "edge", "--origin", origin]
    command += ["--listen", address, "--admin", admin, "--log-format", "text"]
    crew.start("edge", command)
    wait_until_healthy(f"http://{admin}/health", crew)
    wait_until_healthy(f"http://{address}/healthz", crew)
    return f"http://{address}"


def wait_until_healthy(url: str, crew: Crew) -> None:
    """Return when the URL answers 200.

    Raises DemoFailure when a process ends meanwhile, or after a minute.
    """
    deadline = time.monotonic() + HEALTHY_WITHIN
    reason = "no answer"
    while time.monotonic() < deadline:
        crew.check()
        try:
            with urlopen(url, timeout=5):
                return
        except HTTPError as error:
            reason = f"status {error.code}"
        except (URLError, OSError) as error:
            reason = str(error)
        time.sleep(0.1)
    last = crew.members[-1]
    raise DemoFailure(
        f"{url} did not become healthy in {HEALTHY_WITHIN:.0f} s ({reason}). "
        f"The end of {last.log}:\n{last.tail()}"
    )
