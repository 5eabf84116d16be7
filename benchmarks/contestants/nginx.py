"""nginx as its users would set it up: proxy_cache, and SSI for what is a visitor's own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from ..processes import free_port, server
from ..scenario import Unavailable

_CONFIG = Path(__file__).parent / "configs" / "nginx.conf"


@contextmanager
def nginx(
    origin: Callable[[], AbstractContextManager[str]], *, gzip: bool = False
) -> Iterator[str]:
    """One worker process before `origin`. Raises Unavailable."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise Unavailable("nginx is not installed (apt-get install nginx-core)")
    with origin() as url, tempfile.TemporaryDirectory() as folder:
        port, config = free_port(), Path(folder, "nginx.conf")
        config.write_text(
            _CONFIG.read_text().format(
                folder=folder,
                # started as root it would give its files to another user
                user="user root;" if os.geteuid() == 0 else "",
                gzip="on" if gzip else "off",
                origin=urlsplit(url).netloc,
                port=port,
            )
        )
        command = [program, "-p", folder, "-c", str(config), "-e", "stderr"]
        with server(command, f"http://127.0.0.1:{port}/count/"):
            yield f"http://127.0.0.1:{port}"
