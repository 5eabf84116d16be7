"""Varnish as its users would set it up: ESI for what is a visitor's own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ..processes import free_port, server
from ..scenario import Unavailable

CONFIGS = Path(__file__).parent / "configs"
_CONFIG = CONFIGS / "varnish.vcl"


@contextmanager
def varnish(
    origin: Callable[[], AbstractContextManager[str]],
    config: Path = _CONFIG,
    ready: str = "/count/",
    *,
    gzip: bool = False,
    memory: str = "256m",
    filled: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """One varnishd with its defaults before `origin`; `filled` goes into `config`.

    Raises Unavailable.
    """
    program = shutil.which("varnishd") or shutil.which("varnishd", path="/usr/sbin")
    if program is None:
        raise Unavailable("Varnish is not installed (apt-get install varnish)")
    with origin() as url, tempfile.TemporaryDirectory() as folder:
        port, address = free_port(), urlsplit(url)
        names = {"gzip": "true" if gzip else "false", **(filled or {})}
        written = Path(folder, "default.vcl")
        written.write_text(
            config.read_text().format(host=address.hostname, port=address.port, **names)
        )
        command = [program, "-j", "none", "-F", "-n", f"{folder}/work", "-f", str(written)]
        command += ["-a", f"127.0.0.1:{port}", "-s", f"malloc,{memory}"]
        with server(command, f"http://127.0.0.1:{port}{ready}"):
            yield f"http://127.0.0.1:{port}"
