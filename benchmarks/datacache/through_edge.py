"""`manage.py rebuild_cache --through`: pages put into a running edge, before a running origin."""

from __future__ import annotations

import os
import re
import resource
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import Popen
from typing import Final

from origin.purge_client import post_purge

from ..contestants.django import gunicorn_process
from ..contestants.edge import edge_process
from ..processes import cpu_seconds, free_port, python
from ..shop.premises import APPLICATION
from .worker import PROCESSES

BASE: Final = "http://127.0.0.1"
"""What the shop's visitors type, and so what the edge files pages under."""
_MADE: Final = re.compile(r"^([\d,]+) pages in [\d.]+ s: ([\d,]+) made;", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shopfront:
    """An edge and its origin, on all cores, and what the command needs to know of them."""

    url: str
    admin: str
    token: str
    environment: Mapping[str, str]
    servers: tuple[Popen[bytes], ...]

    def fill(self) -> dict[str, float]:
        """Empty the edge, then have it hold all pages of products. Raises RuntimeError."""
        post_purge(self.admin, self.token, {"all": True}, timeout=10)
        command = python("-m", "examples.storefront.manage", "rebuild_cache", "--base", BASE)
        command += ["--source", "products", "--through", self.url, "--processes", str(PROCESSES)]
        began, before = time.perf_counter(), self._cpu_seconds()
        done = subprocess.run(command, env=dict(self.environment), capture_output=True, text=True)
        seconds = time.perf_counter() - began
        pages = pages_made(done.stdout)
        if done.returncode or not pages:
            raise RuntimeError(f"rebuild_cache: {done.stdout[-500:]}{done.stderr[-1500:]}")
        spent = self._cpu_seconds() - before
        return {"pages": pages, "wall_seconds": seconds, "cpu_seconds": spent}

    def _cpu_seconds(self) -> float:
        """Of the servers, and of the commands that have ended."""
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return sum(map(cpu_seconds, self.servers)) + usage.ru_utime + usage.ru_stime


def pages_made(output: str) -> int:
    """How many pages the command says that it made; 0 unless that is all of them."""
    found = _MADE.search(output)
    if found is None or found[1] != found[2]:
        return 0
    return int(found[1].replace(",", ""))


@contextmanager
def shopfront(environment: Mapping[str, str]) -> Iterator[Shopfront]:
    """Run the storefront with a worker for each core, and an edge of one process before it."""
    token, secret, port = secrets.token_urlsafe(24), secrets.token_urlsafe(48), free_port()
    admin, cores = f"http://127.0.0.1:{port}", os.sched_getaffinity(0)
    mine = {
        **environment,
        "DJANGO_SETTINGS_MODULE": "examples.storefront.settings",
        "TWOPASS_SECRET": secret,
        "TWOPASS_ADMIN_TOKEN": token,
        "STOREFRONT_EDGES": admin,
    }
    with (
        gunicorn_process(APPLICATION, "/healthz", mine, PROCESSES, cores) as (origin, workers),
        edge_process(origin, secret, token, port, cores=cores) as (url, process),
    ):
        yield Shopfront(url, admin, token, mine, (workers, process))
