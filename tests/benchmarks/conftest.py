"""A server in the storefront's place, which answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = Callable[[str, str], tuple[Any, ...]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """A server that answers by path and Cookie: status, body, and fields if there are any."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body, *fields = answer(self.path, self.headers.get("Cookie", ""))
            self.send_response(status)
            for name, value in dict(*fields).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def shop() -> Callable[[Answer], AbstractContextManager[str]]:
    """`with shop(answer) as base`."""
    return serving
