"""An edge's admin API that does as it is told."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeEdge:
    """Records purges. `answers`: statuses to give, one a request, then 200. `gate`: set to answer.

    `stop` and `start` keep the port, as an edge that is restarted does.
    """

    def __init__(self) -> None:
        self.purges: list[dict[str, Any]] = []
        self.tokens: list[str | None] = []
        self.answers: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        edge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                edge.gate.wait(30)
                status = edge.take(self.path, self.headers.get("Authorization"), json.loads(body))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b'{"position": 1}')

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, path: str, token: str | None, document: dict[str, Any]) -> int:
        with self.changed:
            status = self.answers.pop(0) if self.answers else 200
            if path != "/purge":
                status = 404
            self.tokens.append(token)
            if status == 200:
                self.purges.append(document)
            self.changed.notify_all()
            return status

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """The purges, when there are at least `count`."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.purges) >= count, 30), self.purges
            return list(self.purges)

    @property
    def groups(self) -> set[str]:
        return {name for purge in self.purges for name in purge["groups"]}
