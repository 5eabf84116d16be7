"""Real servers: frames leave one by one under gunicorn (WSGI) and uvicorn (ASGI)."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fragments.bundle import REQUEST_TYPE, BundleRequest, End, Frame, FrameDecoder, Head
from fragments.headers import CAPABILITY, PROOF
from fragments.manifest import BUNDLE_PATH, PATH, Manifest
from fragments.shell import Shell
from tests.origin import edge_side
from tests.origin.edge_side import KEYRING, include, text_of

ROOT = Path(__file__).parents[2]

SERVERS = {
    "gunicorn": ["-m", "gunicorn", "tests.origin.shop.wsgi:application", "--workers", "1"],
    "gunicorn-threads": [
        *("-m", "gunicorn", "tests.origin.shop.wsgi:application"),
        *("--worker-class", "gthread", "--threads", "4"),
    ],
    "uvicorn": ["-m", "uvicorn", "tests.origin.shop.asgi:application", "--lifespan", "off"],
}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _serving(name: str, log: Path) -> Iterator[int]:
    port = _free_port()
    where = ["--bind", f"127.0.0.1:{port}"] if "gunicorn" in name else ["--port", str(port)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.origin.shop.settings"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *SERVERS[name], *where],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_open(port, process, log)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    pytest.fail(f"no server within a minute: {log.read_text()}")


@pytest.fixture(scope="module", params=list(SERVERS))
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    log = tmp_path_factory.mktemp("server") / "log"
    with _serving(request.param, log) as port:
        yield port


class Edge:
    """Signs requests to a server on loopback."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str, kind: Any) -> http.client.HTTPResponse:
        proof = edge_side.proof("GET", path, kind, host=self.host)
        fields = {PROOF: proof, "Surrogate-Capability": CAPABILITY, "Host": self.host}
        self.connection.request("GET", path, headers=fields)
        return self.connection.getresponse()

    def bundle(self, *tokens: bytes, page: str = "/echo/") -> http.client.HTTPResponse:
        body = BundleRequest(f"http://{self.host}{page}", tokens).encode()
        fields = {
            PROOF: edge_side.proof("POST", BUNDLE_PATH, "second", body, host=self.host),
            "Surrogate-Capability": CAPABILITY,
            "Content-Type": REQUEST_TYPE,
            "Host": self.host,
        }
        self.connection.request("POST", BUNDLE_PATH, body, fields)
        return self.connection.getresponse()


@pytest.fixture
def edge(port: int) -> Iterator[Edge]:
    edge = Edge(port)
    yield edge
    edge.connection.close()


@pytest.mark.parametrize("name", ["waiting", "waiting-async"])
def test_frames_leave_one_by_one(edge: Edge, tmp_path: Path, name: str) -> None:
    """The second fragment is not rendered before the test has the first one in its hands."""
    gate = tmp_path / "open"
    response = edge.bundle(include("basket"), include(name, path=str(gate)))
    decoder = FrameDecoder()
    arrived: list[Any] = []

    while len(arrived) < 2:
        data = response.read1(65536)
        assert data, "the stream ended early"
        arrived += decoder.receive_data(data)
    assert arrived[0] == Head("none")
    assert isinstance(arrived[1], Frame)
    assert text_of(arrived[1]) == "<b>Basket: empty</b>"
    assert len(arrived) == 2

    gate.touch()
    while data := response.read1(65536):
        arrived += decoder.receive_data(data)
    decoder.close()
    assert text_of(arrived[2]) == "<p>waited: True</p>"
    assert arrived[3] == End(2)


def test_the_head_does_not_wait_for_any_fragment(edge: Edge, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    response = edge.bundle(include("waiting", path=str(gate)))
    decoder = FrameDecoder()
    head = list(decoder.receive_data(response.read1(65536)))
    assert head == [Head("none")]
    gate.touch()
    assert len(list(decoder.receive_data(response.read()))) == 2


def test_manifest_shell_and_page(edge: Edge) -> None:
    manifest = Manifest.decode(edge.get(PATH, "manifest").read(), KEYRING)
    assert len(manifest.routes) > 10
    shell = Shell.decode(edge.get("/echo/?q=a%2Fb&utm_source=x", "first").read(), KEYRING)
    assert b"".join(part for part in shell.body if isinstance(part, bytes)).startswith(b"q=a%2Fb|")
    edge.connection.request("GET", "/function/")
    page = edge.connection.getresponse()
    text = page.read().decode()
    assert (page.status, "Basket: empty" in text, "[[2p:" in text) == (200, True, False)
    assert page.headers["Content-Length"] == str(len(text.encode()))


def test_public_fragments_have_requests_of_their_own(edge: Edge) -> None:
    decoder = FrameDecoder()
    tokens = (include("price"), include("recommended", product=1), include("basket"))
    frames = list(decoder.receive_data(edge.bundle(*tokens).read()))
    assert {frame.status for frame in frames if isinstance(frame, Frame)} == {200}


def test_odd_paths_keep_their_proof(edge: Edge) -> None:
    for path in ("/no%20such/p%C3%A4ge/(a,b;c=1)/?x=%2f&y=[1]", "/a//b/", "/%7Euser/"):
        response = edge.get(path, "first")
        response.read()
        assert response.status == 204, path
