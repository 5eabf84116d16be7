"""Our edge in front of an origin."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager
from subprocess import Popen

from ..processes import free_port, python, server
from .django import site


@contextmanager
def edge(
    origin: str,
    secret: str,
    token: str = "",
    admin_port: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """One edge process, with its defaults."""
    with edge_process(origin, secret, token, admin_port, settings) as (url, _):
        yield url


@contextmanager
def edge_process(
    origin: str,
    secret: str,
    token: str = "",
    admin_port: int | None = None,
    settings: Mapping[str, str] | None = None,
    cores: Set[int] = frozenset(),
) -> Iterator[tuple[str, Popen[bytes]]]:
    """The same for who wants to watch its process."""
    port, admin = free_port(), admin_port or free_port()
    command = python("-m", "edge.cli", "edge", "--origin", origin)
    command += ["--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"]
    environment = {
        "TWOPASS_SECRET": secret,
        "TWOPASS_ADMIN_TOKEN": token,
        "TWOPASS_LOG_LEVEL": "warning",
        **(settings or {}),
    }
    with server(command, f"http://127.0.0.1:{admin}/health", environment, cores) as process:
        yield f"http://127.0.0.1:{port}", process


@contextmanager
def edge_before_site(
    run_site: Callable[[str, str], AbstractContextManager[str]] = site, **settings: str
) -> Iterator[str]:
    """The benchmarks' site behind our edge; `settings` are environment variables of the edge."""
    secret = secrets.token_urlsafe(48)
    with run_site("two_pass", secret) as origin, edge(origin, secret, settings=settings) as url:
        yield url
