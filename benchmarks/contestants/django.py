"""Django under gunicorn, by itself or as an origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from subprocess import Popen

from ..processes import free_port, python, server

_SITE = {"DJANGO_SETTINGS_MODULE": "benchmarks.site.settings"}


@contextmanager
def gunicorn(
    application: str, ready: str, environment: Mapping[str, str], workers: int = 1
) -> Iterator[str]:
    """Run a WSGI application with threads, as gunicorn's documentation advises for keep-alive."""
    with gunicorn_process(application, ready, environment, workers) as (url, _):
        yield url


@contextmanager
def gunicorn_process(
    application: str,
    ready: str,
    environment: Mapping[str, str],
    workers: int = 1,
    cores: Set[int] = frozenset(),
) -> Iterator[tuple[str, Popen[bytes]]]:
    """The same for who wants to watch its process."""
    port = free_port()
    command = python("-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}")
    command += ["--workers", str(workers), "--worker-class", "gthread", "--threads", "4"]
    command += ["--keep-alive", "75", "--log-level", "warning"]
    with server(command, f"http://127.0.0.1:{port}{ready}", environment, cores) as process:
        yield f"http://127.0.0.1:{port}", process


@contextmanager
def site(mode: str, secret: str = "") -> Iterator[str]:
    """The benchmarks' site in one of its modes."""
    environment = _SITE | {"BENCHMARK_MODE": mode, "TWOPASS_SECRET": secret}
    with gunicorn("benchmarks.site.wsgi", "/page/0/", environment) as url:
        yield url


@contextmanager
def async_site(mode: str, secret: str = "") -> Iterator[str]:
    """The same under uvicorn: for views that wait."""
    port = free_port()
    command = python("-m", "uvicorn", "benchmarks.site.asgi:application", "--port", str(port))
    command += ["--log-level", "warning", "--no-access-log"]
    environment = _SITE | {"BENCHMARK_MODE": mode, "TWOPASS_SECRET": secret}
    with server(command, f"http://127.0.0.1:{port}/page/0/", environment):
        yield f"http://127.0.0.1:{port}"
