"""Starts nginx and Varnish, configured as a cache should be.

Both get what their manuals give for a plain shared cache that follows what responses say: what
needs a line for that (validating, collapsing, refreshing behind) has it, and what would overrule
them (lifetimes and grace of their own) is off.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.play import Proxy

_NGINX = """
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  proxy_cache_path {dir}/cache keys_zone=main:10m max_size=100m inactive=1h use_temp_path=off;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{origin};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
      proxy_cache main;
      proxy_cache_key $scheme$http_host$request_uri;
      proxy_cache_revalidate on;
      proxy_cache_lock on;
      proxy_cache_background_update on;
      proxy_cache_bypass $http_authorization;
      proxy_no_cache $http_authorization;
    }}
  }}
}}
"""

_VARNISH = """
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{origin}"; }}
"""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the process listens there. Raises RuntimeError when it does not."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


@contextlib.contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[Proxy]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            await_port(port, process)
            yield Proxy("127.0.0.1", port)
        finally:
            process.terminate()
            process.wait(20)


@contextlib.contextmanager
def nginx(origin_port: int, directory: Path) -> Iterator[Proxy]:
    """nginx with proxy_cache in front of the origin."""
    port = free_port()
    for name in ("cache", "body", "proxy"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    directory.chmod(0o777)
    for path in directory.iterdir():
        path.chmod(0o777)
    configuration = directory / "nginx.conf"
    configuration.write_text(_NGINX.format(dir=directory, port=port, origin=origin_port))
    command = ["nginx", "-p", str(directory), "-c", str(configuration)]
    with _running(command, port, directory / "output.log") as proxy:
        yield proxy


@contextlib.contextmanager
def varnish(origin_port: int, directory: Path) -> Iterator[Proxy]:
    """Varnish with its built-in VCL in front of the origin."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    vcl = directory / "default.vcl"
    vcl.write_text(_VARNISH.format(origin=origin_port))
    command = [
        "varnishd", "-F", "-n", str(directory / "work"), "-a", f"127.0.0.1:{port}",
        "-f", str(vcl), "-s", "malloc,64m",
        "-p", "default_ttl=0", "-p", "default_grace=0", "-p", "default_keep=60",
    ]  # fmt: skip
    with _running(command, port, directory / "output.log") as proxy:
        yield proxy


INSTALLABLE = {"nginx": (nginx, "nginx"), "varnish": (varnish, "varnishd")}


def installed() -> list[str]:
    """Those of the proxies that this machine has."""
    return [name for name, (_, command) in INSTALLABLE.items() if shutil.which(command)]
