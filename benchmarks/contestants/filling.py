"""The process of `filled_edge`: `python -m … LISTEN ADMIN COUNT FILE KIND`."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import Final

from starlette.applications import Starlette

from edge.admin.app import create_admin
from edge.app import create_app
from edge.configuration import parse_address
from edge.core.key import primary_key
from edge.core.messages import RequestHead, ResponseHead
from edge.core.page_key import label_url
from edge.core.policy import assess
from edge.core.prepared import prepare_shell
from edge.core.ready import made_ready
from edge.core.site import PageRecord, Site
from edge.core.steps import Page
from edge.core.stored import prepare
from edge.edge import Edge
from edge.fleet import SingleProcess
from edge.run import run_loop
from edge.server import build_server, stop_on_signal
from edge.settings import Settings
from fragments.manifest import Manifest, Route
from fragments.shell import Shell

from .objects import FIELDS, body, fields, group, path

STORE_BYTES: Final = 16 * 2**30
"""Plain responses get a quarter of it, some 4 KiB for each of a million; pages a half."""


def fill_pages(edge: Edge, host: bytes, count: int) -> None:
    """Store pages of two passes as `edge.pages` does. Raises RuntimeError where one is refused."""
    manifest = Manifest("sessionid", None, routes=(Route("^/shop/"),))
    edge.manifest.site = Site.of(manifest)
    keyring, site = edge.keyring, b"http://" + host
    assert keyring is not None
    for number in range(count):
        now, target = edge.clock(), path(number).encode()
        headers = tuple(
            (name.decode(), (value,)) for name, value in FIELDS if name != b"cache-control"
        )
        shell = Shell(200, headers, (body(number),), 86400.0, groups=(group(number),))
        key, label = site + target, label_url(site, target)
        page = Page(key, target, label, PageRecord.of_shell(shell), ())
        ready = made_ready(prepare_shell(shell, label, now), keyring)
        edge.memory.records.set(key, page.record)
        if not edge.memory.keep_shell(page, ready, edge.position, now):
            raise RuntimeError(f"page {number} is not stored")


def fill_responses(edge: Edge, host: bytes, count: int) -> None:
    """Store them as `edge.plain.Keeping` does. Raises RuntimeError where one is refused."""
    for number in range(count):
        now, target = edge.clock(), path(number).encode()
        request = RequestHead(b"GET", b"http", host, target, [])
        response = ResponseHead(200, fields(number))
        assessment = assess(request, response, now, now, edge.policy)
        key, label = primary_key(b"http", host, target), label_url(b"http://" + host, target)
        stored = prepare(request, key, assessment, body(number), label)
        if not edge.memory.keep_response(stored, edge.position, now):
            raise RuntimeError(f"object {number} is not stored: {assessment.refusal}")


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


FILLERS: Final = {"pages": fill_pages, "responses": fill_responses}


def filled(settings: Settings, count: int, said: Path, kind: str) -> Starlette:
    """An edge that is full, and has said what that took."""
    app = create_app(settings)
    edge: Edge = app.state.edge
    before, begun = resident(), time.monotonic()
    FILLERS[kind](edge, settings.listen.encode(), count)
    store = edge.memory.shells if kind == "pages" else edge.memory.responses
    memory = {
        "before": before, "after": resident(), "seconds": time.monotonic() - begun,
        "objects": len(store), "counted": store.bytes,
    }  # fmt: skip
    said.write_text(json.dumps(memory))
    return app


async def serve(settings: Settings, count: int, said: Path, kind: str) -> int:
    """Fill, then serve until told to stop."""
    app = filled(settings, count, said, kind)
    edge: Edge = app.state.edge
    admin = create_admin(SingleProcess(edge, "bench"), settings)
    pairs = [(build_server(app, settings), settings.listen)]
    pairs.append((build_server(admin, settings), settings.admin))
    stop_on_signal(*(server for server, _ in pairs))
    await asyncio.gather(*(server.serve(sockets=[_bind(where)]) for server, where in pairs))
    return 0


def _bind(address: str) -> socket.socket:
    listener = socket.create_server(parse_address(address, "address"), backlog=2048)
    listener.setblocking(False)
    return listener


def main() -> int:
    """`filled_edge` starts this, not a person."""
    listen, admin, count, said, kind = sys.argv[1:]
    settings = Settings(
        origin="http://127.0.0.1:9",  # nobody is there: what is not held fails
        listen=listen, admin=admin, store_bytes=STORE_BYTES, secret=secrets.token_urlsafe(48),
        admin_token=os.environ["TWOPASS_ADMIN_TOKEN"], log_level="warning",
    )  # fmt: skip
    return run_loop(lambda: serve(settings, int(count), Path(said), kind))


if __name__ == "__main__":
    sys.exit(main())
